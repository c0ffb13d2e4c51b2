/**
 * The twin reactor without its sockets: rows in, one callback a turn, output gathered per connection, limits, closing.
 * Rule: while `onTurn` runs, methods only note what to do; what it wrote leaves after it has returned, or never if it threw.
 */
import type { Detached, ListenAddress, Reactor, ReactorOptions } from '../native/contract.ts';
import { CONTROL_INTS, GoneReason, OUT_INTS, ROW_INTS } from '../protocol/batch.ts';
import { READ_BYTES } from '../protocol/limits.ts';
import { BlobTable } from './blob-table.ts';
import { Connection, ConnectionTable, Leaving, type Opened, type Wire } from './connection.ts';
import { RingWatch } from './ring-watch.ts';
import { TurnInput } from './turn-input.ts';
import { TurnOutput } from './turn-output.ts';

/** Capacities; the host reads them from the arrays' lengths. */
export const ARENA_BYTES = 1 << 20;
export const ROWS_MAX = 4096;
export const OUT_BYTES = 1 << 20;
export const OUT_ROWS_MAX = 16384;

/** Base of the node:net reactor and of the memory reactor. Subclasses bring wires and decide when turns run. */
export abstract class TurnReactor implements Reactor {
  readonly kind = 'twin';
  readonly arena: Uint8Array = new Uint8Array(ARENA_BYTES);
  readonly rows: Int32Array = new Int32Array(ROWS_MAX * ROW_INTS);
  readonly out: Uint8Array = new Uint8Array(OUT_BYTES);
  readonly outRows: Int32Array = new Int32Array(OUT_ROWS_MAX * OUT_INTS);
  readonly control: Int32Array = new Int32Array(CONTROL_INTS);

  protected readonly options: ReactorOptions;
  protected readonly connections = new ConnectionTable();

  readonly #blobs = new BlobTable(this.control);
  readonly #rings = new RingWatch();
  readonly #input: TurnInput;
  readonly #output: TurnOutput;
  #isNudged = false;
  #isInTurn = false;
  /** `onTurn` threw, or everything is closed: no turn runs any more and nothing is sent. */
  #isStopped = false;

  constructor(options: ReactorOptions) {
    this.options = options;
    const { hashSeed, packetBytesMax } = options;
    this.#input = new TurnInput(this.arena, this.rows, this.#blobs, hashSeed, packetBytesMax);
    this.#output = new TurnOutput(this, this.#blobs, this.connections, options, {
      paused: (connection, isPaused) => {
        this.#updateReading(connection);
        if (!isPaused) this.markReady(connection);
      },
      overLimit: (connection) => this.ended(connection, GoneReason.OUTPUT_LIMIT),
      drained: (connection) => {
        connection.isDrainedDue = true;
        this.markReady(connection);
      },
    });
  }

  abstract listen(address: ListenAddress): Promise<{ id: number; port: number }>;
  abstract unlisten(id: number): void;
  abstract adopt(fd: number, unread: Uint8Array, unsent: Uint8Array): number;
  abstract detach(conn: number): Detached;
  abstract destroy(): Promise<void>;
  /** `destroy` was called; inside a turn its work is done behind the turn. */
  protected abstract isDestroyed(): boolean;
  /** Asks for `runTurn` soon; called any number of times before it. */
  protected abstract schedule(): void;

  // -- what the thread calls

  spill(): void {
    this.#output.spill();
  }

  close(conn: number): void {
    this.#leave(conn, Leaving.AT_ONCE, 0);
  }

  closeAfterFlush(conn: number, lingerMs: number): void {
    this.#leave(conn, lingerMs > 0 ? Leaving.WHEN_SENT : Leaving.AT_ONCE, lingerMs);
  }

  hold(conn: number, start: number): void {
    const connection = this.#find(conn);
    if (connection === undefined) return;
    this.#input.unread(connection, start);
    connection.isHeld = true;
    this.#updateReading(connection);
  }

  resume(conn: number): void {
    const connection = this.#find(conn);
    if (connection === undefined) return;
    connection.isHeld = false;
    this.#updateReading(connection);
    this.markReady(connection);
  }

  unsentBytes(conn: number): number {
    const connection = this.#find(conn);
    return connection === undefined ? 0 : this.#output.unsentBytes(connection);
  }

  notifyDrained(conn: number, bytes: number): void {
    const connection = this.#find(conn);
    if (connection === undefined) return;
    this.#output.askDrained(connection, bytes);
    this.schedule();
  }

  blobFrom(bytes: Uint8Array, start: number, end: number): number {
    return this.#blobs.from(bytes, start, end);
  }

  blobRetain(id: number): void {
    this.#blobs.retain(id);
  }

  blobRelease(id: number): void {
    this.#blobs.release(id);
  }

  blobBytes(id: number): number {
    return this.#blobs.bytes(id);
  }

  blobRead(id: number, offset: number, target: Uint8Array, at: number, count: number): void {
    this.#blobs.read(id, offset, target, at, count);
  }

  watchRings(
    words: Int32Array,
    asleep: number,
    writeWords: Int32Array,
    readWords: Int32Array,
    _doorbellFd: number,
  ): void {
    this.#rings.watch(words, asleep, writeWords, readWords);
    this.nudge();
  }

  nudge(): void {
    this.#isNudged = true;
    this.#rings.wake();
    this.schedule();
  }

  // -- what wires call

  /** `chunk` came from the peer; it is the connection's from now on. */
  protected received(connection: Connection, chunk: Uint8Array): void {
    if (connection.leaving !== Leaving.NO || connection.goneReason >= 0) return;
    connection.input.queue.push(chunk);
    this.#updateReading(connection);
    this.markReady(connection);
  }

  /** The peer sends nothing more, or (RESET) the wire failed: nothing leaves any more either. */
  protected ended(connection: Connection, reason: number): void {
    if (connection.goneReason === GoneReason.OUTPUT_LIMIT) return;
    if (connection.goneReason >= 0 && reason === GoneReason.END) return;
    connection.goneReason = reason;
    this.markReady(connection);
  }

  /** Output has left: looks at the low marks. */
  protected sent(connection: Connection): void {
    this.#output.sent(connection);
  }

  /** The wire is closed for good. Its slot is free when the thread has closed the connection too. */
  protected closed(connection: Connection): void {
    connection.isWireClosed = true;
    if (connection.leaving !== Leaving.NO) this.connections.remove(connection);
    else this.ended(connection, GoneReason.RESET);
  }

  // -- what subclasses call

  /** A new connection. `opened`: give an OPEN row; null for an adopted one. */
  protected open(wire: Wire, opened: Opened | null): Connection {
    const connection = this.connections.add(
      (id) => new Connection(id, wire, opened, this.#input.context),
    );
    if (opened !== null) this.markReady(connection);
    return connection;
  }

  /** Output from before the connection came here leaves first. */
  protected owe(connection: Connection, unsent: Uint8Array): void {
    this.#output.owe(connection, unsent);
    this.schedule();
  }

  /** Takes a held connection out of the table; its wire is the caller's from now on. */
  protected takeOut(conn: number): {
    connection: Connection;
    unread: Uint8Array;
    unsent: Uint8Array;
  } {
    this.#output.spill();
    const connection = this.#find(conn);
    if (connection === undefined || !connection.isHeld) {
      throw new Error(`detach: connection ${conn} is not held`);
    }
    const unread = connection.input.takeUnread();
    const unsent = this.#output.takeUnsent(connection);
    connection.leaving = Leaving.AT_ONCE;
    this.connections.remove(connection);
    return { connection, unread, unsent };
  }

  protected markReady(connection: Connection): void {
    if (connection.leaving !== Leaving.NO) return;
    this.#input.add(connection);
    this.schedule();
  }

  /** One turn: rows, callback, output. Returns false when there was nothing to do. Throws what `onTurn` throws. */
  protected runTurn(): boolean {
    if (this.#isStopped) return false;
    this.#rings.wake();
    const isCalled = this.#isNudged || this.#rings.isWaiting();
    this.#isNudged = false;
    const rowCount = this.#input.fill((connection) => this.#updateReading(connection));
    if (rowCount > 0 || isCalled) this.#callBack(rowCount);
    const hasSent = this.#output.flush();
    if (this.isDestroyed()) {
      this.closeAll();
      return true;
    }
    if (this.#input.isReady) this.schedule();
    if (!this.#rings.sleep()) this.nudge();
    return rowCount > 0 || isCalled || hasSent || this.#input.isReady;
  }

  #callBack(rowCount: number): void {
    this.#isInTurn = true;
    this.#isStopped = true; // stays so when the callback throws: nothing of that turn is sent
    try {
      this.options.onTurn(rowCount);
    } finally {
      this.#isInTurn = false;
    }
    this.#isStopped = false;
    for (const connection of this.#input.endTurn()) this.close(connection.id);
  }

  /** Runs a turn when a ring has something to read, whoever forgot to ring. */
  protected lookAtRings(): void {
    if (this.#rings.isWaiting()) this.nudge();
  }

  /** Sends what is owed and closes every connection; no turn runs any more. Left to the turn's end inside of one. */
  protected closeAll(): void {
    if (this.#isInTurn) return;
    if (!this.#isStopped) this.#output.flush();
    this.#isStopped = true;
    for (const connection of this.connections) connection.wire.destroy();
  }

  #find(conn: number): Connection | undefined {
    const connection = this.connections.get(conn);
    return connection?.leaving === Leaving.NO ? connection : undefined;
  }

  #leave(conn: number, leaving: Leaving, lingerMs: number): void {
    const connection = this.#find(conn);
    if (connection === undefined) return;
    this.#output.leave(connection, leaving, lingerMs);
    this.schedule();
  }

  #updateReading(connection: Connection): void {
    const isReading =
      !connection.isHeld &&
      !connection.isOutputPaused &&
      connection.input.queue.bytes <= READ_BYTES;
    if (isReading === connection.isReading) return;
    connection.isReading = isReading;
    connection.wire.setReading(isReading);
  }
}
