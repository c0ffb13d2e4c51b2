/**
 * gearmand's keys in Redis: PREFIX-FUNCTION-UNIQUE is a hash of the job's fields. `data` and `priority` are those of
 * gearmand 1.1.20; `function` and `unique` are its successor's, so that names with hyphens are kept; `order` is ours,
 * because Redis keeps no order.
 *
 *   _gear_-resize-u1    data WORKLOAD   priority 0..2   function resize   unique u1   order 1ab2c3d4e5
 *
 *   _gear_=3:a-b-c      the same of a job whose key is another job's: LENGTH OF FUNCTION:FUNCTION-UNIQUE
 *   _gear_+ID           the runs of a job, see redis-runs.ts; the field `runs` of a live job has the ID
 *
 * A key with a string is a workload of gearmand before 1.1.16. Rule: commands of a batch are sent together; an
 * existing key is not overwritten.
 */
import {
  type Backend,
  type BackendKind,
  type Batch,
  type FoundRow,
  type FoundRuns,
  isAdd,
  type Put,
  type Refusal,
  type RowKey,
  TAKEN_REASON,
} from '../backend.ts';
import { peerError } from '../load-peer.ts';
import { inPages, PAGE_ROWS } from '../pages.ts';
import { idOf } from '../runs-row.ts';
import { type KeyForm, keyFormOf, keysOf, readRow, readStringRow } from './redis-row.ts';
import { readRuns, runsFields, runsKeyOf } from './redis-runs.ts';
import {
  ADD_SCRIPT,
  endOfLot,
  type Fields,
  packFields,
  REMOVE_SCRIPT,
  RUNS_SCRIPT,
} from './scripts.ts';

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
/** Runs that are read at a time; those of dead jobs have workloads. */
const RUNS_PAGE = 100;
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
    keepsRuns: true,
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
  /** Ids of the runs of rows that were read since the last `findRuns`, by function and key. */
  readonly #linked = new Map<string, Buffer>();

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

  async write({ forgets, runsForgets = [], puts }: Batch): Promise<readonly Refusal[]> {
    // Commands are executed in order; all of them fail together.
    const removed = Promise.all([...this.#remove(forgets), ...this.#removeRuns(runsForgets)]);
    const numbers = [...puts.keys()];
    const isOf = (test: (put: Put) => boolean) =>
      numbers.filter((number) => test(puts[number] as Put));
    const lots = [
      ...this.#send(
        RUNS_SCRIPT,
        puts,
        isOf((put) => !isAdd(put)),
      ),
      ...this.#send(
        ADD_SCRIPT,
        puts,
        isOf((put) => isAdd(put) && !put.runs),
      ),
      ...this.#send(
        RUNS_SCRIPT,
        puts,
        isOf((put) => isAdd(put) && Boolean(put.runs)),
      ),
    ];
    const [taken] = await Promise.all([Promise.all(lots), removed]);
    return taken.flat().map((index) => ({ index, reason: TAKEN_REASON }));
  }

  /** Sends the puts with these numbers in lots; each resolves to the numbers of those whose rows exist. */
  #send(script: string, puts: readonly Put[], numbers: readonly number[]): Promise<number[]>[] {
    const sent: Promise<number[]>[] = [];
    const these = numbers.map((number) => puts[number] as Put);
    for (let at = 0; at < these.length; ) {
      const end = endOfLot(these, at);
      const lot = these.slice(at, end).map((put) => this.#fieldsOf(put));
      const own = numbers.slice(at, end);
      const taken = this.#ask('EVAL', script, '0', packFields(lot)) as Promise<number[]>;
      sent.push(taken.then((found) => found.map((one) => own[one] as number)));
      at = end;
    }
    return sent;
  }

  async findRuns(rows: readonly RowKey[]): Promise<readonly FoundRuns[]> {
    const ids = rows.flatMap(({ functionName, key }) => {
      const id = this.#linked.get(idOf(functionName, key));
      return id === undefined ? [] : [id];
    });
    this.#linked.clear();
    const found = await Promise.all(ids.map((id) => this.#readRuns(runsKeyOf(this.#prefix, id))));
    return found.filter((runs) => runs !== null);
  }

  async *scanRuns(): AsyncGenerator<readonly FoundRuns[]> {
    const keys = await this.#keysLike('+*');
    for (let at = 0; at < keys.length; at += RUNS_PAGE) {
      const some = keys.slice(at, at + RUNS_PAGE);
      const found = await Promise.all(some.map((key) => this.#readRuns(key)));
      yield found.filter((runs) => runs !== null);
    }
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

  #removeRuns(ids: readonly Uint8Array[]): Promise<Reply>[] {
    const removed: Promise<Reply>[] = [];
    for (let at = 0; at < ids.length; at += REMOVED_MAX) {
      const some = ids.slice(at, at + REMOVED_MAX).map((id) => runsKeyOf(this.#prefix, id));
      removed.push(this.#ask('DEL', ...some));
    }
    return removed;
  }

  #fieldsOf(put: Put): Fields {
    const { key, functionName, priority, workload } = put;
    this.#lastOrder = Math.max(this.#lastOrder + 1, Date.now() * ORDERS_PER_MS);
    const order = this.#lastOrder.toString(ORDER_BASE);
    const { shared, own } = keysOf(this.#prefix, put);
    const fields = [shared, workload, `${priority}`, functionName, key, order, own];
    return put.runs ? [...fields, ...runsFields(this.#prefix, put)] : fields;
  }

  async #keysInOrder(): Promise<Buffer[]> {
    const keys = await this.#keysLike('[-=]*');
    const orders = new Map<Buffer, number>();
    for (let at = 0; at < keys.length; at += SCAN_COUNT) {
      const some = keys.slice(at, at + SCAN_COUNT);
      const found = await Promise.all(some.map((key) => this.#orderOf(key)));
      for (const [i, key] of some.entries()) orders.set(key, found[i] as number);
    }
    return keys.sort((a, b) => (orders.get(a) as number) - (orders.get(b) as number));
  }

  /** Every key after the prefix with this pattern, once. */
  async #keysLike(pattern: string): Promise<Buffer[]> {
    const match = Buffer.concat([escaped(this.#prefix), Buffer.from(pattern)]);
    const found = new Set<string>();
    for (let cursor = '0'; ; ) {
      const [next, keys] = (await this.#ask(
        ...['SCAN', cursor, 'MATCH', match, 'COUNT', `${SCAN_COUNT}`],
      )) as [Buffer, Buffer[]];
      for (const key of keys) found.add(key.toString('latin1'));
      cursor = String(next);
      if (cursor === '0') break;
    }
    return [...found].map((key) => Buffer.from(key, 'latin1'));
  }

  /** The runs of a key; null when they were removed meanwhile, or another program uses the key. */
  async #readRuns(key: Buffer): Promise<FoundRuns | null> {
    const fields = (await this.#askOfHash('HGETALL', key)) as Buffer[] | null;
    return fields === null || fields.length === 0 ? null : readRuns(fields);
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
    if ((fields as Buffer[]).length === 0) return null;
    const row = readRow(form, fields as Buffer[]);
    const { functionName, key: unique, runsId } = row;
    if (runsId !== null && functionName !== null && unique !== null)
      this.#linked.set(idOf(functionName, unique), runsId);
    return row;
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
