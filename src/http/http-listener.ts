/**
 * How a node:http server gets its connections. With the addon, connections wait in a first-message queue until their
 * first message is complete; then they are passed to the server, which does not listen itself. With the TypeScript core
 * the server listens. Rule: one pass of the event loop passes on connections for at most a millisecond.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import type {
  FirstMessageEnd,
  FirstMessageOptions,
  FirstMessagePeer,
  FirstMessageQueue,
  OpenFirstMessageQueue,
} from '../native/contract.ts';
import type { HttpConnectionLimits } from './http-connection-limits.ts';

const PASS_MS = 1;
/** When so many connections wait for the server, accepting pauses until a quarter of them is left. */
const WHOLE_MAX = 256;

/** The sources of connections. */
export interface FirstMessageQueues {
  /** Opens a first-message queue of the addon; null: there is no addon, node:http listens itself. */
  readonly open: OpenFirstMessageQueue | null;
  /** Called with an errno name when no connection can be accepted now. */
  acceptFailed(code: string): void;
}

export interface HttpListenerOptions
  extends Pick<
    FirstMessageOptions,
    'host' | 'port' | 'backlog' | 'v6Only' | 'awaits' | 'timeoutMs'
  > {
  readonly firstMessageQueues: FirstMessageQueues;
  /**
   * A peer has ended before it was passed on. Peers that were ended because too many waited are reported by the
   * connection limits.
   */
  ended?(peer: FirstMessagePeer, end: FirstMessageEnd): void;
}

export class HttpListener {
  readonly #server: Server;
  readonly #limits: HttpConnectionLimits;
  readonly #ended: HttpListenerOptions['ended'];
  readonly #isSecure: boolean;
  #queue: FirstMessageQueue | null = null;
  readonly #sockets = new Set<Socket>();
  #whole: { readonly peer: FirstMessagePeer; readonly fd: number }[] = [];
  #handing: NodeJS.Immediate | null = null;
  /** Open connections that came from the first-message queue. */
  #count = 0;
  #isStopped = false;

  private constructor(
    server: Server,
    limits: HttpConnectionLimits,
    ended: HttpListenerOptions['ended'],
    isSecure: boolean,
  ) {
    this.#isSecure = isSecure;
    this.#server = server;
    this.#limits = limits;
    this.#ended = ended;
  }

  /** Binds, listens for `server` and returns the address; rejects with the system's error. */
  static async open(
    server: Server,
    limits: HttpConnectionLimits,
    { firstMessageQueues, ended, ...address }: HttpListenerOptions,
  ): Promise<{ listener: HttpListener; host: string; port: number }> {
    const listener = new HttpListener(server, limits, ended, address.awaits === 'tls');
    const { open, acceptFailed } = firstMessageQueues;
    if (open === null) {
      const { host, port, backlog, v6Only } = address;
      limits.guard(server);
      server.listen({ host, port, backlog, ipv6Only: v6Only });
      await once(server, 'listening');
      // No connection can be accepted now; node:net tries again by itself.
      server.on('error', (error: NodeJS.ErrnoException) => acceptFailed(error.code ?? 'UNKNOWN'));
      const bound = server.address() as AddressInfo;
      return { listener, host: bound.address, port: bound.port };
    }
    limits.guardCounted(server);
    const queue = await listener.#openFirstMessageQueue(open, acceptFailed, address);
    // From now on it applies its timeouts to its connections.
    server.emit('listening');
    return { listener, host: queue.host, port: queue.port };
  }

  /** Takes no more connections; resolves when the port is free. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    const closed = this.#queue?.close();
    while (this.#whole.length > 0) this.#handOn();
    if (closed !== undefined || this.#server.listening) this.#server.close();
    await closed;
  }

  /** Closes the port and ends every connection; resolves when the port is free and all connections are closed. */
  async close(): Promise<void> {
    const isClosing = this.#server.listening ? once(this.#server, 'close') : null;
    const stopped = this.stop();
    this.#server.closeAllConnections();
    // Connections in their handshake are not among them.
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
    await isClosing;
  }

  async #openFirstMessageQueue(
    open: OpenFirstMessageQueue,
    acceptFailed: FirstMessageQueues['acceptFailed'],
    address: Omit<HttpListenerOptions, 'firstMessageQueues' | 'ended'>,
  ): Promise<FirstMessageQueue> {
    const waitingMax = this.#limits.unfinishedMax;
    const options = { ...address, waitingMax, keepalive: null, userTimeoutMs: 0 };
    this.#queue = await open(options, {
      entered: (peer) => this.#enter(peer),
      whole: (peer, fd) => {
        if (this.#whole.push({ peer, fd }) > WHOLE_MAX) this.#queue?.pause(true);
        this.#handing ??= setImmediate(() => this.#handOnSome());
      },
      ended: (peer, end) => {
        this.#leave(peer);
        if (end.kind === 'pushedOut') this.#limits.pushedOut(peer);
        else this.#ended?.(peer, end);
      },
      acceptFailed,
    });
    return this.#queue;
  }

  #enter(peer: FirstMessagePeer): boolean {
    if (!this.#limits.hasRoom(this.#count, peer) || !this.#limits.enter(peer)) return false;
    this.#count++;
    return true;
  }

  #leave(peer: FirstMessagePeer): void {
    this.#count--;
    this.#limits.leave(peer);
  }

  #handOnSome(): void {
    const endMs = performance.now() + PASS_MS;
    this.#handing = null;
    while (this.#whole.length > 0 && performance.now() < endMs) this.#handOn();
    if (this.#whole.length <= WHOLE_MAX / 4) this.#queue?.pause(false);
    if (this.#whole.length > 0) this.#handing = setImmediate(() => this.#handOnSome());
  }

  #handOn(): void {
    const next = this.#whole.shift();
    if (next === undefined) return;
    // As node:https does: a peer that half-closes during its handshake has left.
    const allowHalfOpen = !this.#isSecure;
    const socket = new Socket({ fd: next.fd, allowHalfOpen, readable: true, writable: true });
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#leave(next.peer);
    });
    this.#server.emit('connection', socket);
  }
}
