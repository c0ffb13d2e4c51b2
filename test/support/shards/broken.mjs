/** A shard file that fails while it is loaded. */

throw new Error('broken while loading');
