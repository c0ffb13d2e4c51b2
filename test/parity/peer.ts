/**
 * The other end of a connection, by a real socket or inside the process: collects what comes, says when it has closed.
 */
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { InProcessStream } from '../../src/transport/in-process/stream.ts';
import type { StreamReactor } from '../../src/transport/stream-connection.ts';

/** What the OPEN row of a connection inside the process says. */
export const INSIDE = { address: 'localhost', port: 0, listener: 0 } as const;

export class Peer {
  readonly socket: Duplex;
  /** The error's code when the connection ended by one. */
  errorCode = '';
  readonly closed: Promise<void>;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #isClosed = false;
  #look: (() => void) | null = null;

  private constructor(socket: Duplex) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#received.push(chunk);
      this.#receivedBytes += chunk.length;
      this.#look?.();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.errorCode = error.code ?? 'UNKNOWN';
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        this.#look?.();
        resolve();
      });
    });
  }

  static async connect(to: net.NetConnectOpts): Promise<Peer> {
    const socket = net.connect({ noDelay: true, ...to });
    const peer = new Peer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return peer;
  }

  /** Port of this end of a TCP connection, and of the other. */
  get ports(): { localPort: number; remotePort: number } {
    const { localPort, remotePort } = this.socket as net.Socket;
    return { localPort: localPort as number, remotePort: remotePort as number };
  }

  /** Connects inside the process. */
  static inProcessPeer(reactor: StreamReactor): Peer {
    const stream = new InProcessStream();
    reactor.attach(stream, INSIDE);
    return new Peer(stream);
  }

  write(bytes: Uint8Array | string): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** Takes exactly `count` bytes when they are there. Rejects when the connection closes before. */
  async read(count: number): Promise<Buffer> {
    while (this.#receivedBytes < count) {
      if (this.#isClosed) {
        throw new Error(`closed ${this.errorCode} after ${this.#receivedBytes} of ${count} bytes`);
      }
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
    const all = Buffer.concat(this.#received);
    this.#received = [all.subarray(count)];
    this.#receivedBytes -= count;
    return all.subarray(0, count);
  }

  async text(count: number): Promise<string> {
    return (await this.read(count)).toString('latin1');
  }

  /** All that comes until the connection is closed. */
  async rest(): Promise<string> {
    await once(this.socket, () => this.socket.readableEnded || this.#isClosed);
    return Buffer.concat(this.#received).toString('latin1');
  }

  /** Closes at once with a reset. */
  reset(): void {
    if (this.socket instanceof net.Socket) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }
}

async function once(socket: Duplex, isTrue: () => boolean): Promise<void> {
  if (isTrue()) return;
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (isTrue()) resolve();
    };
    socket.on('end', look);
    socket.on('close', look);
  });
}
