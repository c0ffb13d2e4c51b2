/**
 * The twin reactor without its sockets: rows in, one callback a turn, output gathered per connection, limits, closing.
 * Rule: while `onTurn` runs, methods only note what to do; what it wrote leaves after it has returned, or never if it threw.
 */
import type { Detached, ListenAddress, Reactor, ReactorOptions } from '../native/contract.ts';
import { CONTROL_INTS, GoneReason, OUT_INTS, ROW_INTS, Row, RowKind } from '../protocol/batch.ts';
import { appendRow, type FrameBatch, isFull } from '../protocol/batch-writer.ts';
import { FrameDecoder } from '../protocol/decoder.ts';
import { READ_BYTES } from '../protocol/limits.ts';
import { BlobTable } from './blob-table.ts';
import { Connection, ConnectionTable, Leaving, type Opened, type Wire } from './connection.ts';
import { type InputContext, Step } from './connection-input.ts';
import { gatherOutput } from './output.ts';
import { RingWatch } from './ring-watch.ts';

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
  /** No turn runs any more: destroyed, or `onTurn` threw. */
  protected isStopped = false;

  readonly #blobs = new BlobTable(this.control);
  readonly #rings = new RingWatch();
  readonly #batch: FrameBatch = { arena: this.arena, rows: this.rows, rowCount: 0, arenaBytes: 0 };
  readonly #context: InputContext;
  #ready: Connection[] = [];
  #dirty: Connection[] = [];
  #leaving: Connection[] = [];
  #drainAsked: Connection[] = [];
  #turn = 0;
  #isNudged = false;

  constructor(options: ReactorOptions) {
    this.options = options;
    this.#context = {
      batch: this.#batch,
      decoder: new FrameDecoder(options.hashSeed, options.packetBytesMax),
      blobs: this.#blobs,
    };
  }

  abstract listen(address: ListenAddress): Promise<{ id: number; port: number }>;
  abstract unlisten(id: number): void;
  abstract adopt(fd: number, unread: Uint8Array, unsent: Uint8Array): number;
  abstract detach(conn: number): Detached;
  abstract destroy(): Promise<void>;
  /** Asks for `runTurn` soon; called any number of times before it. */
  protected abstract schedule(): void;

  // -- what the thread calls

  spill(): void {
    gatherOutput(this, this.#blobs, (id) => this.#receiver(id), this.#dirty);
  }

  close(conn: number): void {
    this.#leave(conn, Leaving.AT_ONCE, 0);
  }

  closeAfterFlush(conn: number, lingerMs: number): void {
    this.#leave(conn, Leaving.WHEN_SENT, lingerMs);
  }

  hold(conn: number, start: number): void {
    const connection = this.#find(conn);
    if (connection === undefined) return;
    if (connection.rowsOfTurn === this.#turn) {
      connection.input.unread(conn, start, connection.firstRow);
      connection.rowsOfTurn = -1;
      connection.isGoneGiven = false;
    }
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
    return connection === undefined ? 0 : connection.piecesBytes + connection.wire.unsentBytes();
  }

  notifyDrained(conn: number, bytes: number): void {
    const connection = this.#find(conn);
    if (connection === undefined) return;
    connection.drainedBelowBytes = bytes;
    this.#drainAsked.push(connection); // looked at behind the flush, when this turn's output counts
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
    if (connection.leaving !== Leaving.NO) return;
    const unsent = connection.piecesBytes + connection.wire.unsentBytes();
    if (connection.isOutputPaused && unsent <= this.options.outputPauseBytes / 2) {
      connection.isOutputPaused = false;
      this.#updateReading(connection);
      this.markReady(connection);
    }
    if (unsent <= connection.drainedBelowBytes) {
      connection.drainedBelowBytes = -1;
      connection.isDrainedDue = true;
      this.markReady(connection);
    }
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
      (id) => new Connection(id, wire, opened, this.#context),
    );
    if (opened !== null) this.markReady(connection);
    return connection;
  }

  /** Output from before the connection came here leaves first. */
  protected owe(connection: Connection, unsent: Uint8Array): void {
    if (unsent.length === 0) return;
    connection.pieces.push(unsent);
    connection.piecesBytes += unsent.length;
    this.#dirty.push(connection);
    this.schedule();
  }

  /** Takes a held connection out of the table; its wire is the caller's from now on. */
  protected takeOut(conn: number): {
    connection: Connection;
    unread: Uint8Array;
    unsent: Uint8Array;
  } {
    this.spill();
    const connection = this.#find(conn);
    if (connection === undefined || !connection.isHeld) {
      throw new Error(`detach: connection ${conn} is not held`);
    }
    const unread = connection.input.takeUnread();
    const unsent = concat(connection.pieces, connection.piecesBytes);
    this.#drop(connection);
    connection.leaving = Leaving.AT_ONCE;
    this.connections.remove(connection);
    return { connection, unread, unsent };
  }

  protected markReady(connection: Connection): void {
    if (connection.isReady || connection.leaving !== Leaving.NO) return;
    connection.isReady = true;
    this.#ready.push(connection);
    this.schedule();
  }

  /** One turn: rows, callback, output. Returns false when there was nothing to do. Throws what `onTurn` throws. */
  protected runTurn(): boolean {
    if (this.isStopped) return false;
    this.#rings.wake();
    const isCalled = this.#isNudged || this.#rings.isWaiting();
    this.#isNudged = false;
    this.#fillBatch();
    const { rowCount } = this.#batch;
    if (rowCount > 0 || isCalled) {
      const turn = this.#turn;
      this.isStopped = true; // stays so when the callback throws: nothing of that turn is sent
      this.options.onTurn(rowCount);
      if (this.isDestroyed()) return true;
      this.isStopped = false;
      this.#turn = turn + 1;
    }
    const hasSent = this.#flush();
    if (this.#ready.length > 0) this.schedule();
    if (!this.#rings.sleep()) this.nudge();
    return rowCount > 0 || isCalled || hasSent;
  }

  /** Runs a turn when a ring has something to read, whoever forgot to ring. */
  protected lookAtRings(): void {
    if (this.#rings.isWaiting()) this.nudge();
  }

  protected abstract isDestroyed(): boolean;

  #find(conn: number): Connection | undefined {
    const connection = this.connections.get(conn);
    return connection?.leaving === Leaving.NO ? connection : undefined;
  }

  /** Who gets output: also a connection that leaves, until its last flush. */
  #receiver(conn: number): Connection | undefined {
    const connection = this.connections.get(conn);
    if (connection === undefined || connection.isWireClosed) return undefined;
    const isDeaf = connection.isEnded || connection.goneReason > GoneReason.END;
    return isDeaf ? undefined : connection;
  }

  #leave(conn: number, leaving: Leaving, lingerMs: number): void {
    const connection = this.#find(conn);
    if (connection === undefined) return;
    connection.leaving = leaving;
    connection.lingerMs = lingerMs;
    this.#leaving.push(connection);
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

  #fillBatch(): void {
    const ready = this.#ready;
    this.#ready = [];
    this.#batch.rowCount = 0;
    this.#batch.arenaBytes = 0;
    for (let i = 0; i < ready.length; i++) {
      const connection = ready[i]!;
      connection.isReady = false;
      if (connection.leaving !== Leaving.NO) continue;
      connection.firstRow = this.#batch.rowCount;
      connection.rowsOfTurn = this.#turn;
      const step = this.#fillRows(connection);
      if (step === Step.MORE) this.markReady(connection);
      if (step !== Step.NO_ROOM) continue;
      connection.isReady = true;
      this.#ready = [...ready.slice(i), ...this.#ready]; // the rest comes first in the next turn
      return;
    }
  }

  #fillRows(connection: Connection): Step {
    const batch = this.#batch;
    if (connection.opened !== null && !this.#appendOpen(connection, connection.opened)) {
      return Step.NO_ROOM;
    }
    if (connection.isDrainedDue) {
      if (isFull(batch)) return Step.NO_ROOM;
      const at = batch.arenaBytes;
      appendRow(batch, connection.id, RowKind.DRAINED, at, at, at);
      connection.isDrainedDue = false;
    }
    const { goneReason } = connection;
    if (goneReason !== GoneReason.OUTPUT_LIMIT) {
      if (connection.isHeld) return Step.IDLE;
      if (connection.isOutputPaused && goneReason !== GoneReason.RESET) return Step.IDLE;
      const step = connection.input.fillRows(connection.id);
      this.#updateReading(connection);
      if (step !== Step.IDLE) return step;
    }
    if (goneReason < 0 || connection.isGoneGiven) return Step.IDLE;
    if (isFull(batch)) return Step.NO_ROOM;
    const at = batch.arenaBytes;
    const row = appendRow(batch, connection.id, RowKind.GONE, at, at, at);
    batch.rows[row + Row.A0] = goneReason;
    connection.isGoneGiven = true;
    return Step.IDLE;
  }

  #appendOpen(connection: Connection, opened: Opened): boolean {
    const batch = this.#batch;
    const { address, port, listener } = opened;
    const start = batch.arenaBytes;
    if (isFull(batch) || start + address.length > batch.arena.length) return false;
    for (let i = 0; i < address.length; i++) batch.arena[start + i] = address.charCodeAt(i);
    batch.arenaBytes = start + address.length;
    const row = appendRow(batch, connection.id, RowKind.OPEN, start, start, batch.arenaBytes);
    batch.rows[row + Row.A0] = address.length;
    batch.rows[row + Row.A1] = port;
    batch.rows[row + Row.A2] = listener;
    connection.opened = null;
    return true;
  }

  /** Gives every connection its output, then closes those that leave. Returns false when there was nothing. */
  #flush(): boolean {
    this.spill();
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) this.#send(connection);
    const leaving = this.#leaving;
    this.#leaving = [];
    for (const connection of leaving) this.#end(connection);
    const asked = this.#drainAsked;
    this.#drainAsked = [];
    for (const connection of asked) this.sent(connection);
    return dirty.length + leaving.length > 0;
  }

  #send(connection: Connection): void {
    if (connection.piecesBytes === 0) return;
    const { pieces, pieceBlobs } = connection;
    connection.pieces = [];
    connection.pieceBlobs = [];
    connection.piecesBytes = 0;
    connection.wire.send(pieces, () => {
      for (const blob of pieceBlobs) this.#blobs.release(blob);
      this.sent(connection);
    });
    const unsent = connection.wire.unsentBytes();
    if (unsent > this.options.outputBytesMax && connection.goneReason < 0) {
      this.ended(connection, GoneReason.OUTPUT_LIMIT);
    }
    if (unsent > this.options.outputPauseBytes && !connection.isOutputPaused) {
      connection.isOutputPaused = true;
      this.#updateReading(connection);
    }
  }

  #end(connection: Connection): void {
    connection.isEnded = true;
    connection.input.discard();
    if (connection.isWireClosed) this.connections.remove(connection);
    else if (connection.leaving === Leaving.AT_ONCE) connection.wire.destroy();
    else connection.wire.finish(connection.lingerMs);
  }

  #drop(connection: Connection): void {
    for (const blob of connection.pieceBlobs) this.#blobs.release(blob);
    connection.pieces = [];
    connection.pieceBlobs = [];
    connection.piecesBytes = 0;
  }
}

function concat(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
