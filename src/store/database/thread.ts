/**
 * Entry of the one thread that talks to the database for all shards of a server: opens it, reports that, and serves
 * shards until it is told to end. An unexpected error ends the thread, and the server with it.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { DatabaseThread, type ShardPort } from './database-thread.ts';
import { type DatabaseSettings, kindOf } from './kinds.ts';

/** Arguments of the thread. */
export interface DatabaseTask {
  readonly settings: DatabaseSettings;
  readonly shardCount: number;
  readonly hashSeed: number;
  /** Whether the start waits for no database: it may be unreachable. */
  readonly waits: boolean;
}

export type ToDatabaseThread =
  | { readonly type: 'shard'; readonly shard: number; readonly port: MessagePort }
  | { readonly type: 'end' };

export type FromDatabaseThread =
  | { readonly type: 'opened' }
  | { readonly type: 'unusable'; readonly reason: string }
  | { readonly type: 'log'; readonly level: number; readonly text: string };

const main = parentPort as MessagePort;
const say = (message: FromDatabaseThread): void => main.postMessage(message);
const { settings, shardCount, hashSeed, waits } = workerData as DatabaseTask;
try {
  const kind = await kindOf(settings);
  const log = (level: number, text: string): void => say({ type: 'log', level, text });
  const service = new DatabaseThread({ kind, shardCount, hashSeed, waits, log });
  await service.open();
  main.on('message', (message: ToDatabaseThread) => {
    if (message.type === 'shard') service.join(message.shard, message.port as ShardPort);
    else void service.close().finally(() => main.close());
  });
  say({ type: 'opened' });
} catch (error) {
  say({ type: 'unusable', reason: (error as Error).message });
}
