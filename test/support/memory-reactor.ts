/**
 * The reactor's contract without sockets, for tests and the simulation. Rule: nothing happens by itself; the owner
 * calls `runTurn`, and the same calls give the same rows.
 */
import type { Detached, ListenAddress, ReactorOptions } from '../../src/native/contract.ts';
import { GoneReason } from '../../src/protocol/batch.ts';
import { READ_BYTES } from '../../src/protocol/limits.ts';
import { copyOf } from '../../src/transport/turn/byte-queue.ts';
import type { Connection, Opened, Wire } from '../../src/transport/turn/connection.ts';
import { TurnReactor } from '../../src/transport/turn-reactor.ts';
import { MemoryRegistry, type MemorySocket } from './memory-socket.ts';

export interface MemoryOptions {
  /** Shared by reactors that hand connections to each other; default: one of its own. */
  readonly registry?: MemoryRegistry;
  /** Called whenever a turn is due, any number of times before it. */
  readonly onDue?: () => void;
}

/** A peer that connects. */
export interface MemoryPeer {
  /** ASCII text of its address; default 127.0.0.1. */
  readonly address?: string;
  readonly port?: number;
  /** Listener id in its OPEN row. */
  readonly listener?: number;
  /** Output bytes that count as sent before the peer takes them; default unlimited. */
  readonly windowBytes?: number;
}

/** A reactor driven by hand. */
export function createMemoryReactor(
  options: ReactorOptions,
  memory?: MemoryOptions,
): MemoryReactor {
  return new MemoryReactor(options, memory);
}

export class MemoryReactor extends TurnReactor {
  readonly registry: MemoryRegistry;
  readonly #onDue: () => void;
  /** Every connection made or adopted here; a closed one until its last output was taken. */
  readonly #sockets = new Map<number, MemorySocket>();
  #readable: MemoryWire[] = [];
  #nextListener = 1;

  constructor(options: ReactorOptions, memory: MemoryOptions = {}) {
    super(options);
    this.registry = memory.registry ?? new MemoryRegistry();
    this.#onDue = memory.onDue ?? (() => {});
  }

  /** A peer connects. Returns its conn; its OPEN row comes with the next turn. */
  connect(peer: MemoryPeer = {}): number {
    const { address = '127.0.0.1', port = 0, listener = 1 } = peer;
    const windowBytes = peer.windowBytes ?? Number.POSITIVE_INFINITY;
    const socket = this.registry.open(address, port, windowBytes);
    return this.#bind(socket, { address, port, listener }).id;
  }

  /** The peer's end; it stays good when the connection moves to another reactor. */
  socketOf(conn: number): MemorySocket {
    const socket = this.#sockets.get(conn);
    if (socket === undefined) throw new Error(`use connection ${conn}: it is not of this reactor`);
    return socket;
  }

  push(conn: number, bytes: Uint8Array): void {
    this.socketOf(conn).push(bytes);
  }

  end(conn: number): void {
    this.socketOf(conn).end();
  }

  /** All output since the last call. */
  take(conn: number): Uint8Array {
    const socket = this.#sockets.get(conn);
    if (socket === undefined) return new Uint8Array(0);
    const bytes = socket.take();
    if (socket.isClosed) this.#sockets.delete(conn);
    return bytes;
  }

  isClosed(conn: number): boolean {
    return this.#sockets.get(conn)?.isClosed ?? true;
  }

  /** Reads at most READ_BYTES of each peer, calls `onTurn`, sends. Returns false when there was nothing to do. */
  runTurn(): boolean {
    const readable = this.#readable;
    this.#readable = [];
    for (const wire of readable) {
      wire.isListed = false;
      this.#read(wire);
    }
    return this.engine.runTurn() || readable.length > 0;
  }

  /** Gives an id and the port asked for; peers come through `connect`. */
  async listen(address: ListenAddress): Promise<{ id: number; port: number }> {
    return { id: this.#nextListener++, port: 'path' in address ? 0 : address.port };
  }

  unlisten(_id: number): void {}

  adopt(fd: number, unread: Uint8Array, unsent: Uint8Array): number {
    const connection = this.#bind(this.registry.get(fd), null);
    this.welcome(connection, unread, unsent);
    return connection.id;
  }

  detach(conn: number): Detached {
    const { connection, unread, unsent } = this.takeOut(conn);
    const { socket } = connection.wire as MemoryWire;
    socket.reader = null;
    this.#sockets.delete(conn);
    return { fd: socket.fd, unread, unsent };
  }

  async destroy(): Promise<void> {
    this.engine.closeAll();
  }

  protected schedule(): void {
    this.#onDue();
  }

  #bind(socket: MemorySocket, opened: Opened | null): Connection {
    const wire: MemoryWire = new MemoryWire(socket, {
      readable: () => this.#list(wire),
      sent: () => this.engine.output.sent(connection),
      closed: () => {
        this.registry.close(socket.fd);
        this.engine.closed(connection);
      },
    });
    const connection = this.engine.open(wire, opened);
    wire.connection = connection;
    this.#sockets.set(connection.id, socket);
    this.#list(wire);
    return connection;
  }

  #list(wire: MemoryWire): void {
    if (wire.isListed) return;
    wire.isListed = true;
    this.#readable.push(wire);
    this.schedule();
  }

  #read(wire: MemoryWire): void {
    const { socket, connection } = wire;
    if (connection === null || socket.reader !== wire || socket.isClosed) return;
    if (socket.isReset || wire.isReading) this.#readSome(wire, socket, connection);
  }

  #readSome(wire: MemoryWire, socket: MemorySocket, connection: Connection): void {
    const bytes = new Uint8Array(Math.min(socket.inbound.bytes, READ_BYTES));
    socket.inbound.take(bytes, 0, bytes.length);
    if (bytes.length > 0) this.engine.received(connection, bytes);
    if (socket.inbound.bytes > 0) this.#list(wire);
    else if (socket.isReset) this.engine.ended(connection, GoneReason.RESET);
    else if (socket.hasEnded) this.engine.ended(connection, GoneReason.END);
  }
}

interface WireEvents {
  readable(): void;
  sent(): void;
  closed(): void;
}

class MemoryWire implements Wire {
  readonly socket: MemorySocket;
  connection: Connection | null = null;
  isReading = true;
  /** Is in the reactor's list of those to read. */
  isListed = false;
  #isFinishing = false;
  readonly #events: WireEvents;

  constructor(socket: MemorySocket, events: WireEvents) {
    this.socket = socket;
    this.#events = events;
    socket.reader = this;
  }

  send(pieces: readonly Uint8Array[], done: () => void): void {
    const { socket } = this;
    if (!socket.isReset && !socket.isClosed) {
      for (const piece of pieces) socket.outbound.push(copyOf(piece, 0, piece.length));
    }
    done();
  }

  unsentBytes(): number {
    return this.socket.unsentBytes;
  }

  setReading(isReading: boolean): void {
    this.isReading = isReading;
    if (isReading) this.#events.readable();
  }

  /** There is no clock here: patience ends when the peer takes its bytes, resets, or the reactor is destroyed. */
  finish(_lingerMs: number): void {
    this.#isFinishing = true;
    this.sent();
  }

  destroy(): void {
    if (this.socket.isClosed) return;
    this.socket.reader = null;
    this.#events.closed();
  }

  readable(): void {
    if (this.#isFinishing) this.sent();
    else this.#events.readable();
  }

  sent(): void {
    if (!this.#isFinishing) this.#events.sent();
    else if (this.socket.unsentBytes === 0) this.destroy();
  }
}
