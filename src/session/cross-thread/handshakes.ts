/**
 * Peers that begin with a handshake are handed to the shards in turn, before the first byte: encryption is the dearest
 * part of such a connection. Rule: it stays where it was handed to; its functions may be far.
 */
import { bytesOf } from '../../base/bytes.ts';
import { left, moved } from '../connection-limits.ts';
import type { SessionTable } from '../session-table.ts';
import { RecordKind } from './records.ts';

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
    const link = table.links[thread];
    if (link == null) continue;
    moved(table, address, thread);
    link.send(RecordKind.HANDSHAKE, fd, port, 0, 0, bytesOf(address));
    return;
  }
  left(table, address);
  table.hooks.refuseHandshake(fd);
}
