/**
 * The TypeScript reactor on node:net: the addon's contract with sockets that Node owns. Rule: at most one turn in each
 * pass of the event loop, by setImmediate, so that it runs after the sockets' reads of that pass.
 */
import { chmod } from 'node:fs/promises';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type {
  Detached,
  KeepaliveOptions,
  ListenAddress,
  ReactorOptions,
} from '../native/contract.ts';
import { connectStream } from './stream-connection.ts';
import type { Connection, Opened } from './turn/connection.ts';
import { TurnReactor } from './turn-reactor.ts';

const LISTEN_ERROR_MS = 1000;
/** If the ring of a doorbell is lost, the thread notices its records after this time. */
const SLEEP_MS = 1000;
const ALIVE_MS = 2 ** 30;

/** A reactor on node:net. Its listeners and connections keep the process alive until `destroy`. */
export function createNodeReactor(options: ReactorOptions): NodeReactor {
  return new NodeReactor(options);
}

export class NodeReactor extends TurnReactor {
  readonly #servers = new Map<number, net.Server>();
  #nextListener = 1;
  #immediate: NodeJS.Immediate | null = null;
  #ringTimer: NodeJS.Timeout | null = null;
  #listenErrorAtMs = Number.NEGATIVE_INFINITY;
  #openHandles = 0;
  /** Keeps the process alive while there are connections inside it, as sockets do. */
  #alive: NodeJS.Timeout | undefined;
  #destroyed: Promise<void> | null = null;
  #onAllClosed: (() => void) | null = null;

  listen(address: ListenAddress): Promise<{ id: number; port: number }> {
    const id = this.#nextListener++;
    const server = net.createServer({ allowHalfOpen: true, noDelay: true });
    server.on('connection', (socket) => this.#accept(socket, address, id));
    this.#handleOpened();
    this.#servers.set(id, server);
    return new Promise((resolve, reject) => {
      server.once('close', () => {
        reject(Object.assign(new Error('listen: closed meanwhile'), { code: 'ECANCELED' }));
        this.#handleClosed();
      });
      server.once('error', (error) => {
        this.unlisten(id);
        reject(error);
      });
      server.listen(listenOptions(address), () => {
        server.removeAllListeners('error');
        server.on('error', (error: NodeJS.ErrnoException) => this.#listenFailed(error));
        finishListening(server, address).then(
          (port) => resolve({ id, port }),
          (error) => {
            this.unlisten(id);
            reject(error);
          },
        );
      });
    });
  }

  unlisten(id: number): void {
    this.#servers.get(id)?.close();
    this.#servers.delete(id);
  }

  adopt(fd: number, unread: Uint8Array, unsent: Uint8Array): number {
    const socket = new net.Socket({ fd, allowHalfOpen: true, readable: true, writable: true });
    socket.setNoDelay(true);
    const connection = this.#connect(socket, null);
    this.welcome(connection, unread, unsent);
    return connection.id;
  }

  override attach(stream: Duplex, opened: Opened | null): number {
    return this.#connect(stream, opened).id;
  }

  detach(_conn: number): Detached {
    throw new Error('detach: a socket of node:net cannot leave its thread');
  }

  override watchRings(
    words: Int32Array,
    asleep: number,
    writeWords: Int32Array,
    readWords: Int32Array,
    doorbellFd: number,
  ): void {
    super.watchRings(words, asleep, writeWords, readWords, doorbellFd);
    this.#ringTimer ??= setInterval(() => this.#lookAtRings(), SLEEP_MS).unref();
  }

  destroy(): Promise<void> {
    if (this.#destroyed !== null) return this.#destroyed;
    this.#destroyed = new Promise((resolve) => {
      this.#onAllClosed = resolve;
    });
    this.#closeHandles();
    return this.#destroyed;
  }

  protected schedule(): void {
    if (this.#immediate !== null || this.#destroyed !== null) return;
    this.#immediate = setImmediate(() => {
      this.#immediate = null;
      this.engine.runTurn();
    });
  }

  /**
   * Runs a turn when a ring has records, even if its doorbell was not rung, or the sockets' memory must be reported.
   */
  #lookAtRings(): void {
    if (this.engine.rings.isWaiting() || this.engine.mustTellMemory) this.requestTurn();
  }

  #accept(socket: net.Socket, address: ListenAddress, listener: number): void {
    setKeepalive(socket, this.options.keepalive);
    const peer = peerOf(socket, address, listener);
    const isRaw = 'host' in address && address.isRaw === true;
    if (isRaw) this.options.onSocket?.(socket, peer.address, peer.port);
    else this.attach(socket, peer);
  }

  #connect(stream: Duplex, opened: Opened | null): Connection {
    const closed = () => this.#handleClosed();
    const connection = connectStream(this.engine, stream, opened, closed);
    this.#handleOpened();
    return connection;
  }

  #listenFailed(error: NodeJS.ErrnoException): void {
    const nowMs = performance.now();
    if (nowMs - this.#listenErrorAtMs < LISTEN_ERROR_MS) return;
    this.#listenErrorAtMs = nowMs;
    this.options.onListenError(error.code ?? 'UNKNOWN');
  }

  #handleOpened(): void {
    this.#openHandles++;
    this.#alive ??= setInterval(() => {}, ALIVE_MS);
  }

  #handleClosed(): void {
    if (--this.#openHandles > 0) return;
    clearInterval(this.#alive);
    this.#alive = undefined;
    this.#onAllClosed?.();
  }

  #closeHandles(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#ringTimer !== null) clearInterval(this.#ringTimer);
    for (const id of [...this.#servers.keys()]) this.unlisten(id);
    this.#openHandles++; // counts this call, so that completion cannot come before everything has begun
    this.engine.closeAll();
    this.#handleClosed();
  }
}

function listenOptions(address: ListenAddress): net.ListenOptions {
  if ('path' in address) return { path: address.path, backlog: address.backlog };
  const { host, port, backlog, v6Only = true } = address;
  return { host, port, backlog, exclusive: true, ipv6Only: v6Only };
}

/** Sets the mode of a socket file when it exists. Returns the port, 0 for a path. */
async function finishListening(server: net.Server, address: ListenAddress): Promise<number> {
  if (!('path' in address)) return (server.address() as net.AddressInfo).port;
  await chmod(address.path, address.mode);
  return 0;
}

function peerOf(socket: net.Socket, address: ListenAddress, listener: number): Opened {
  if ('path' in address) return { address: 'localhost', port: 0, listener };
  const text = socket.remoteAddress ?? 'unknown'; // the peer may have left already
  const isMapped = text.startsWith('::ffff:') && text.includes('.');
  return { address: isMapped ? text.slice(7) : text, port: socket.remotePort ?? 0, listener };
}

/** Sets keepalive. node:net cannot set interval and count, so the system's values stay. */
function setKeepalive(socket: net.Socket, keepalive: KeepaliveOptions | null): void {
  if (keepalive === null) return;
  if (keepalive.idleSeconds < 0) socket.setKeepAlive(true);
  else socket.setKeepAlive(true, keepalive.idleSeconds * 1000);
}
