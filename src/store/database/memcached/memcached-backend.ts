/**
 * gearmand's keys in memcached: PREFIX FUNCTION - UNIQUE has the workload, its flags are the priority. Function and
 * unique are in the key only, so a function with a hyphen would be read back wrongly, as in gearmand; such jobs are
 * refused. Rule: memcached guarantees nothing: jobs that it evicts when it is full, or loses when it ends, are lost.
 */
import { setTimeout as pause } from 'node:timers/promises';
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
import { MemcachedConnection, type Value } from './memcached-connection.ts';
import { type MemcachedServer, readServers, serverOf } from './memcached-servers.ts';

export interface MemcachedSettings {
  readonly servers: string;
  readonly prefix: string;
}

const KEY_BYTES_MAX = 250;
const HYPHEN = 0x2d;
const BLANK = 0x20;
const DELETE_CHARACTER = 0x7f;
const PAGE_KEYS = 100;
const PRIORITY_MAX = 2;
const NORMAL = 1;
/** Pause before a list of keys is requested again: memcached lists its keys to one client at a time. */
const BUSY_PAUSE_MS = 50;
const BUSY_TRIES_MAX = 100;

/** Throws when the list of servers is invalid. */
export function memcachedKind({ servers, prefix }: MemcachedSettings): BackendKind {
  const places = readServers(servers);
  if (places === null)
    throw new Error(`--libmemcached-servers: ${servers} is no list of host:port`);
  return {
    label: `libmemcached ${places.map(({ label }) => label).join(',')}`,
    isShared: true,
    make: () => new MemcachedBackend(places, Buffer.from(prefix)),
  };
}

class MemcachedBackend implements Backend {
  readonly #servers: readonly MemcachedServer[];
  readonly #prefix: Buffer;
  #connections: MemcachedConnection[] = [];
  readonly remark =
    'jobs survive a restart of this server alone: memcached throws data away when it is full and loses all when it ends';

  constructor(servers: readonly MemcachedServer[], prefix: Buffer) {
    this.#servers = servers;
    this.#prefix = prefix;
  }

  async open(onLost: (error: Error) => void = () => {}): Promise<void> {
    try {
      for (const { label, to } of this.#servers)
        this.#connections.push(await openOne(label, to, onLost));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  unfit(put: Put): string | null {
    if (put.startSeconds > 0) return 'memcached keeps no start times, as with gearmand';
    if (put.functionName.includes(HYPHEN)) return 'its function has a hyphen, which splits the key';
    const key = this.#keyOf(put);
    if (key.length > KEY_BYTES_MAX) return `its key is longer than ${KEY_BYTES_MAX} bytes`;
    const isPlain = key.every((byte) => byte > BLANK && byte !== DELETE_CHARACTER);
    return isPlain ? null : 'its function or unique has blanks or control characters';
  }

  async write({ forgets, puts }: Batch): Promise<readonly Refusal[]> {
    const removed = forgets.flatMap((row) => this.#remove(row));
    const added = Promise.all(puts.map((put) => this.#add(put)));
    // Awaited together, so that every rejection is handled.
    const [answers] = await Promise.all([added, Promise.all(removed)]);
    return answers.flatMap((answer, index) => {
      if (answer === 'STORED') return [];
      if (answer === 'NOT_STORED') return [{ index, reason: TAKEN_REASON }];
      return [{ index, reason: `memcached says ${answer}` }];
    });
  }

  async find(rows: readonly RowKey[]): Promise<readonly FoundRow[]> {
    const keys = rows.map((row) => this.#keyOf(row));
    const found: FoundRow[] = [];
    for (const [server, connection] of this.#connections.entries()) {
      const here = keys.filter((key) => serverOf(key, this.#servers.length) === server);
      for (let at = 0; at < here.length; at += PAGE_KEYS)
        for (const value of await connection.get(here.slice(at, at + PAGE_KEYS)))
          found.push(this.#rowOf(value));
    }
    return found;
  }

  async count(): Promise<number> {
    let sum = 0;
    for (const connection of this.#connections) {
      const lines = await connection.list('stats');
      const line = lines.find((one) => one.startsWith('STAT curr_items '));
      sum += Number(line?.split(' ')[2] ?? 0);
    }
    return sum;
  }

  /** All jobs, in the order in which memcached took them. */
  async *scan(): AsyncGenerator<readonly FoundRow[]> {
    for (const connection of this.#connections) {
      const keys = await this.#keysOf(connection);
      for (let at = 0; at < keys.length; at += PAGE_KEYS) {
        const some = keys.slice(at, at + PAGE_KEYS);
        const values = await connection.get(some.map((key) => Buffer.from(key, 'latin1')));
        yield values.map((value) => this.#rowOf(value));
      }
    }
  }

  async close(): Promise<void> {
    for (const connection of this.#connections.splice(0)) connection.close();
  }

  #keyOf({ key, functionName }: RowKey): Buffer {
    return Buffer.concat([this.#prefix, functionName, Uint8Array.of(HYPHEN), key]);
  }

  #add(put: Put): Promise<string> {
    const key = this.#keyOf(put);
    const connection = this.#connections[serverOf(key, this.#servers.length)];
    if (connection === undefined) return Promise.reject(new Error('the connection is closed'));
    return connection.add(key, put.priority, put.workload);
  }

  /** Removes a key from all servers, because other clients may have chosen a different one. */
  #remove(row: RowKey): Promise<string>[] {
    const key = this.#keyOf(row);
    // Bytes that cannot be a key do not exist in memcached.
    if (key.length > KEY_BYTES_MAX || key.some((byte) => byte <= BLANK)) return [];
    return this.#connections.map(async (connection) => {
      const answer = await connection.ask(Buffer.from('delete '), key, Buffer.from('\r\n'));
      if (answer === 'DELETED' || answer === 'NOT_FOUND') return answer;
      throw new Error(`delete a key: ${answer}`);
    });
  }

  async #keysOf(connection: MemcachedConnection): Promise<string[]> {
    const prefix = this.#prefix.toString('latin1');
    const found: { readonly key: string; readonly order: number }[] = [];
    for (const line of await dump(connection)) {
      const [, escapedKey = ''] = /(?:^| )key=(\S+)/.exec(line) ?? [];
      const key = unescapeBytes(escapedKey);
      const order = Number(/ cas=(\d+)/.exec(line)?.[1] ?? 0);
      if (key.startsWith(prefix)) found.push({ key, order });
    }
    return found.sort((a, b) => a.order - b.order).map(({ key }) => key);
  }

  #rowOf({ key, flags, data }: Value): FoundRow {
    const rest = Buffer.from(key, 'latin1').subarray(this.#prefix.length);
    const at = rest.indexOf(HYPHEN);
    return {
      functionName: at < 0 ? null : rest.subarray(0, at),
      key: at < 0 ? null : rest.subarray(at + 1),
      priority: flags <= PRIORITY_MAX ? flags : NORMAL,
      startSeconds: 0,
      workload: data,
    };
  }
}

async function openOne(
  label: string,
  to: MemcachedServer['to'],
  onLost: (error: Error) => void,
): Promise<MemcachedConnection> {
  try {
    const connection = await MemcachedConnection.open(to, onLost);
    const version = await connection.ask(Buffer.from('version\r\n'));
    if (version.startsWith('VERSION ')) return connection;
    connection.close();
    throw new Error(`it is no memcached, it says ${JSON.stringify(version)}`);
  } catch (error) {
    throw new Error(`connect to memcached ${label}: ${(error as Error).message}`, { cause: error });
  }
}

/** A line for each key. */
async function dump(connection: MemcachedConnection): Promise<string[]> {
  for (let tries = 1; ; tries++) {
    const lines = await connection.list('lru_crawler metadump all');
    const last = lines.at(-1) ?? '';
    if (!/^(ERROR|BUSY|CLIENT_ERROR|SERVER_ERROR)/.test(last)) return lines;
    if (!last.startsWith('BUSY') || tries === BUSY_TRIES_MAX)
      throw new Error(`memcached does not list its keys (lru_crawler metadump): ${last}`);
    await pause(BUSY_PAUSE_MS);
  }
}

/** Bytes other than letters and digits come as %XX. */
function unescapeBytes(text: string): string {
  return text.replace(/%([\da-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}
