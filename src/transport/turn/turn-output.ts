/**
 * The output half of a turn: collects the thread's output, gives it to each wire once, checks limits, and closes
 * connections. Rule: one send for each connection and turn; a closing connection is closed after its last send.
 */
import type { ReactorOptions } from '../../native/contract.ts';
import { Control, GoneReason, SLOT_MASK } from '../../protocol/batch.ts';
import type { Blobs } from './blob-table.ts';
import { type Connection, type Connections, Leaving } from './connection.ts';
import { gatherOutput, type OutputBatch } from './output.ts';

/** Events of the output side. */
export interface OutputEvents {
  /** Unsent output exceeded `outputPauseBytes`, or fell to half of it. */
  paused(connection: Connection, isPaused: boolean): void;
  /** Unsent output was above `outputBytesMax` and has grown. */
  overLimit(connection: Connection): void;
  /** Unsent output is at most the argument of `askDrained`. */
  drained(connection: Connection): void;
}

export class TurnOutput {
  readonly #batch: OutputBatch;
  readonly #unsent: Float64Array;
  readonly #blobs: Blobs;
  readonly #connections: Connections;
  readonly #options: ReactorOptions;
  readonly #events: OutputEvents;
  /** Connections with `pieces`. */
  #dirty: Connection[] = [];
  #leaving: Connection[] = [];
  #asked: Connection[] = [];
  /** Unsent output of all connections without blobs; the control words have it in KiB. */
  #countedBytes = 0;
  /** Finds the receiver of output: also a closing connection, until its last flush. */
  readonly #receiver = (conn: number): Connection | null | undefined => {
    const connection = this.#connections.get(conn);
    if (connection === undefined) return undefined;
    const isOver = connection.isWireClosed || connection.isEnded;
    return isOver || connection.goneReason > GoneReason.END ? null : connection;
  };

  constructor(
    parts: OutputBatch & {
      readonly unsent: Float64Array;
      readonly blobs: Blobs;
      readonly connections: Connections;
    },
    options: ReactorOptions,
    events: OutputEvents,
  ) {
    this.#batch = parts;
    this.#unsent = parts.unsent;
    this.#blobs = parts.blobs;
    this.#connections = parts.connections;
    this.#options = options;
    this.#events = events;
  }

  /** Moves everything written so far to the connections without sending. True when something waits for `flush`. */
  spill(): boolean {
    gatherOutput(this.#batch, this.#blobs, this.#receiver, this.#dirty);
    return this.#dirty.length > 0;
  }

  /** Waiting bytes, in `pieces` and in the wire. */
  unsentBytes(connection: Connection): number {
    return connection.piecesBytes + connection.wire.unsentBytes();
  }

  /** Publishes the connection's waiting output to the thread; none of it is in the batch. */
  tellUnsent(connection: Connection): void {
    this.#unsent[connection.id & SLOT_MASK] = this.unsentBytes(connection);
  }

  /** Closes after the next flush. */
  leave(connection: Connection, leaving: Leaving, lingerMs: number): void {
    connection.leaving = leaving;
    connection.lingerMs = lingerMs;
    this.#leaving.push(connection);
  }

  /** Calls `drained` once; checked after the flush, when the output of this turn counts. */
  askDrained(connection: Connection, bytes: number): void {
    connection.drainedBelowBytes = bytes;
    this.#asked.push(connection);
  }

  /** Queues `unsent` before all later output. */
  owe(connection: Connection, unsent: Uint8Array): void {
    if (unsent.length === 0) return;
    connection.pieces.push(unsent);
    connection.piecesBytes += unsent.length;
    this.tellUnsent(connection);
    this.#dirty.push(connection);
  }

  /** Takes the gathered output that was not given to the wire, as one array. */
  takeUnsent(connection: Connection): Uint8Array {
    const all = new Uint8Array(connection.piecesBytes);
    let at = 0;
    for (const piece of connection.pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    this.#forget(connection);
    return all;
  }

  /** Drops the connection's input and output and releases its blobs; the wire keeps its own bytes. */
  discard(connection: Connection): void {
    connection.input.discard();
    this.#forget(connection);
  }

  /** Output has left the wire: checks the low marks. */
  sent(connection: Connection): void {
    this.count(connection);
    if (connection.leaving !== Leaving.NO) return;
    const unsent = this.unsentBytes(connection);
    this.#unsent[connection.id & SLOT_MASK] = unsent;
    connection.backlogBytes = Math.min(connection.backlogBytes, unsent);
    if (connection.isOutputPaused && unsent <= this.#options.outputPauseBytes / 2) {
      connection.isOutputPaused = false;
      this.#events.paused(connection, false);
    }
    // A broken connection sends nothing more: its request must not wait for ever.
    const isLost = connection.goneReason > GoneReason.END;
    if (connection.drainedBelowBytes >= 0 && (isLost || unsent <= connection.drainedBelowBytes)) {
      connection.drainedBelowBytes = -1;
      this.#events.drained(connection);
    }
  }

  /** Sends, then closes closing connections. Returns false when there was nothing to do. */
  flush(): boolean {
    this.spill();
    if (this.#dirty.length + this.#leaving.length + this.#asked.length === 0) return false;
    const dirty = this.#dirty;
    const leaving = this.#leaving;
    const asked = this.#asked;
    this.#dirty = [];
    this.#leaving = [];
    this.#asked = [];
    for (const connection of dirty) this.#send(connection);
    for (const connection of leaving) this.#end(connection);
    for (const connection of asked) this.sent(connection);
    return dirty.length + leaving.length > 0;
  }

  #send(connection: Connection): void {
    if (connection.piecesBytes === 0) return;
    const { pieces, pieceBlobs, wire, gatheredBlobBytes } = connection;
    connection.pieces = [];
    connection.pieceBlobs = [];
    connection.piecesBytes = 0;
    connection.gatheredBlobBytes = 0;
    connection.wireBlobBytes += gatheredBlobBytes;
    wire.send(pieces, () => {
      connection.wireBlobBytes -= gatheredBlobBytes;
      for (const blob of pieceBlobs) this.#blobs.release(blob);
      this.sent(connection);
    });
    this.count(connection);
    if (connection.leaving !== Leaving.NO) return;
    const unsent = wire.unsentBytes();
    this.#unsent[connection.id & SLOT_MASK] = unsent;
    if (unsent > this.#options.outputPauseBytes && !connection.isOutputPaused) {
      connection.isOutputPaused = true;
      this.#events.paused(connection, true);
    }
    // Over the limit since the last send and still growing: one packet of any size may pass, not a second one.
    const wasOver = connection.backlogBytes > this.#options.outputBytesMax;
    const isGrowing = unsent > connection.backlogBytes;
    connection.backlogBytes = unsent;
    if (wasOver && isGrowing) this.#events.overLimit(connection);
  }

  /** Counts the wire's output without blobs; 0 when it is closed. */
  count(connection: Connection): void {
    const unsent = connection.isWireClosed ? 0 : connection.wire.unsentBytes();
    const bytes = Math.max(0, unsent - connection.wireBlobBytes);
    this.#countedBytes += bytes - connection.countedBytes;
    connection.countedBytes = bytes;
    this.#batch.control[Control.IN_PROCESS_UNSENT_KIB] = this.#countedBytes >>> 10;
  }

  #end(connection: Connection): void {
    connection.isEnded = true;
    this.discard(connection);
    if (connection.isWireClosed) this.#connections.remove(connection);
    else if (connection.leaving === Leaving.AT_ONCE) connection.wire.destroy();
    else connection.wire.finish(connection.lingerMs);
  }

  #forget(connection: Connection): void {
    for (const blob of connection.pieceBlobs) this.#blobs.release(blob);
    connection.pieces = [];
    connection.pieceBlobs = [];
    connection.piecesBytes = 0;
    connection.gatheredBlobBytes = 0;
  }
}
