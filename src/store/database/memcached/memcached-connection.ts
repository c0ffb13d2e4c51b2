/**
 * One connection to memcached in its text protocol, pipelined: replies come in the order of the commands. No library is
 * used, because gearmand's layout needs flags and dumps of keys, and maintained libraries have neither. Rule: an
 * invalid reply ends the connection, and all pending commands fail.
 */
import { connect, type NetConnectOpts, type Socket } from 'node:net';

const CONNECT_MS = 5_000;
const EMPTY = Buffer.alloc(0);
const LINE_END = Buffer.from('\r\n');
const LF = 0x0a;
/** A reply is one line, lines up to END, or values up to END. */
const END = 'END';

export interface Value {
  readonly key: string;
  readonly flags: number;
  readonly data: Buffer;
}

/** The reply that a command expects. */
interface Reply {
  /** Takes one line. Returns true when it was the last one, and a number when so many bytes of data follow. */
  take(line: string): boolean | number;
  data(bytes: Buffer): void;
  fail(error: Error): void;
}

export class MemcachedConnection {
  readonly #socket: Socket;
  readonly #waiting: Reply[] = [];
  #unread: Buffer = EMPTY;
  /** Bytes of data that the first reply still needs, without the line end; -1: a line. */
  #dataBytes = -1;
  #error: Error | null = null;

  private constructor(socket: Socket, onLost: (error: Error) => void) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#onData(chunk));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => {
      this.#end(new Error('the connection has ended'));
      onLost(this.#error as Error);
    });
  }

  /** `onLost` is called when an open connection ends. */
  static open(to: NetConnectOpts, onLost: (error: Error) => void): Promise<MemcachedConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...to, timeout: CONNECT_MS });
      socket.once('error', reject);
      socket.once('timeout', () => socket.destroy(new Error('it does not answer (ETIMEDOUT)')));
      socket.once('connect', () => {
        socket.off('error', reject);
        socket.setTimeout(0);
        socket.setNoDelay(true);
        resolve(new MemcachedConnection(socket, onLost));
      });
    });
  }

  /** Sends a command with a one-line reply. */
  ask(...pieces: readonly Uint8Array[]): Promise<string> {
    return this.#send<string>(pieces, (done) => ({
      take: (line) => {
        done(line);
        return true;
      },
      data: () => {},
    }));
  }

  /** Adds data under a key that must be free; reply as for `ask`. */
  add(key: Uint8Array, flags: number, data: Uint8Array): Promise<string> {
    const head = Buffer.from(` ${flags} 0 ${data.length}\r\n`);
    return this.ask(Buffer.from('add '), key, head, data, LINE_END);
  }

  /** The values of those keys that exist. */
  get(keys: readonly Uint8Array[]): Promise<Value[]> {
    const names = keys.flatMap((key) => [Buffer.from(' '), key]);
    return this.#send<Value[]>([Buffer.from('get'), ...names, LINE_END], (done, fail) => {
      const values: Value[] = [];
      let head: readonly string[] = [];
      return {
        take: (line) => {
          if (line === END) {
            done(values);
            return true;
          }
          head = line.split(' ');
          const byteCount = Number(head[3]);
          if (head[0] === 'VALUE' && Number.isSafeInteger(byteCount)) return byteCount;
          fail(new Error(`get: ${line}`));
          return true;
        },
        data: (bytes) =>
          values.push({ key: head[1] as string, flags: Number(head[2]), data: Buffer.from(bytes) }),
      };
    });
  }

  /** All lines up to END. If the reply is not a list, its only line. */
  list(command: string): Promise<string[]> {
    return this.#send<string[]>([Buffer.from(`${command}\r\n`)], (done) => {
      const lines: string[] = [];
      return {
        take: (line) => {
          if (line !== END) lines.push(line);
          if (line !== END && !/^(ERROR|BUSY|CLIENT_ERROR|SERVER_ERROR)/.test(line)) return false;
          done(lines);
          return true;
        },
        data: () => {},
      };
    });
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
    this.#end(new Error('the connection is closed'));
  }

  #send<T>(
    pieces: readonly Uint8Array[],
    make: (done: (result: T) => void, fail: (error: Error) => void) => Omit<Reply, 'fail'>,
  ): Promise<T> {
    if (this.#error !== null) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...make(resolve, reject), fail: reject });
      this.#socket.cork();
      for (const piece of pieces) this.#socket.write(piece);
      // Commands of the same turn are sent together.
      process.nextTick(() => this.#socket.uncork());
    });
  }

  #onData(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    let at = 0;
    for (;;) {
      const next = this.#takeAt(at);
      if (next < 0) break;
      at = next;
    }
    this.#unread = this.#unread.subarray(at);
  }

  /** Takes a line or data that begin at `at`; returns where they end, -1 when they are incomplete. */
  #takeAt(at: number): number {
    const reply = this.#waiting[0];
    const byteCount = this.#dataBytes;
    if (byteCount >= 0) {
      const end = at + byteCount + LINE_END.length;
      if (end > this.#unread.length) return -1;
      this.#dataBytes = -1;
      reply?.data(this.#unread.subarray(at, at + byteCount));
      return end;
    }
    const end = this.#unread.indexOf(LF, at);
    if (end < 0) return -1;
    const line = this.#unread.toString('latin1', at, end).replace(/\r$/, '');
    if (reply === undefined) {
      this.#socket.destroy(new Error(`nobody asked for ${line}`));
      return this.#unread.length;
    }
    const taken = reply.take(line);
    if (typeof taken === 'number') this.#dataBytes = taken;
    else if (taken) this.#waiting.shift();
    return end + 1;
  }

  #end(error: Error): void {
    this.#error ??= error;
    for (const reply of this.#waiting.splice(0)) reply.fail(this.#error);
  }
}
