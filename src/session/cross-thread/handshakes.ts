/**
 * Peers that begin with a handshake are handed to the shards in turn, before the first byte: encryption is the dearest
 * part of such a connection. Rule: it stays where it was handed to; its functions may be far.
 */
import { left, moved } from '../connection-limits.ts';
import type { SessionTable } from '../session-table.ts';
import { writeHandshake } from './records.ts';

/** Gives an accepted descriptor to the next shard that runs; without shards it is this thread's. */
export function assignHandshake(
  table: SessionTable,
  fd: number,
  address: string,
  port: number,
): void {
  const { shardCount } = table.options;
  if (shardCount === 0) {
    table.hooks.onHandshake(fd, address, port);
    return;
  }
  for (let i = 0; i < shardCount; i++) {
    const thread = 1 + (table.nextShard++ % shardCount);
    const writer = table.writers[thread];
    if (writer == null) continue;
    moved(table, address, thread);
    writeHandshake(writer, fd, address, port);
    return;
  }
  left(table, address);
  table.hooks.refuseHandshake(fd);
}
