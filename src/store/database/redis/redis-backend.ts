/**
 * gearmand's keys in Redis: PREFIX-FUNCTION-UNIQUE is a hash of the job's fields. `data` and `priority` are those of
 * gearmand 1.1.20; `function` and `unique` are its successor's, so that names with hyphens are kept; `order` is ours,
 * because Redis keeps no order.
 *
 *   _gear_-resize-u1    data WORKLOAD   priority 0..2   function resize   unique u1   order 1ab2c3d4e5
 *
 *   _gear_=3:a-b-c      the same of a job whose key is another job's: LENGTH OF FUNCTION:FUNCTION-UNIQUE
 *
 * A key with a string is a workload of gearmand before 1.1.16. Rule: commands of a batch are sent together; an
 * existing key is not overwritten.
 */
import {
  type Backend,
  type BackendKind,
  type Batch,
  type FoundRow,
  type Put,
  type Refusal,
  type RowKey,
  TAKEN_REASON,
} from '../backend.ts';
import { peerError } from '../load-peer.ts';
import { inPages, PAGE_ROWS } from '../pages.ts';
import { type KeyForm, keyFormOf, keysOf, readRow, readStringRow } from './redis-row.ts';
import { ADD_SCRIPT, endOfLot, type Fields, packFields, REMOVE_SCRIPT } from './scripts.ts';

export interface RedisSettings {
  readonly host: string;
  readonly port: number;
  readonly password: string | null;
  readonly prefix: string;
}

const PEER = { name: '@redis/client', version: '6.3.1' } as const;
const CONNECT_MS = 5_000;
/** Below what Redis takes in one value (proto-max-bulk-len). */
const WORKLOAD_BYTES_MAX = 500_000_000;
const SCAN_COUNT = 1_000;
/** Keys that one command removes. */
const REMOVED_MAX = 500;
/** Each millisecond has so many order numbers. They begin with the time, so that a later run has greater ones. */
const ORDERS_PER_MS = 4096;
const ORDER_BASE = 36;

type Library = typeof import('@redis/client');
type Client = ReturnType<Library['createClient']>;
type Reply = unknown;
type Argument = string | Buffer;

/** Rejects with the command that installs the client when it is missing. */
export async function redisKind(settings: RedisSettings): Promise<BackendKind> {
  const library = await loadLibrary();
  return {
    label: `redis ${settings.host}:${settings.port}`,
    isShared: true,
    make: () => new RedisBackend(library, settings),
  };
}

async function loadLibrary(): Promise<Library> {
  try {
    return await import(PEER.name);
  } catch (error) {
    throw peerError(error, PEER, 'redis');
  }
}

class RedisBackend implements Backend {
  readonly #library: Library;
  readonly #settings: RedisSettings;
  readonly #prefix: Buffer;
  #client: Client | null = null;
  #lastOrder = 0;
  #remark: string | null = null;

  constructor(library: Library, settings: RedisSettings) {
    this.#library = library;
    this.#settings = settings;
    this.#prefix = Buffer.from(settings.prefix);
  }

  get remark(): string | null {
    return this.#remark;
  }

  async open(onLost: (error: Error) => void = () => {}): Promise<void> {
    const { host, port, password } = this.#settings;
    const socket = { host, port, connectTimeout: CONNECT_MS, reconnectStrategy: false } as const;
    const client = this.#library.createClient({
      socket,
      ...(password === null ? {} : { password }),
      disableOfflineQueue: true,
      RESP: 2,
    }) as unknown as Client;
    this.#client = client;
    client.on('error', (error: Error) => {
      if (this.#client === client && client.isReady === false) onLost(error);
    });
    await client.connect();
    await this.#look();
  }

  unfit({ startSeconds, workload }: Put): string | null {
    if (startSeconds > 0) return 'Redis keeps no start times, as with gearmand';
    return workload.length > WORKLOAD_BYTES_MAX ? 'its workload is too large for Redis' : null;
  }

  async write({ forgets, puts }: Batch): Promise<readonly Refusal[]> {
    // Commands are executed in order; all of them fail together.
    const removed = Promise.all(this.#remove(forgets));
    const added: Promise<Reply>[] = [];
    const starts: number[] = [];
    for (let at = 0; at < puts.length; ) {
      const end = endOfLot(puts, at);
      const lot = puts.slice(at, end).map((put) => this.#fieldsOf(put));
      added.push(this.#ask('EVAL', ADD_SCRIPT, '0', packFields(lot)));
      starts.push(at);
      at = end;
    }
    const [taken] = await Promise.all([Promise.all(added), removed]);
    return taken.flatMap((numbers, lot) =>
      (numbers as number[]).map((number) => ({
        index: (starts[lot] as number) + number,
        reason: TAKEN_REASON,
      })),
    );
  }

  async find(rows: readonly RowKey[]): Promise<readonly FoundRow[]> {
    const keys = rows.flatMap((row) => {
      const { shared, own } = keysOf(this.#prefix, row);
      return [shared, own];
    });
    const found = await Promise.all(keys.map((key) => this.#read(key)));
    return found.filter((row) => row !== null);
  }

  async count(): Promise<number> {
    return Number(await this.#ask('DBSIZE'));
  }

  /** Reads all keys before the first job, because Redis returns keys in no order and some of them twice. */
  scan(): AsyncIterable<readonly FoundRow[]> {
    return inPages(this.#rows());
  }

  async *#rows(): AsyncGenerator<FoundRow> {
    const keys = await this.#keysInOrder();
    for (let at = 0; at < keys.length; at += PAGE_ROWS) {
      const some = keys.slice(at, at + PAGE_ROWS);
      for (const row of await Promise.all(some.map((key) => this.#read(key))))
        if (row !== null) yield row;
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    if (client?.isOpen) client.destroy();
  }

  /** Checks whether the server takes writes, and how durable they are. */
  async #look(): Promise<void> {
    const role = (await this.#ask('ROLE')) as readonly Reply[];
    if (String(role[0]) !== 'master')
      throw new Error('it is a replica of another Redis server, which takes no writes');
    let isSynced: boolean;
    try {
      const [, appends] = (await this.#ask('CONFIG', 'GET', 'appendonly')) as readonly Reply[];
      const [, syncs] = (await this.#ask('CONFIG', 'GET', 'appendfsync')) as readonly Reply[];
      isSynced = String(appends) === 'yes' && String(syncs) === 'always';
    } catch {
      // The user may not have the right to ask.
      return;
    }
    this.#remark = isSynced
      ? null
      : 'jobs are as durable as Redis is set to keep data: only with appendonly yes and appendfsync always none is lost when it is killed';
  }

  #remove(forgets: readonly RowKey[]): Promise<Reply>[] {
    const removed: Promise<Reply>[] = [];
    for (let at = 0; at < forgets.length; at += REMOVED_MAX) {
      const some = forgets.slice(at, at + REMOVED_MAX);
      const fields = some.map((row): Fields => {
        const { shared, own } = keysOf(this.#prefix, row);
        return [shared, row.functionName, row.key, own];
      });
      removed.push(this.#ask('EVAL', REMOVE_SCRIPT, '0', packFields(fields)));
    }
    return removed;
  }

  #fieldsOf(put: Put): Fields {
    const { key, functionName, priority, workload } = put;
    this.#lastOrder = Math.max(this.#lastOrder + 1, Date.now() * ORDERS_PER_MS);
    const order = this.#lastOrder.toString(ORDER_BASE);
    const { shared, own } = keysOf(this.#prefix, put);
    return [shared, workload, `${priority}`, functionName, key, order, own];
  }

  async #keysInOrder(): Promise<Buffer[]> {
    const match = Buffer.concat([escaped(this.#prefix), Buffer.from('[-=]*')]);
    const orders = new Map<string, number>();
    for (let cursor = '0'; ; ) {
      const [next, keys] = (await this.#ask(
        ...['SCAN', cursor, 'MATCH', match, 'COUNT', `${SCAN_COUNT}`],
      )) as [Buffer, Buffer[]];
      const found = await Promise.all(keys.map((key) => this.#orderOf(key)));
      for (const [i, key] of keys.entries()) orders.set(key.toString('latin1'), found[i] as number);
      cursor = String(next);
      if (cursor === '0') break;
    }
    const sorted = [...orders].sort(([, a], [, b]) => a - b);
    return sorted.map(([key]) => Buffer.from(key, 'latin1'));
  }

  /** Jobs of gearmand have no order: they come first. */
  async #orderOf(key: Buffer): Promise<number> {
    const text = await this.#askOfHash('HGET', key, 'order');
    const order = Number.parseInt(String(text ?? ''), ORDER_BASE);
    return Number.isSafeInteger(order) ? order : 0;
  }

  /** The job of a key; null when the key was removed meanwhile. */
  async #read(key: Buffer): Promise<FoundRow | null> {
    const form: KeyForm = keyFormOf(this.#prefix, key);
    const fields = await this.#askOfHash('HGETALL', key);
    if (fields === null) {
      const workload = await this.#askOfHash('GET', key);
      return readStringRow(form, workload as Buffer | null);
    }
    return (fields as Buffer[]).length === 0 ? null : readRow(form, fields as Buffer[]);
  }

  /** Sends a command for a key; null when the key has another type than the command needs. */
  async #askOfHash(...args: readonly Argument[]): Promise<Reply> {
    try {
      return await this.#ask(...args);
    } catch (error) {
      if (/^WRONGTYPE/.test((error as Error).message)) return null;
      throw error;
    }
  }

  #ask(...args: readonly Argument[]): Promise<Reply> {
    const client = this.#client;
    if (client === null) return Promise.reject(new Error('the connection is closed'));
    const { RESP_TYPES } = this.#library;
    return client.sendCommand([...args], { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } });
  }
}

/** Escapes the special characters of a MATCH pattern. */
function escaped(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/[\\*?[\]]/g, '\\$&'), 'latin1');
}
