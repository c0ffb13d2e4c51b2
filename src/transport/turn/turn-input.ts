/**
 * Fills one batch in each turn from the connections that are ready, in the order in which they became ready. Rule: one
 * step for each connection and turn, so that a connection with more input comes again after the others; OPEN is first,
 * GONE last.
 */
import { GoneReason, Row, RowKind } from '../../protocol/batch.ts';
import { appendRow, type FrameBatch, isFull } from '../../protocol/batch-writer.ts';
import { FrameDecoder } from '../../protocol/decoder.ts';
import type { Blobs } from './blob-table.ts';
import { type Connection, Leaving, type Opened } from './connection.ts';
import { type InputContext, Step } from './connection-input.ts';

const NOBODY: readonly Connection[] = [];

export class TurnInput {
  /** Shared by the input of all connections. */
  readonly context: InputContext;
  /** Input of all connections waits. */
  isPaused = false;
  readonly #batch: FrameBatch;
  #ready: Connection[] = [];
  #gone: Connection[] = [];
  /** Counts batches: rows and arena offsets of another turn are invalid. */
  #turn = 0;

  constructor(
    arena: Uint8Array,
    rows: Int32Array,
    blobs: Blobs,
    hashSeed: number,
    packetBytesMax: number,
  ) {
    this.#batch = { arena, rows, rowCount: 0, arenaBytes: 0 };
    const decoder = new FrameDecoder(hashSeed, packetBytesMax);
    this.context = { batch: this.#batch, decoder, blobs };
  }

  /** Rows are due. */
  get isReady(): boolean {
    return this.#ready.length > 0;
  }

  /** Marks `connection` as ready for the next turn. */
  add(connection: Connection): void {
    if (connection.isReady) return;
    connection.isReady = true;
    this.#ready.push(connection);
  }

  /** Fills the batch anew; calls `looked` for each connection that was visited. Returns the number of rows. */
  fill(looked: (connection: Connection) => void): number {
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
      looked(connection);
      if (step === Step.MORE) this.add(connection);
      if (step !== Step.NO_ROOM) continue;
      connection.isReady = true;
      this.#ready = [...ready.slice(i), ...this.#ready]; // the others come first in the next turn
      break;
    }
    return this.#batch.rowCount;
  }

  /**
   * The callback has returned: nothing of this turn can be un-read any more. Returns the connections that are finished:
   * their GONE row was given to the thread and was not un-read.
   */
  endTurn(): readonly Connection[] {
    this.#turn++;
    if (this.#gone.length === 0) return NOBODY;
    const gone = this.#gone.filter((connection) => connection.isGoneGiven);
    this.#gone = [];
    return gone;
  }

  /** Takes back the connection's rows of this turn from arena offset `start` on. */
  unread(connection: Connection, start: number): void {
    if (connection.rowsOfTurn !== this.#turn) return;
    connection.rowsOfTurn = -1;
    connection.input.unread(connection.id, start, connection.firstRow);
    connection.isGoneGiven = false;
  }

  #fillRows(connection: Connection): Step {
    const { opened, goneReason } = connection;
    if (opened !== null && !this.#appendOpen(connection, opened)) return Step.NO_ROOM;
    if (connection.isDrainedDue) {
      if (this.#appendEmpty(connection, RowKind.DRAINED) < 0) return Step.NO_ROOM;
      connection.isDrainedDue = false;
    }
    if (goneReason !== GoneReason.OUTPUT_LIMIT) {
      if (connection.isHeld || this.isPaused) return Step.IDLE;
      if (connection.isOutputPaused && goneReason !== GoneReason.RESET) return Step.IDLE;
      const step = connection.input.fillRows(connection.id);
      if (step !== Step.IDLE) return step;
      if (goneReason >= 0) connection.input.end();
    }
    if (goneReason < 0 || connection.isGoneGiven) return Step.IDLE;
    const row = this.#appendEmpty(connection, RowKind.GONE);
    if (row < 0) return Step.NO_ROOM;
    this.#batch.rows[row + Row.A0] = goneReason;
    connection.isGoneGiven = true;
    // After END the peer may still read: the thread closes when it has sent its last replies.
    if (goneReason !== GoneReason.END) this.#gone.push(connection);
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

  /** Appends a row without bytes. Returns its first index, -1 when no row is free. */
  #appendEmpty(connection: Connection, kind: number): number {
    const batch = this.#batch;
    if (isFull(batch)) return -1;
    const at = batch.arenaBytes;
    return appendRow(batch, connection.id, kind, at, at, at);
  }
}
