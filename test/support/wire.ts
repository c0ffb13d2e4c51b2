/**
 * A raw connection to a job server for tests: sends packets by name, collects packets and text replies in order of
 * arrival, writes a transcript (`worker1 < NOOP`). Rule: no wait is a sleep; every wait ends by an event or fails
 * after `patienceMs` with the transcript.
 */
import { connect as connectSocket, type Socket } from 'node:net';
import {
  type Bytes,
  itemLength,
  itemOf,
  type PacketName,
  printBytes,
  printItem,
  rawPacket,
  request,
  toBytes,
  type WireItem,
  type WirePacket,
} from './packet-text.ts';
import type { Transcript } from './transcript.ts';

export { Transcript } from './transcript.ts';

export interface WireOptions {
  readonly port: number;
  readonly host?: string;
  /** Name in the transcript. */
  readonly name?: string;
  readonly transcript?: Transcript | null;
  /** How long any wait may take before it fails. */
  readonly patienceMs?: number;
}

interface Waiter {
  readonly ready: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

let echoCount = 0;

export class WireConnection {
  readonly name: string;
  readonly transcript: Transcript | null;
  readonly socket: Socket;
  /** Packets and lines that were not taken yet. */
  items: WireItem[] = [];
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #wanted = 1;
  #waiters: Waiter[] = [];
  #closed = false;
  #fault: string | null = null;
  readonly #patienceMs: number;
  /** Resolves when the connection has ended, from either side. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket, options: WireOptions) {
    this.socket = socket;
    this.name = options.name ?? 'peer';
    this.transcript = options.transcript ?? null;
    this.#patienceMs = options.patienceMs ?? 10_000;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', () => socket.destroy());
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#closed = true;
        this.transcript?.add(`${this.name} < closed`);
        this.#settle();
        resolve();
      });
    });
  }

  /** Connects; rejects with the socket's error when nobody listens. */
  static connect(options: WireOptions): Promise<WireConnection> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket({ port: options.port, host: options.host ?? '127.0.0.1' });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new WireConnection(socket, options));
      });
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Sends one request by name; see `request` for the arguments. */
  send(name: PacketName, ...args: Bytes[]): this {
    const bytes = request(name, ...args);
    if (this.transcript !== null) {
      this.transcript.add(`${this.name} > ${[name, ...args.map(printBytes)].join(' ')}`);
    }
    this.socket.write(bytes);
    return this;
  }

  /** Sends bytes as they are; `note` names them in the transcript. */
  sendRaw(bytes: Bytes, note?: string): this {
    this.transcript?.add(`${this.name} > ${note ?? printBytes(bytes)}`);
    this.socket.write(toBytes(bytes));
    return this;
  }

  /** Sends a text line and its LF. */
  sendLine(text: string, end = '\n'): this {
    return this.sendRaw(text + end);
  }

  /** The next packet or line, whatever it is. */
  async next(): Promise<WireItem> {
    await this.until(() => this.items.length > 0, 'a packet or line');
    return this.items.shift() as WireItem;
  }

  /** The next item, which must be the packet `name`. */
  async expect(name: PacketName): Promise<WirePacket> {
    const item = await this.next();
    if (item.kind !== 'packet' || item.name !== name) {
      throw this.#failure(`expected ${name}, got ${printItem(item)}`);
    }
    return item;
  }

  /** Sends a request and returns the next item, which must be the packet `reply`. */
  async ask(reply: PacketName, name: PacketName, ...args: Bytes[]): Promise<WirePacket> {
    this.send(name, ...args);
    return this.expect(reply);
  }

  /** The next item, which must be a text line; with its end. */
  async line(): Promise<string> {
    const item = await this.next();
    if (item.kind !== 'line') throw this.#failure(`expected a line, got ${printItem(item)}`);
    return item.text;
  }

  /** Sends a text command and returns its one line. */
  async command(text: string, end = '\n'): Promise<string> {
    this.sendLine(text, end);
    return this.line();
  }

  /** Sends a text command and returns the lines of its listing, without their ends and without the final dot. */
  async list(text: string): Promise<string[]> {
    this.sendLine(text);
    const lines: string[] = [];
    for (;;) {
      const line = (await this.line()).replace(/\n$/, '');
      if (line === '.') return lines;
      lines.push(line);
    }
  }

  /**
   * Barrier: sends an ECHO and waits for its answer, so that everything sent before has taken effect and its replies
   * are in `items`. The answer itself is not.
   */
  async barrier(): Promise<void> {
    const token = `barrier ${++echoCount}`;
    this.socket.write(rawPacket(16, token));
    await this.awaitBarrier(token);
  }

  /** Waits for the ECHO_RES of `token`, which the caller has sent, and takes it out of `items`. */
  async awaitBarrier(token: string): Promise<void> {
    const found = (): number => {
      // The answer is nearly always the last item.
      for (let i = this.items.length - 1; i >= 0; i--) {
        const item = this.items[i] as WireItem;
        if (item.kind === 'packet' && item.type === 17 && item.payload.equals(toBytes(token)))
          return i;
      }
      return -1;
    };
    await this.until(() => found() >= 0, `ECHO_RES "${token}"`);
    this.items.splice(found(), 1);
  }

  /** Everything that has arrived and was not taken. */
  take(): WireItem[] {
    const items = this.items;
    this.items = [];
    return items;
  }

  /** Barrier, then the packets' names and lines that came before it: `['NOOP', 'JOB_CREATED']`. */
  async arrived(): Promise<string[]> {
    await this.barrier();
    return this.take().map((item) => (item.kind === 'packet' ? item.name : item.text));
  }

  /** Sends FIN; the server may still answer. */
  end(): this {
    this.transcript?.add(`${this.name} > (end)`);
    this.socket.end();
    return this;
  }

  /** Sends FIN and waits until the server has closed too. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.end();
    await this.until(() => this.#closed, 'the connection to be closed');
  }

  /** Waits until the server closes the connection. */
  async untilClosed(): Promise<void> {
    await this.until(() => this.#closed, 'the connection to be closed by the server', true);
  }

  /** Ends the connection with RST, as when a process is killed with unread data. */
  reset(): void {
    this.transcript?.add(`${this.name} > (reset)`);
    this.socket.resetAndDestroy();
  }

  /** Waits for an event that makes `ready` true; checked after every arrival and at the end of the connection. */
  until(ready: () => boolean, what: string, mayClose = false): Promise<void> {
    if (ready()) return Promise.resolve();
    if (this.#closed && !mayClose) return Promise.reject(this.#failure(`closed before ${what}`));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((w) => w !== waiter);
        reject(this.#failure(`waited ${this.#patienceMs} ms in vain for ${what}`));
      }, this.#patienceMs);
      const settle = (): void => {
        if (ready()) resolve();
        else reject(this.#failure(`closed before ${what}`));
      };
      const waiter: Waiter = { ready, resolve: settle, reject, timer };
      this.#waiters.push(waiter);
    });
  }

  #failure(what: string): Error {
    const told = this.transcript === null ? '' : `\n${this.transcript}`;
    const fault = this.#fault === null ? '' : ` (${this.#fault})`;
    return new Error(`${this.name}: ${what}${fault}${told}`);
  }

  #settle(): void {
    for (const waiter of [...this.#waiters]) {
      if (!waiter.ready() && !this.#closed) continue;
      clearTimeout(waiter.timer);
      this.#waiters = this.#waiters.filter((w) => w !== waiter);
      waiter.resolve();
    }
  }

  #onData(chunk: Buffer): void {
    this.#unread.push(chunk);
    this.#unreadBytes += chunk.length;
    if (this.#unreadBytes < this.#wanted) return;
    let bytes = this.#unread.length === 1 ? chunk : Buffer.concat(this.#unread);
    for (;;) {
      const length = itemLength(bytes);
      this.#wanted = Math.max(length, bytes.length + 1);
      if (length === 0 || length > bytes.length) break;
      this.#arrive(itemOf(bytes.subarray(0, length)));
      if (this.#fault !== null) break;
      bytes = bytes.subarray(length);
    }
    this.#unread = bytes.length > 0 ? [bytes] : [];
    this.#unreadBytes = bytes.length;
    this.#settle();
  }

  #arrive(item: WireItem | string): void {
    if (typeof item === 'string') {
      this.#fault = item;
      this.socket.destroy();
      return;
    }
    const isBarrier =
      item.kind === 'packet' && item.type === 17 && item.payload.toString().startsWith('barrier ');
    if (!isBarrier) this.transcript?.add(`${this.name} < ${printItem(item)}`);
    this.items.push(item);
  }
}
