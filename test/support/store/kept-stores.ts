/**
 * Stores as written by earlier versions of ours, as text: `written-before.test.ts` gives them to the current server.
 * Files are kept as bytes, rows of SQL as statements, keys as pairs. Rule: bytes are base64, so that a diff shows only
 * which store has changed.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createClient, RESP_TYPES } from '@redis/client';
import type { ServerOptions } from '../../../src/index.ts';
import { requirePeer } from '../peers.ts';
import { DATABASES, type Database } from './databases.ts';
import { KeyValueServer } from './key-value-servers.ts';

/** A place where jobs are kept, empty at first. */
export interface KeptStore {
  options(): ServerOptions;
  /** The content; the server that wrote it has ended. */
  save(): Promise<unknown>;
  /** Restores the content that `save` returned. */
  load(saved: never): Promise<void>;
  close(): Promise<void>;
}

export interface KeptStoreKind {
  readonly name: string;
  isThere(): boolean;
  open(): Promise<KeptStore>;
}

type Saved = Record<string, string>;

const PAGE_BYTES = 4096;

/** All files below `folder`, by path, but for locks. */
function saveFolder(folder: string): Saved {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true });
  const saved: Saved = {};
  for (const entry of paths) {
    if (!entry.isFile() || entry.name.includes('lock')) continue;
    const path = join(entry.parentPath, entry.name);
    saved[path.slice(folder.length + 1)] = trimmed(readFileSync(path)).toString('base64');
  }
  return saved;
}

/** Without the spare room at the end of a segment, which is pages of zeros. */
function trimmed(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, Math.ceil(end / PAGE_BYTES) * PAGE_BYTES);
}

function openFolder(options: (folder: string) => ServerOptions): KeptStore {
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-kept-'));
  return {
    options: () => options(folder),
    save: async () => saveFolder(folder),
    async load(saved: Saved) {
      for (const [path, bytes] of Object.entries(saved)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), Buffer.from(bytes, 'base64'));
      }
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Tables as our backends create them; the rows by statements. */
const TABLES: Readonly<Record<string, string>> = {
  postgres: `CREATE TABLE jobs (unique_key VARCHAR(64), function_name VARCHAR(255), priority INTEGER, data BYTEA,
    when_to_run INTEGER, geartrain_order BIGSERIAL, UNIQUE (unique_key, function_name))`,
  mysql: `CREATE TABLE jobs (unique_key VARBINARY(64), function_name VARBINARY(255), priority INT, data LONGBLOB,
    when_to_run INT, UNIQUE KEY unique_key (unique_key, function_name)) ENGINE=InnoDB`,
};

interface Row {
  readonly unique_key: Buffer | string;
  readonly function_name: Buffer | string;
  readonly priority: number;
  readonly data: Buffer;
  readonly when_to_run: number;
}

function openTable(name: string, database: Database): KeptStore {
  const hex = (bytes: Buffer | string): string => Buffer.from(bytes as string).toString('hex');
  const text = (value: Buffer | string): string =>
    name === 'mysql' ? `x'${hex(value)}'` : `'${String(value)}'`;
  return {
    options: () => database.options('jobs'),
    async save() {
      const rows = (await database.ask('SELECT * FROM jobs')) as unknown as Row[];
      return rows.map((row) => {
        const data = name === 'mysql' ? `x'${hex(row.data)}'` : `'\\x${hex(row.data)}'`;
        const values = [text(row.unique_key), text(row.function_name), row.priority, data];
        return `INSERT INTO jobs (unique_key, function_name, priority, data, when_to_run) VALUES (${[...values, row.when_to_run].join(', ')})`;
      });
    },
    load: (saved: readonly string[]) => database.run(TABLES[name] as string, ...saved),
    close: () => database.close(),
  };
}

async function openRedis(): Promise<KeptStore> {
  const server = await KeyValueServer.start('redis');
  const withClient = async <T>(use: (client: ReturnType<typeof connected>) => Promise<T>) => {
    const client = connected();
    await client.connect();
    try {
      return await use(client);
    } finally {
      client.destroy();
    }
  };
  const connected = () =>
    createClient({ RESP: 2, socket: { host: '127.0.0.1', port: server.port } }).withTypeMapping({
      [RESP_TYPES.BLOB_STRING]: Buffer,
    });
  return {
    options: () => ({ queueType: 'redis', redisPort: server.port }),
    save: () =>
      withClient(async (client) => {
        const commands: string[][] = [];
        for (const key of (await client.keys('*')) as unknown as Buffer[]) {
          const fields = (await client.sendCommand(['HGETALL', key])) as unknown as Buffer[];
          const words = [Buffer.from('HSET'), key, ...fields];
          commands.push(words.map((word) => Buffer.from(word).toString('base64')));
        }
        return commands;
      }),
    load: (saved: readonly (readonly string[])[]) =>
      withClient(async (client) => {
        for (const command of saved)
          await client.sendCommand(command.map((word) => Buffer.from(word, 'base64')));
      }),
    close: () => server.remove(),
  };
}

export const KEPT_STORES: readonly KeptStoreKind[] = [
  {
    name: 'journal',
    isThere: () => true,
    open: async () => openFolder((stateDir) => ({ queueType: 'journal', stateDir })),
  },
  {
    name: 'libsqlite3',
    isThere: () => requirePeer('sqlite'),
    open: async () =>
      openFolder((folder) => ({ queueType: 'libsqlite3', libsqlite3Db: join(folder, 'jobs.db') })),
  },
  ...DATABASES.filter(({ name }) => name !== 'libsqlite3').map(
    (kind): KeptStoreKind => ({
      name: kind.name,
      isThere: () => kind.isThere(),
      open: async () => openTable(kind.name, await kind.start()),
    }),
  ),
  { name: 'redis', isThere: () => requirePeer('redis'), open: openRedis },
];
