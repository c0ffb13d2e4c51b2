/**
 * What the broker's objects cost, in bytes, for the account: sizes measured on 64-bit Node.js, rounded up. Job rows, blocks
 * and the unique index are counted by the memory of their tables (job-table.ts, slab.ts, unique-index.ts), blobs by the
 * reactor. Rule: what is added with one of these is taken off with the same one.
 */
export const Kept = {
  /** A function without its name: its object, lists, and entries in the tables. */
  FUNCTION: 1024,
  PEER: 256,
  /** What a peer offers of one function, and its registrations. */
  ABILITY: 320,
  /** A subscription beside the first one of its job: an entry by job and by peer, and its part of the side map. */
  WATCH: 256,
  /** An entry of a heap of deadlines and its place there. */
  DEADLINE: 96,
  PROGRESS: 128,
  /** A reducer without its name. */
  REDUCER: 192,
} as const;

/**
 * What a function's name of so many bytes counts: it lies in V8's heap, where names that were given up, and copies made
 * while one is looked at, stay until the next collection.
 */
export const nameCost = (byteCount: number): number => byteCount + (byteCount >>> 1);
