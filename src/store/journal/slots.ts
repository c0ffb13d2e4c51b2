/**
 * The journal's memory of each job: id, segment and size, by slot. 16 bytes a job, in segments of rows that never
 * move; and the revision of updated jobs, in a map. A slot is reused only when the journal has reported the end of its job. Invariant: a free slot has id 0 and is
 * linked to the next free one through SEGMENT.
 */
import { uncounted } from '../../base/uncounted.ts';

const ROWS_SHIFT = 16;
const ROW_MASK = (1 << ROWS_SHIFT) - 1;
/** Lowest bit of a size, which is free because sizes are multiples of 8: the job was given back to the server. */
const TAKEN = 1;

/**
 * Values instead of a segment number: the job is in memory; refused, which the server has not asked for yet; in memory
 * and forgotten; in the current commit.
 */
export const Where = {
  PENDING: 0,
  REFUSED: 0xfffffffd,
  DROPPED: 0xfffffffe,
  UNDER_WAY: 0xffffffff,
} as const;

interface Rows {
  readonly ids: Float64Array;
  readonly segments: Uint32Array;
  readonly bytes: Uint32Array;
}

export class Slots {
  readonly #rows: Rows[] = [];
  /** All used slots are below this. */
  #end = 0;
  /** First free slot + 1, 0 = none. */
  #free = 0;
  #count = 0;
  /** Revisions other than 0, by slot. */
  readonly #revisions = new Map<number, number>();

  /** Slots in use. */
  get count(): number {
    return this.#count;
  }

  get end(): number {
    return this.#end;
  }

  allocate(id: number, segment: number, byteCount: number): number {
    let slot = this.#free - 1;
    if (slot >= 0) this.#free = this.#rowsOf(slot).segments[slot & ROW_MASK] as number;
    else slot = this.#end++;
    this.#occupy(slot, id, segment, byteCount);
    return slot;
  }

  free(slot: number): void {
    const rows = this.#rowsOf(slot);
    rows.ids[slot & ROW_MASK] = 0;
    rows.bytes[slot & ROW_MASK] = 0;
    rows.segments[slot & ROW_MASK] = this.#free;
    this.#free = slot + 1;
    this.#count--;
    if (this.#revisions.size > 0) this.#revisions.delete(slot);
  }

  /** An update of the job is durable: it is the put that counts from now on. */
  replace(slot: number, segment: number, byteCount: number, revision: number): void {
    const rows = this.#rowsOf(slot);
    rows.segments[slot & ROW_MASK] = segment;
    rows.bytes[slot & ROW_MASK] = byteCount;
    this.#revisions.set(slot, revision);
  }

  /** While reading a journal: restores this slot. Call `rebuild` at the end. */
  place(slot: number, id: number, segment: number, byteCount: number, revision: number): void {
    if (this.id(slot) !== 0) this.#count--;
    this.#end = Math.max(this.#end, slot + 1);
    this.#occupy(slot, id, segment, byteCount);
    if (revision !== 0) this.#revisions.set(slot, revision);
    else if (this.#revisions.size > 0) this.#revisions.delete(slot);
  }

  /** While reading a journal: the job of this slot has ended. */
  clear(slot: number): void {
    this.#rowsOf(slot).ids[slot & ROW_MASK] = 0;
    this.#count--;
    if (this.#revisions.size > 0) this.#revisions.delete(slot);
  }

  /** Links the free slots after reading, lowest first. */
  rebuild(): void {
    this.#free = 0;
    for (let slot = this.#end - 1; slot >= 0; slot--) {
      if (this.id(slot) !== 0) continue;
      this.#rowsOf(slot).segments[slot & ROW_MASK] = this.#free;
      this.#free = slot + 1;
    }
  }

  /** 0 when the slot is free or was never used. */
  id(slot: number): number {
    return slot < this.#end ? (this.#rowsOf(slot).ids[slot & ROW_MASK] as number) : 0;
  }

  /** Number of the job's segment, or one of `Where`. */
  segment(slot: number): number {
    return this.#rowsOf(slot).segments[slot & ROW_MASK] as number;
  }

  setSegment(slot: number, segment: number): void {
    this.#rowsOf(slot).segments[slot & ROW_MASK] = segment;
  }

  setSegments(slots: Uint32Array, segment: number): void {
    for (const slot of slots) this.setSegment(slot, segment);
  }

  /** Revision of the put that counts; 0: the first one of the job. */
  revision(slot: number): number {
    return this.#revisions.get(slot) ?? 0;
  }

  byteCount(slot: number): number {
    return (this.#rowsOf(slot).bytes[slot & ROW_MASK] as number) & ~TAKEN;
  }

  /**
   * While reading a journal: true at the first call for a slot, so that a put that is in a segment twice gives one job.
   */
  take(slot: number): boolean {
    const { bytes } = this.#rowsOf(slot);
    const word = bytes[slot & ROW_MASK] as number;
    bytes[slot & ROW_MASK] = word | TAKEN;
    return (word & TAKEN) === 0;
  }

  #occupy(slot: number, id: number, segment: number, byteCount: number): void {
    const rows = this.#rowsOf(slot);
    rows.ids[slot & ROW_MASK] = id;
    rows.segments[slot & ROW_MASK] = segment;
    rows.bytes[slot & ROW_MASK] = byteCount;
    this.#count++;
  }

  #rowsOf(slot: number): Rows {
    const index = slot >>> ROWS_SHIFT;
    let rows = this.#rows[index];
    if (rows === undefined) {
      const length = 1 << ROWS_SHIFT;
      rows = {
        ids: new Float64Array(uncounted(8 * length)),
        segments: new Uint32Array(uncounted(4 * length)),
        bytes: new Uint32Array(uncounted(4 * length)),
      };
      this.#rows[index] = rows;
    }
    return rows;
  }
}
