/**
 * Which connections of an HTTP port are kept: so many in all, so many of one address, and so many whose first request
 * is not whole. Rule: who has never sent a whole request gives way, the oldest first; a thousand such peers cost little,
 * also when all of them leave in one pass of the event loop.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FirstMessagePeer } from '../native/contract.ts';

/** Connections whose first request is not whole, in the first-message queue and after it. libuv reads between two accepts, so everybody was heard once. */
const UNFINISHED_MAX = 1_000;

/** Why a connection is refused or ended. */
export type HttpRefusal = 'connections' | 'peerConnections' | 'unfinished';

export interface HttpConnectionLimitsOptions {
  /** What the port is called in the log. */
  readonly name: string;
  /** Connections of one address that is bound; 0 = no limit. */
  readonly connectionsMax: number;
  /** Connections of one peer's address; 0 = no limit. */
  readonly peerConnectionsMax: number;
  readonly unfinishedMax?: number;
  /** Hears of every refusal; `text` says why. */
  refused(reason: HttpRefusal, address: string, port: number, text: string): void;
}

export class HttpConnectionLimits {
  readonly #options: HttpConnectionLimitsOptions;
  /** Connections by the peer's address. */
  readonly #peers = new Map<string, number>();
  /** By the peer's address and port, which a TLS socket shares with the one that carries it; the oldest first. */
  readonly #unfinished = new Map<string, Socket>();

  constructor(options: HttpConnectionLimitsOptions) {
    this.#options = options;
  }

  /** Connections that may be without a whole request. */
  get unfinishedMax(): number {
    return this.#options.unfinishedMax ?? UNFINISHED_MAX;
  }

  /** Watches over the connections of a server that listens. */
  guard(server: Server): void {
    const { connectionsMax } = this.#options;
    if (connectionsMax > 0) server.maxConnections = connectionsMax;
    server.on('drop', (data) => this.#refuseOver(data?.remoteAddress, data?.remotePort));
    server.on('connection', (socket: Socket) => {
      const peer = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
      if (!this.enter(peer)) {
        socket.destroy();
        return;
      }
      socket.once('close', () => this.leave(peer));
      this.#take(socket);
    });
    server.on('clientError', answerWrongRequest);
  }

  /** Watches the connections of a server that come from a first-message queue and were counted there. */
  guardCounted(server: Server): void {
    server.on('connection', (socket: Socket) => this.#take(socket));
    server.on('clientError', answerWrongRequest);
  }

  /** Whether one more connection may join `count` of its listener; if not, that is reported. */
  hasRoom(count: number, { address, port }: FirstMessagePeer): boolean {
    const { connectionsMax } = this.#options;
    if (connectionsMax === 0 || count < connectionsMax) return true;
    this.#refuseOver(address, port);
    return false;
  }

  /** Counts a connection of an address; false: it has too many, which is reported. */
  enter({ address, port }: FirstMessagePeer): boolean {
    const limit = this.#options.peerConnectionsMax;
    if (limit === 0) return true;
    const count = (this.#peers.get(address) ?? 0) + 1;
    if (count > limit) {
      const text = `it has ${limit} connections, the limit of one address`;
      this.#refuse('peerConnections', address, port, text);
      return false;
    }
    this.#peers.set(address, count);
    return true;
  }

  /** One that was counted has ended. */
  leave({ address }: FirstMessagePeer): void {
    if (this.#options.peerConnectionsMax === 0) return;
    const left = (this.#peers.get(address) ?? 1) - 1;
    if (left === 0) this.#peers.delete(address);
    else this.#peers.set(address, left);
  }

  /** The oldest of too many without a whole request was ended. */
  pushedOut({ address, port }: { address?: string | undefined; port?: number | undefined }): void {
    const text = `${this.unfinishedMax} connections without a whole request, the limit`;
    this.#refuse('unfinished', address, port, text);
  }

  /** The peer has shown that it uses its connection. */
  requestIsWhole(socket: Socket): void {
    this.#unfinished.delete(peerKeyOf(socket));
  }

  #take(socket: Socket): void {
    const key = peerKeyOf(socket);
    this.#unfinished.set(key, socket);
    socket.once('close', () => this.#unfinished.delete(key));
    if (this.#unfinished.size <= this.unfinishedMax) return;
    const [first] = this.#unfinished;
    if (first === undefined) return;
    const [firstKey, oldest] = first;
    this.#unfinished.delete(firstKey);
    this.pushedOut({ address: oldest.remoteAddress, port: oldest.remotePort });
    oldest.destroy();
  }

  #refuseOver(address: string | undefined, port: number | undefined): void {
    const text = `${this.#options.connectionsMax} connections, the limit`;
    this.#refuse('connections', address, port, text);
  }

  #refuse(reason: HttpRefusal, address = 'unknown', port = 0, text: string): void {
    this.#options.refused(
      reason,
      address,
      port,
      `refuse ${address}:${port}: ${this.#options.name}: ${text}`,
    );
  }
}

function peerKeyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Who has left hears nothing: an answer to each of a thousand that leave together would take its time. */
function answerWrongRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  const hasLeft = error.code === 'HPE_INVALID_EOF_STATE' || error.code === 'ECONNRESET';
  if (hasLeft || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUSES[error.code ?? ''] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
}

/** What node:http answers when nobody listens for its errors. */
const STATUSES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};
