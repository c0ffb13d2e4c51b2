/**
 * A database as a place for jobs: store and service as in a server, with a port between them, but in one thread.
 * Each `open` is a new life of the server on the same database.
 */
import { MessageChannel } from 'node:worker_threads';
import type { BackendKind } from '../../../src/store/database/backend.ts';
import { DatabaseStore, type StorePort } from '../../../src/store/database/database-store.ts';
import { DatabaseThread, type ShardPort } from '../../../src/store/database/database-thread.ts';
import { type DatabaseSettings, kindOf } from '../../../src/store/database/kinds.ts';
import type { StoreHost } from '../../../src/store/store.ts';
import type { StorePlace } from '../store-suite.ts';

const SHARD = 0;

/** `remove` ends the database, or its files. */
export function databaseAddress(
  settings: DatabaseSettings,
  relaxedMs: number | null,
  remove: () => void | Promise<void>,
): StorePlace {
  return placeOf(() => kindOf(settings), relaxedMs, remove);
}

/** The same for a kind that is not a row of the table. */
export function placeOf(
  kindFor: () => BackendKind | Promise<BackendKind>,
  relaxedMs: number | null,
  remove: () => void | Promise<void>,
): StorePlace {
  const services: DatabaseThread[] = [];
  return {
    async open(host: StoreHost) {
      const kind = await kindFor();
      const service = new DatabaseThread({
        kind,
        shardCount: 0,
        hashSeed: 0,
        waits: false,
        log: (level, text) => host.log(level, text),
      });
      services.push(service);
      await service.open();
      const { port1, port2 } = new MessageChannel();
      service.join(SHARD, port2 as ShardPort);
      const { keepsRuns = false } = kind;
      return new DatabaseStore({ port: port1 as StorePort, relaxedMs, keepsRuns }, host);
    },
    async remove() {
      for (const service of services) await service.close();
      await remove();
    },
  };
}
