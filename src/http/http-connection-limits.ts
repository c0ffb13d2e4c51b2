/**
 * Connection limits of an HTTP port: in all, for one address, and for connections without a complete request. Rule:
 * peers that have never sent a complete request are ended first, the oldest before the others. A thousand such peers
 * cost little, even if all of them leave in one pass of the event loop.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FirstMessagePeer } from '../native/contract.ts';

/**
 * Limit of connections without a complete request, in the first-message queue and after it. libuv reads between two
 * accepts, so each of them has been read at least once.
 */
const UNFINISHED_MAX = 1_000;

/** Why a connection is refused or ended. */
export type HttpRefusal = 'connections' | 'peerConnections' | 'unfinished';

export interface HttpConnectionLimitsOptions {
  /** The port's name in the log. */
  readonly name: string;
  /** Connections of one bound address; 0 = no limit. */
  readonly connectionsMax: number;
  /** Connections of one peer's address; 0 = no limit. */
  readonly peerConnectionsMax: number;
  readonly unfinishedMax?: number;
  /** Called for every refusal; `text` is the reason. */
  refused(reason: HttpRefusal, address: string, port: number, text: string): void;
}

export class HttpConnectionLimits {
  readonly #options: HttpConnectionLimitsOptions;
  /** Connections by the peer's address. */
  readonly #peers = new Map<string, number>();
  /**
   * Connections without a complete request by the peer's address and port, the oldest first. A TLS socket has the same
   * address and port as the socket below it.
   */
  readonly #unfinished = new Map<string, Socket>();

  constructor(options: HttpConnectionLimitsOptions) {
    this.#options = options;
  }

  /** Limit of connections without a complete request. */
  get unfinishedMax(): number {
    return this.#options.unfinishedMax ?? UNFINISHED_MAX;
  }

  /** Applies the limits to the connections of a listening server. */
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

  /** Applies the limits to connections that come from a first-message queue and were counted there. */
  guardCounted(server: Server): void {
    server.on('connection', (socket: Socket) => this.#take(socket));
    server.on('clientError', answerWrongRequest);
  }

  /** Whether the listener has room for one more connection than `count`; if not, reports the refusal. */
  hasRoom(count: number, { address, port }: FirstMessagePeer): boolean {
    const { connectionsMax } = this.#options;
    if (connectionsMax === 0 || count < connectionsMax) return true;
    this.#refuseOver(address, port);
    return false;
  }

  /** Counts a connection of an address; false, with a report, when the address has too many. */
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

  /** A counted connection has ended. */
  leave({ address }: FirstMessagePeer): void {
    if (this.#options.peerConnectionsMax === 0) return;
    const left = (this.#peers.get(address) ?? 1) - 1;
    if (left === 0) this.#peers.delete(address);
    else this.#peers.set(address, left);
  }

  /** The oldest of too many connections without a complete request was ended. */
  pushedOut({ address, port }: { address?: string | undefined; port?: number | undefined }): void {
    const text = `${this.unfinishedMax} connections without a whole request, the limit`;
    this.#refuse('unfinished', address, port, text);
  }

  /** The peer has sent a complete request. */
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

/**
 * Answers a malformed request. Peers that have left get no answer: answering a thousand that leave together would take
 * long.
 */
function answerWrongRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  const hasLeft = error.code === 'HPE_INVALID_EOF_STATE' || error.code === 'ECONNRESET';
  if (hasLeft || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUSES[error.code ?? ''] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
}

/** Statuses by error code: the answers that node:http itself gives when no listener handles the error. */
const STATUSES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};
