/**
 * The bytes of a link message, version 1. Numbers are little-endian and not aligned.
 *
 *   message    0 version u8   1 name: incarnation of the sender   generation u64   number u64   acknowledged u64
 *              then pieces: bytes u32, with bit 31 set when the record goes on in the next piece; the bytes
 *
 * A message with number 0 has no pieces: it only acknowledges. Rule: `decodeLinkMessage` returns null for bytes that
 * are not exactly one message, and never throws.
 */
import { FieldReader, FieldWriter } from './fields.ts';

export const LINK_VERSION = 1;
export const LINK_MESSAGE_BYTES_MAX = 512 * 1024;
/** Bytes of a message besides its pieces, at most. */
export const LINK_HEAD_BYTES_MAX = 1 + 1 + 255 + 3 * 8;
export const PIECE_HEAD_BYTES = 4;
const MORE = 0x8000_0000;

/** A record or a part of one. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** The record goes on in the next piece. */
  readonly isContinued: boolean;
}

export interface LinkMessage {
  /** Incarnation that sent it. */
  readonly from: string;
  readonly generation: number;
  /** Counts the messages of this generation and direction from 1 on; 0 for one that only acknowledges. */
  readonly number: number;
  /** All messages of the other direction up to this number have arrived. */
  readonly acknowledged: number;
  readonly pieces: readonly Piece[];
}

export function encodeLinkMessage(message: LinkMessage): Uint8Array {
  const to = new FieldWriter();
  to.u8(LINK_VERSION).name(message.from);
  to.u64(message.generation).u64(message.number).u64(message.acknowledged);
  for (const { bytes, isContinued } of message.pieces)
    to.u32(bytes.length + (isContinued ? MORE : 0)).bytes(bytes);
  return to.take();
}

/** The message that `bytes` are, or null. Pieces are views of `bytes`. */
export function decodeLinkMessage(bytes: Uint8Array): LinkMessage | null {
  const from = new FieldReader(bytes);
  if (from.u8() !== LINK_VERSION) return null;
  const sender = from.name();
  const generation = from.u64();
  const number = from.u64();
  const acknowledged = from.u64();
  const pieces: Piece[] = [];
  while (!from.isBad && !from.isAtEnd) {
    const word = from.u32();
    pieces.push({ bytes: from.bytes(word % MORE), isContinued: word >= MORE });
  }
  if (from.isBad || generation === 0 || (number === 0 && pieces.length > 0)) return null;
  return { from: sender, generation, number, acknowledged, pieces };
}
