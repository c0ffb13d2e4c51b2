/**
 * A job server that follows a test, packet by packet: for behaviour that no real server can be made to show. Rule: no
 * wait is a sleep; every wait ends by an event, or fails after `PATIENCE_MS` with the packets that came instead.
 */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { Packet } from '../../src/protocol/packets.ts';
import {
  type Bytes,
  itemLength,
  joinArgs,
  type PacketName,
  packetOf,
  printItem,
  rawPacket,
  type WirePacket,
} from './packet-text.ts';

const PATIENCE_MS = 10_000;

/** One connection, from the server's side. */
export class ScriptedPeer {
  readonly socket: Socket;
  /** Packets that were not taken yet. */
  readonly items: WirePacket[] = [];
  /** Text commands that were not taken yet. */
  readonly lines: string[] = [];
  /** All packets by name, for looking back. */
  readonly heard: string[] = [];
  /** Reads of the socket so far. */
  readCount = 0;
  isClosed = false;
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #wanted = 1;
  #look: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#tell();
    });
  }

  send(name: PacketName, ...args: Bytes[]): this {
    this.socket.write(rawPacket(Packet[name], joinArgs(args), { magic: '\0RES' }));
    return this;
  }

  sendRaw(bytes: Uint8Array): this {
    this.socket.write(bytes);
    return this;
  }

  /** The next packet, which must be `name`. */
  async expect(name: PacketName): Promise<WirePacket> {
    await this.until(() => this.items.length > 0, name);
    const item = this.items.shift() as WirePacket;
    if (item.name !== name) throw new Error(`expected ${name}, got ${printItem(item)}`);
    return item;
  }

  /** The next text command, with the ECHO_REQ after it. */
  async command(): Promise<string> {
    await this.until(() => this.lines.length > 0, 'a command');
    await this.expect('ECHO_REQ');
    return this.lines.shift() as string;
  }

  /** Replies to a text command and to the ECHO_REQ after it. */
  reply(text: string): this {
    return this.sendRaw(Buffer.from(text)).send('ECHO_RES');
  }

  /** Answers the start of every connection: takes options, id and functions, answers the ECHO. */
  async welcome(): Promise<WirePacket[]> {
    const greeting: WirePacket[] = [];
    for (;;) {
      await this.until(() => this.items.length > 0, 'the greeting');
      const item = this.items.shift() as WirePacket;
      if (item.name === 'OPTION_REQ') this.send('OPTION_RES', item.payload);
      if (item.name === 'ECHO_REQ') {
        this.send('ECHO_RES', item.payload);
        return greeting;
      }
      greeting.push(item);
    }
  }

  untilClosed(): Promise<void> {
    return this.until(() => this.isClosed, 'the end of the connection');
  }

  until(isSo: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`waited in vain for ${what}; heard ${this.heard.join(' ')}`));
      }, PATIENCE_MS);
      const look = (): void => {
        if (!isSo()) {
          if (!this.isClosed) {
            this.#look.push(look);
            return;
          }
          reject(new Error(`closed before ${what}; heard ${this.heard.join(' ')}`));
        }
        clearTimeout(timer);
        resolve();
      };
      look();
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.readCount++;
    this.#unread.push(chunk);
    this.#unreadBytes += chunk.length;
    if (this.#unreadBytes < this.#wanted) return;
    let bytes = Buffer.concat(this.#unread);
    for (;;) {
      const length = itemLength(bytes);
      this.#wanted = Math.max(length, bytes.length + 1);
      if (length === 0 || length > bytes.length) break;
      this.#takeItem(bytes.subarray(0, length));
      bytes = bytes.subarray(length);
    }
    this.#unread = bytes.length > 0 ? [bytes] : [];
    this.#unreadBytes = bytes.length;
    this.#tell();
  }

  #takeItem(bytes: Buffer): void {
    if (bytes[0] !== 0) {
      const line = bytes.toString('latin1').trimEnd();
      this.lines.push(line);
      this.heard.push(line);
      return;
    }
    const item = packetOf(bytes.readUInt32BE(4), bytes.subarray(12));
    this.items.push(item);
    this.heard.push(item.name);
  }

  #tell(): void {
    for (const look of this.#look.splice(0)) look();
  }
}

export class ScriptedServer {
  readonly port: number;
  /** Connections that were not taken yet. */
  readonly #arrived: ScriptedPeer[] = [];
  readonly #all: ScriptedPeer[] = [];
  readonly #waiting: ((peer: ScriptedPeer) => void)[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      const peer = new ScriptedPeer(socket);
      this.#all.push(peer);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#arrived.push(peer);
      else waiting(peer);
    });
  }

  /** Listens on a free port, or on the one given. */
  static start(port = 0): Promise<ScriptedServer> {
    const server = createServer();
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => resolve(new ScriptedServer(server)));
    });
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections so far. */
  get connectionCount(): number {
    return this.#all.length;
  }

  /** The next connection. */
  accept(): Promise<ScriptedPeer> {
    const peer = this.#arrived.shift();
    if (peer !== undefined) return Promise.resolve(peer);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next connection, after its greeting. */
  async acceptReady(): Promise<ScriptedPeer> {
    const peer = await this.accept();
    await peer.welcome();
    return peer;
  }

  async stop(): Promise<void> {
    for (const peer of this.#all) peer.close();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
