/**
 * Distributes one batch of output: every connection's segments become one run of bytes, with blobs in between. Rule:
 * bytes are copied once, because `out` is reused while sockets still send.
 */
import { Control, OUT_INTS, Out } from '../../protocol/batch.ts';
import type { Blobs } from './blob-table.ts';
import type { Connection } from './connection.ts';

/** The thread's side of the output. */
export interface OutputBatch {
  readonly out: Uint8Array;
  readonly outRows: Int32Array;
  readonly control: Int32Array;
  /** Segments of unknown connections stay in the batch. */
  readonly isShared: boolean;
}

/** The connection that gets output; null: it has ended; undefined: it is unknown here. */
export type Receiver = (conn: number) => Connection | null | undefined;

/**
 * Moves all segments to the `pieces` of their connections and empties the batch. Segments of connections that are
 * unknown here stay if `isShared`. Connections that had no pieces before are added to `dirty`. Output of ended
 * connections is dropped, its blobs are released.
 */
export function gatherOutput(
  batch: OutputBatch,
  blobs: Blobs,
  receiver: Receiver,
  dirty: Connection[],
): void {
  const { out, outRows, control } = batch;
  const rowsEnd = control[Control.OUT_ROWS]! * OUT_INTS;
  let first = 0;
  // Mostly nothing is for us where the batch is shared.
  if (batch.isShared)
    while (first < rowsEnd && receiver(outRows[first + Out.CONN]!) === undefined) first += OUT_INTS;
  if (first === rowsEnd) return;
  const receivers: (Connection | null | undefined)[] = [];
  for (let row = first; row < rowsEnd; row += OUT_INTS) {
    const connection = receiver(outRows[row + Out.CONN]!);
    receivers.push(connection);
    if (connection && outRows[row + Out.BLOB] === 0) {
      connection.gatherBytes += outRows[row + Out.LEN]!;
    }
  }
  let keptEnd = first;
  for (let row = first, i = 0; row < rowsEnd; row += OUT_INTS, i++) {
    const connection = receivers[i];
    const off = outRows[row + Out.OFF]!;
    const count = outRows[row + Out.LEN]!;
    const blob = outRows[row + Out.BLOB]!;
    if (connection === undefined && batch.isShared) {
      if (keptEnd < row) outRows.copyWithin(keptEnd, row, row + OUT_INTS);
      keptEnd += OUT_INTS;
      continue;
    }
    if (!connection) {
      if (blob > 0) blobs.release(blob);
      continue;
    }
    if (connection.piecesBytes === 0 && connection.gatherInto === null) dirty.push(connection);
    if (blob > 0) appendBlob(connection, blobs, blob, off, count);
    else copySegment(connection, out, off, count);
  }
  for (const connection of receivers) {
    if (!connection) continue;
    endRun(connection);
    connection.gatherInto = null;
    connection.gatherBytes = 0;
    connection.gatherFrom = 0;
    connection.gatherAt = 0;
  }
  control[Control.OUT_ROWS] = keptEnd / OUT_INTS;
  // Segments that stay point into `out`.
  if (keptEnd === 0) control[Control.OUT_BYTES] = 0;
}

/** Takes over one reference to the blob. */
function appendBlob(
  connection: Connection,
  blobs: Blobs,
  blob: number,
  off: number,
  count: number,
): void {
  endRun(connection);
  connection.piecesBytes += count;
  if (connection.wire.keepsPieces === true || blobs.areViewsCopies) {
    connection.pieces.push(blobs.copy(blob, off, count));
    blobs.release(blob);
    return;
  }
  connection.gatheredBlobBytes += count;
  connection.pieces.push(blobs.view(blob, off, count));
  connection.pieceBlobs.push(blob);
}

/** Appends to the connection's run; the run's memory holds all of its segments of this batch. */
function copySegment(connection: Connection, out: Uint8Array, off: number, count: number): void {
  connection.gatherInto ??= Buffer.allocUnsafe(connection.gatherBytes);
  connection.gatherInto.set(out.subarray(off, off + count), connection.gatherAt);
  connection.gatherAt += count;
}

/** Makes the bytes copied since the last run a piece. */
function endRun(connection: Connection): void {
  const { gatherInto, gatherFrom, gatherAt } = connection;
  if (gatherInto === null || gatherAt === gatherFrom) return;
  connection.pieces.push(gatherInto.subarray(gatherFrom, gatherAt));
  connection.piecesBytes += gatherAt - gatherFrom;
  connection.gatherFrom = gatherAt;
}
