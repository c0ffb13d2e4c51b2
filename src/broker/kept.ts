/**
 * Sizes of the broker's objects in bytes, for the account: measured on 64-bit Node.js, rounded up. Job rows, blocks
 * and the unique index are counted by the memory of their tables (job-table.ts, slab.ts, unique-index.ts), blobs by
 * the reactor. Rule: subtract with the same constant that was added.
 */
export const Kept = {
  /** A function without its name: its object, lists, and entries in the tables. */
  FUNCTION: 1024,
  PEER: 256,
  /** A peer's offer of one function, with its registrations. */
  ABILITY: 320,
  /** A subscription after the first one of its job: an entry by job and by peer, and its part of the side map. */
  WATCH: 256,
  /** An entry of a deadline heap and its position. */
  DEADLINE: 96,
  PROGRESS: 128,
  /** A reducer without its name. */
  REDUCER: 192,
  /** What is known of the failed runs of a job, without its errors. */
  RUNS: 192,
  /** A handle of an earlier run of the server, without its bytes: a text, and an entry by it. */
  HANDLE: 128,
  /** One error without its text. */
  RUN_ERROR: 160,
} as const;

/**
 * Size that is charged for a function's name of so many bytes. It is more than the name: names are in V8's heap, where
 * dropped names and temporary copies stay until the next collection.
 */
export const nameCost = (byteCount: number): number => byteCount + (byteCount >>> 1);
