/**
 * A connection to a job server as a client or worker has it: sends requests, receives packets in order.
 * Rule: packets that nobody waits for are kept; when the connection ends every wait fails.
 */
import { connect, type Socket } from 'node:net';
import { bytesOf } from '../base/bytes.ts';
import { writeHeader } from '../protocol/encode.ts';
import { HEADER_BYTES } from '../protocol/limits.ts';
import { PACKETS } from '../protocol/packets.ts';
import { LinkError } from './link-error.ts';
import { PacketReader, type ReceivedPacket } from './packet-reader.ts';

interface Waiter {
  resolve(packet: ReceivedPacket): void;
  reject(error: Error): void;
}

/** Text is sent as UTF-8. */
export type Bytes = string | Uint8Array;

const MAGIC_REQ = bytesOf('\0REQ');

export class Link {
  readonly #socket: Socket;
  readonly #reader = new PacketReader();
  readonly #packets: ReceivedPacket[] = [];
  readonly #waiters: Waiter[] = [];
  #error: Error | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(undefined));
  }

  /** Connects; rejects with the system's error (`ECONNREFUSED` ...). */
  static open(address: { host: string; port: number } | { path: string }): Promise<Link> {
    return new Promise((resolve, reject) => {
      const socket = connect(address);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Link(socket));
      });
    });
  }

  /** Sends one request. `args` are the arguments of its type in order, `data` the bytes behind them. */
  send(type: number, args: readonly Bytes[] = [], data?: Bytes): void {
    const parts = args.map((arg) => Buffer.from(arg as string));
    const isOpen = PACKETS[type]?.hasData === true;
    const payload: Buffer[] = [];
    for (const [i, part] of parts.entries()) {
      payload.push(part);
      // The last argument of a packet without data is the rest of it.
      if (isOpen || i < parts.length - 1) payload.push(Buffer.alloc(1));
    }
    if (data !== undefined) payload.push(Buffer.from(data as string));
    const payloadBytes = payload.reduce((sum, part) => sum + part.length, 0);
    const header = new Uint8Array(HEADER_BYTES);
    writeHeader(header, 0, type, payloadBytes);
    header.set(MAGIC_REQ);
    this.#socket.write(Buffer.concat([header, ...payload]));
  }

  /** The next packet. Rejects with LinkError `ERR_GEARMAN_CLOSED` when the connection ends before it. */
  receive(): Promise<ReceivedPacket> {
    const packet = this.#packets.shift();
    if (packet !== undefined) return Promise.resolve(packet);
    if (this.#error !== null) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(bytes: Uint8Array): void {
    let packets: ReceivedPacket[];
    try {
      packets = this.#reader.push(bytes);
    } catch (error) {
      this.#end(error as Error);
      this.#socket.destroy();
      return;
    }
    for (const packet of packets) {
      const waiter = this.#waiters.shift();
      if (waiter === undefined) this.#packets.push(packet);
      else waiter.resolve(packet);
    }
  }

  #end(cause: Error | undefined): void {
    this.#error ??= new LinkError('ERR_GEARMAN_CLOSED', 'the job server closed the connection', {
      cause,
    });
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#error);
  }
}
