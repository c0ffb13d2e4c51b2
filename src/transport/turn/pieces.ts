/**
 * Complete frames outside of the arena: un-read ones, and large ones that are being gathered. Rule: a large frame owns
 * one reference to its blob.
 */
import { ByteQueue } from './byte-queue.ts';

/** A large frame: its head, and its data in a blob (or dropped). */
export interface LargeFrame {
  readonly head: Uint8Array;
  readonly dataBytes: number;
  blob: number;
  /** Data bytes that have not arrived yet. */
  left: number;
}
/** Complete frames: bytes, or one large frame. */
export type Piece = Uint8Array | LargeFrame;

/** Joins neighbouring byte pieces into one. */
export function joined(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  let run = new ByteQueue();
  const endRun = (): void => {
    if (run.bytes > 0) result.push(run.takeAll());
    run = new ByteQueue();
  };
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) run.push(piece);
    else {
      endRun();
      result.push(piece);
    }
  }
  endRun();
  return result;
}
