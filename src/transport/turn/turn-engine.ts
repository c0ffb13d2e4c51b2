/**
 * The state of connections in turns and between them. Wires report events here; `runTurn` does the rest in order. Rule:
 * input is filled first, then the callback runs, then output is sent; a turn whose callback threw sends nothing.
 */
import type { ReactorOptions } from '../../native/contract.ts';
import {
  CONTROL_INTS,
  GoneReason,
  OUT_INTS,
  ROW_INTS,
  unsentColumn,
} from '../../protocol/batch.ts';
import { READ_BYTES } from '../../protocol/limits.ts';
import { type Blobs, BlobTable } from './blob-table.ts';
import {
  Connection,
  type Connections,
  ConnectionTable,
  Leaving,
  type Opened,
  type Wire,
} from './connection.ts';
import { RingWatch } from './ring-watch.ts';
import { TurnInput } from './turn-input.ts';
import { TurnOutput } from './turn-output.ts';

/** Sizes of the arrays; the host reads them from the lengths of the arrays. */
export const ARENA_BYTES = 1 << 20;
export const ROWS_MAX = 4096;
export const OUT_BYTES = 1 << 20;
export const OUT_ROWS_MAX = 16384;

/** The parts of an engine. */
export interface EngineParts<B extends Blobs = Blobs> {
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  readonly out: Uint8Array;
  readonly outRows: Int32Array;
  readonly control: Int32Array;
  readonly unsent: Float64Array;
  readonly blobs: B;
  readonly connections: Connections;
  /** Another reactor has connections too: output for connections that are unknown here is left to it. */
  readonly isShared: boolean;
}

/** Parts for one engine alone. */
export function ownParts(): EngineParts<BlobTable> {
  const control = new Int32Array(CONTROL_INTS);
  return {
    arena: new Uint8Array(ARENA_BYTES),
    rows: new Int32Array(ROWS_MAX * ROW_INTS),
    out: new Uint8Array(OUT_BYTES),
    outRows: new Int32Array(OUT_ROWS_MAX * OUT_INTS),
    control,
    unsent: unsentColumn(),
    blobs: new BlobTable(control),
    connections: new ConnectionTable(),
    isShared: false,
  };
}

export class TurnEngine {
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  readonly out: Uint8Array;
  readonly outRows: Int32Array;
  readonly control: Int32Array;
  readonly rings = new RingWatch();
  readonly input: TurnInput;
  readonly output: TurnOutput;

  /** Asks the owner to call `runTurn` soon; may be called more than once before it does. */
  readonly schedule: () => void;
  readonly #onTurn: (rowCount: number) => void;
  readonly #blobs: Blobs;
  readonly #connections: Connections;
  #isTurnRequested = false;
  /** MiB of blobs as last reported to the thread, when they are limited. */
  #toldMib = 0;
  #isReadingPaused = false;
  #isInTurn = false;
  #mustClose = false;
  /** `onTurn` threw, or everything is closed: no more turns run and nothing is sent. */
  #isStopped = false;
  readonly #looked = (connection: Connection): void => {
    this.updateReading(connection);
    if (connection.input.queue.bytes === 0) connection.wire.taken?.();
  };

  constructor(options: ReactorOptions, schedule: () => void, parts: EngineParts) {
    const { hashSeed, packetBytesMax } = options;
    const { arena, rows, blobs, connections } = parts;
    this.arena = arena;
    this.rows = rows;
    this.out = parts.out;
    this.outRows = parts.outRows;
    this.control = parts.control;
    this.schedule = schedule;
    this.#onTurn = options.onTurn;
    this.#blobs = blobs;
    this.#connections = connections;
    this.input = new TurnInput(arena, rows, blobs, hashSeed, packetBytesMax);
    this.output = new TurnOutput(parts, options, {
      paused: (connection, isPaused) => {
        this.updateReading(connection);
        if (!isPaused) this.markReady(connection);
      },
      overLimit: (connection) => this.ended(connection, GoneReason.OUTPUT_LIMIT),
      drained: (connection) => {
        connection.isDrainedDue = true;
        this.markReady(connection);
      },
    });
  }

  /** The live connection of this id; a closing one is unknown. */
  find(conn: number): Connection | undefined {
    const connection = this.#connections.get(conn);
    return connection?.leaving === Leaving.NO ? connection : undefined;
  }

  /** Waiting bytes; of a closing connection too, until its last output is sent. */
  unsentBytes(conn: number): number {
    const connection = this.#connections.get(conn);
    return connection === undefined ? 0 : this.output.unsentBytes(connection);
  }

  /** Received bytes that are kept: incomplete frames and un-read ones. */
  unreadBytes(conn: number): number {
    return this.find(conn)?.input.unreadBytes ?? 0;
  }

  /** Makes a connection. `opened`: give an OPEN row; null for an adopted one. */
  open(wire: Wire, opened: Opened | null): Connection {
    const { context } = this.input;
    const connection = this.#connections.add((id) => new Connection(id, wire, opened, context));
    this.output.tellUnsent(connection);
    if (opened !== null) this.markReady(connection);
    return connection;
  }

  /** Removes a connection; the caller owns its wire from now on. */
  forget(connection: Connection): void {
    connection.leaving = Leaving.AT_ONCE;
    this.#connections.remove(connection);
  }

  /** Closes the connection after the next flush. */
  leave(connection: Connection, leaving: Leaving, lingerMs: number): void {
    this.output.leave(connection, leaving, lingerMs);
    this.schedule();
  }

  /** Rows of `connection` may be due. */
  markReady(connection: Connection): void {
    if (connection.leaving !== Leaving.NO) return;
    this.input.add(connection);
    this.schedule();
  }

  /** `chunk` was received from the peer; the connection owns it from now on. */
  received(connection: Connection, chunk: Uint8Array): void {
    if (connection.leaving !== Leaving.NO || connection.goneReason >= 0) return;
    connection.input.queue.push(chunk);
    this.updateReading(connection);
    this.markReady(connection);
  }

  /** The peer sends no more. With a reason other than END it cannot be reached any more either. */
  ended(connection: Connection, reason: number): void {
    if (connection.goneReason === GoneReason.OUTPUT_LIMIT) return;
    if (connection.goneReason >= 0 && reason === GoneReason.END) return;
    connection.goneReason = reason;
    if (reason !== GoneReason.END) this.output.sent(connection);
    this.markReady(connection);
  }

  /** The wire is closed for good. Its slot is free when the thread has closed the connection too. */
  closed(connection: Connection): void {
    connection.isWireClosed = true;
    this.output.count(connection);
    if (connection.leaving !== Leaving.NO) this.#connections.remove(connection);
    else this.ended(connection, GoneReason.RESET);
  }

  /** Passes on to the wire whether its peer may send. */
  updateReading(connection: Connection): void {
    const isReading =
      !this.#isReadingPaused &&
      !connection.isHeld &&
      !connection.isOutputPaused &&
      connection.input.queue.bytes <= READ_BYTES;
    if (isReading === connection.isReading) return;
    connection.isReading = isReading;
    connection.wire.setReading(isReading);
  }

  /** Pauses or resumes reading. While it is paused, nothing is read from sockets, and bytes that were read wait. */
  pauseReading(isPaused: boolean): void {
    if (isPaused === this.#isReadingPaused) return;
    this.#isReadingPaused = isPaused;
    this.input.isPaused = isPaused;
    for (const connection of this.#connections) {
      if (connection.leaving !== Leaving.NO) continue;
      this.updateReading(connection);
      if (!isPaused) this.markReady(connection);
    }
  }

  /** Makes the next turn call back, with or without rows. */
  requestTurn(): void {
    this.#isTurnRequested = true;
    this.rings.wake();
    this.schedule();
  }

  /**
   * Runs one turn: rows, callback, output. Returns false when there was nothing to do. Throws the error of `onTurn`.
   * `givenRows`: another reactor has filled the batch with so many rows; the callback is called for these rows first.
   */
  runTurn(givenRows = -1): boolean {
    if (this.#isStopped) return false;
    this.rings.wake();
    if (givenRows > 0) this.#callBack(givenRows);
    const isWanted = this.#isTurnRequested || givenRows === 0 || this.rings.isWaiting();
    this.#isTurnRequested = false;
    const rowCount = this.input.fill(this.#looked);
    const isCalled = rowCount > 0 || isWanted || this.mustTellMemory;
    if (isCalled) this.#callBack(rowCount);
    const hasSent = this.output.flush();
    if (this.#mustClose) {
      this.closeAll();
      return true;
    }
    if (this.input.isReady || this.mustTellMemory) this.schedule();
    if (!this.rings.sleep()) this.requestTurn();
    return isCalled || hasSent || this.input.isReady || this.mustTellMemory;
  }

  /**
   * Whether the memory of blobs has changed so much that the thread must be called. It changes without a row when
   * incomplete frames grow and output is sent, and threads share the limit.
   */
  get mustTellMemory(): boolean {
    return this.#blobs.limitedMib !== this.#toldMib;
  }

  /**
   * Sends pending output, closes connections and releases their blobs; when called in a turn, after it. No more turns
   * run.
   */
  closeAll(): void {
    this.#mustClose = true;
    if (this.#isInTurn) return;
    if (this.#isStopped) this.output.spill();
    else this.output.flush();
    this.#isStopped = true;
    for (const connection of this.#connections) {
      connection.wire.destroy();
      this.output.discard(connection);
    }
  }

  #callBack(rowCount: number): void {
    this.#isInTurn = true;
    this.#isStopped = true; // stays set when the callback throws
    try {
      this.#onTurn(rowCount);
      this.#toldMib = this.#blobs.limitedMib;
    } finally {
      this.#isInTurn = false;
    }
    this.#isStopped = false;
    for (const connection of this.input.endTurn()) {
      if (connection.leaving === Leaving.NO) this.leave(connection, Leaving.AT_ONCE, 0);
    }
  }
}
