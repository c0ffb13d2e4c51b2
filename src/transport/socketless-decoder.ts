/**
 * Decodes the bytes of one connection without a socket: the part of the TypeScript core in the parity suite and in
 * benches. Rule: behaves like a connection of the TypeScript reactor that has just read these bytes.
 */
import type { SocketlessDecoder } from '../native/contract.ts';
import { CONTROL_INTS, ROW_INTS, SLOT_BITS } from '../protocol/batch.ts';
import type { FrameBatch } from '../protocol/batch-writer.ts';
import { FrameDecoder } from '../protocol/decoder.ts';
import { BlobTable } from './turn/blob-table.ts';
import { copyOf } from './turn/byte-queue.ts';
import { ConnectionInput, Step } from './turn/connection-input.ts';
import { ARENA_BYTES, ROWS_MAX } from './turn/turn-engine.ts';

const CONN = 1 + (1 << SLOT_BITS);

/** A decoder with its own arena, rows and blobs. */
export function createDecoder(hashSeed: number, packetBytesMax: number): SocketlessDecoder {
  const arena = new Uint8Array(ARENA_BYTES);
  const rows = new Int32Array(ROWS_MAX * ROW_INTS);
  const batch: FrameBatch = { arena, rows, rowCount: 0, arenaBytes: 0 };
  const blobs = new BlobTable(new Int32Array(CONTROL_INTS));
  const decoder = new FrameDecoder(hashSeed, packetBytesMax);
  const input = new ConnectionInput({ batch, decoder, blobs });
  return {
    arena,
    rows,
    feed(bytes) {
      batch.rowCount = 0;
      batch.arenaBytes = 0;
      input.queue.push(copyOf(bytes, 0, bytes.length));
      while (input.fillRows(CONN) === Step.MORE);
      return batch.rowCount;
    },
    blobRead: (id, offset, target, at, count) => blobs.read(id, offset, target, at, count),
    blobRelease: (id) => blobs.release(id),
    blobBytes: (id) => blobs.bytes(id),
  };
}
