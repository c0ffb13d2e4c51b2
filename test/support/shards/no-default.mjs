/** A shard file without a default export. */

export const main = 1;
