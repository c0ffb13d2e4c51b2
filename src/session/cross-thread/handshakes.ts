/**
 * Peers that begin with a handshake are passed to the shards in turn, before their first byte is read, because
 * encryption is the most expensive part of such a connection. Rule: they stay in that shard; other shards may own their
 * functions.
 */
import { left, moved } from '../connection-limits.ts';
import type { SessionTable } from '../session-table.ts';
import { writeHandshake } from './records.ts';

/** Gives an accepted descriptor to the next running shard; without shards this thread keeps it. */
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
