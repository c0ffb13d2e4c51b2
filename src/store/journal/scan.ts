/**
 * Walks the entries of one segment: visits valid ones, reports damaged places with their offsets and skips to the next
 * valid entry, and distinguishes a torn tail from zeros that were never written to.
 */
import { ALIGN, entryBytesAt, goodEntryBytes, HEADER_BYTES } from './entry.ts';
import type { EntryBytes } from './entry-bytes.ts';

/** Invalid bytes of a segment that are followed by valid entries. */
export interface Damage {
  readonly at: number;
  readonly byteCount: number;
}

export interface Scan {
  /** Offset after the last valid entry, where writing could continue. */
  readonly end: number;
  /** Offset after the last byte that is not zero; above `end` when the tail is torn. */
  readonly usedEnd: number;
  readonly damages: readonly Damage[];
}

/** Visits every valid entry of `from[0, end)`, in the order of writing. */
export function scanEntries(
  from: EntryBytes,
  end: number,
  salt: number,
  visit: (at: number, byteCount: number) => void,
): Scan {
  const damages: Damage[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const byteCount = goodEntryBytes(from, at, end, salt);
    if (byteCount > 0) {
      visit(at, byteCount);
      at += byteCount;
      continue;
    }
    const next = nextGoodEntry(from, at, end, salt);
    if (next < 0) break;
    damages.push({ at, byteCount: next - at });
    at = next;
  }
  const usedEnd = Math.max(lastUsed(from.bytes, at, end), at);
  return { end: Math.min(at, Math.max(end, HEADER_BYTES)), usedEnd, damages };
}

/** Visits the valid entries of an earlier scan of the same bytes again, without checking them. */
export function revisitEntries(
  from: EntryBytes,
  { end, damages }: Scan,
  visit: (at: number) => void,
): void {
  let nextDamage = 0;
  for (let at = HEADER_BYTES; at < end; ) {
    const damage = damages[nextDamage];
    if (damage?.at === at) {
      at += damage.byteCount;
      nextDamage++;
      continue;
    }
    visit(at);
    at += entryBytesAt(from, at);
  }
}

/** The offset of the next valid entry. Zeros are skipped quickly, because most of an unfinished segment is zeros. */
function nextGoodEntry(from: EntryBytes, at: number, end: number, salt: number): number {
  const { view } = from;
  for (let next = at + ALIGN; next + ALIGN <= end; next += ALIGN) {
    if (view.getUint32(next + 4, true) === 0) continue;
    if (goodEntryBytes(from, next, end, salt) > 0) return next;
  }
  return -1;
}

function lastUsed(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && bytes[at - 1] === 0) at--;
  return at;
}
