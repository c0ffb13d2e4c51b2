/**
 * gearmand and our server take turns on one queue, with jobs waiting each time: none is lost, none is altered. What
 * gearmand itself loses is kept out of its reach here, and told:
 *
 * - all: of several jobs of one function without unique, or with `-`, it keeps one; those that we have stored it keeps,
 *   but its workers see the key that stands for none. Of a unique of 64 bytes it keeps 63;
 * - libsqlite3: it stores an empty workload as NULL and does not start on that again; ours it reads;
 * - postgres: it takes every job back as high and as due at once, though the row keeps both; it cannot remove a job whose
 *   unique has a quote, and does not keep a unique that is not UTF-8;
 * - mysql: in a table that it has made, uniques that its collation calls equal are one.
 */
import { describe, expect, it } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import { type ServerKind, startServer, type TestServer } from '../../support/servers.ts';
import { DATABASES, type Database } from '../../support/store/databases.ts';
import type { WireConnection } from '../../support/wire.ts';

const LATER = 2_000_000_000;
const BINARY = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const SUBMITS = ['SUBMIT_JOB_HIGH_BG', 'SUBMIT_JOB_BG', 'SUBMIT_JOB_LOW_BG'] as const;
/** Worked by both; waits until our server has the last turn. */
const WORK = 'work';
const KEPT = 'kept';
const JOBS_A_TURN = 12;

interface Expected {
  readonly unique: string;
  readonly priority: number;
  readonly order: number;
}

/** The jobs that wait, by function and workload. */
class Books {
  readonly #jobs = { [WORK]: new Map<string, Expected>(), [KEPT]: new Map<string, Expected>() };
  #order = 0;

  add(name: typeof WORK | typeof KEPT, unique: string, workload: Buffer, priority: number): void {
    const order = ++this.#order;
    this.#jobs[name].set(workload.toString('latin1'), { unique, priority, order });
  }

  take(name: typeof WORK | typeof KEPT, workload: Buffer): Expected {
    const key = workload.toString('latin1');
    const found = this.#jobs[name].get(key);
    if (found === undefined) throw new Error(`a job that nobody has submitted: ${key}`);
    this.#jobs[name].delete(key);
    return found;
  }

  count(name: typeof WORK | typeof KEPT): number {
    return this.#jobs[name].size;
  }
}

async function submit(
  client: WireConnection,
  books: Books,
  name: typeof WORK | typeof KEPT,
  unique: string,
  workload: Buffer,
  priority: number,
): Promise<void> {
  const submits = SUBMITS[priority] as (typeof SUBMITS)[number];
  await client.ask('JOB_CREATED', submits, name, Buffer.from(unique), workload);
  books.add(name, unique, workload, priority);
}

/** Jobs of a function, as `status` counts them. */
async function waiting(client: WireConnection, name: string): Promise<number> {
  const line = (await client.list('status')).find((each) => each.startsWith(`${name}\t`));
  return Number(line?.split('\t')[1] ?? 0);
}

/** Runs up to `count` jobs; each must be in the books, with its unique. */
async function run(
  server: TestServer,
  books: Books,
  name: typeof WORK | typeof KEPT,
  count: number,
): Promise<Expected[]> {
  const worker = await server.connect('worker');
  worker.send('CAN_DO', name);
  const ran: Expected[] = [];
  while (ran.length < count) {
    worker.send('GRAB_JOB_UNIQ');
    const item = await worker.next();
    if (item.kind !== 'packet' || item.name !== 'JOB_ASSIGN_UNIQ') break;
    const expected = books.take(name, item.data);
    expect(String(item.args[2])).toBe(expected.unique);
    ran.push(expected);
    worker.send('WORK_COMPLETE', item.args[0] as Buffer, '');
  }
  await worker.barrier();
  await worker.close();
  return ran;
}

function expectOrder(ran: readonly Expected[]): void {
  const sorted = [...ran].sort((a, b) => a.priority - b.priority || a.order - b.order);
  expect(ran).toEqual(sorted);
}

/** Jobs that wait through all turns, some of which only our server submits. */
async function keep(client: WireConnection, books: Books, kind: ServerKind): Promise<number> {
  const uniques = kind === 'gearmand' ? ['g1', 'g2'] : ['', '', '', '-', '-', "it's", 'o1'];
  for (const [i, unique] of uniques.entries())
    await submit(client, books, KEPT, unique, Buffer.from(`${kind} ${i}`), i % 3);
  if (kind === 'geartrain') await submit(client, books, KEPT, 'empty', Buffer.alloc(0), 1);
  const args = [KEPT, `${kind} later`, `${LATER}`] as const;
  await client.ask('JOB_CREATED', 'SUBMIT_JOB_EPOCH', ...args, 'scheduled');
  return 1;
}

async function takeTurns(database: Database, first: ServerKind, handOvers: number): Promise<void> {
  const table = `turns_${first}`;
  const books = new Books();
  let scheduled = 0;
  for (let turn = 0; turn <= handOvers; turn++) {
    const isGearmand = (turn % 2 === 0) === (first === 'gearmand');
    const kind = isGearmand ? 'gearmand' : 'geartrain';
    const server = await startServer(kind, { args: database.gearmand(table) });
    const client = await server.connect('client');
    expect(await waiting(client, WORK)).toBe(books.count(WORK));
    expect(await waiting(client, KEPT)).toBe(books.count(KEPT) + scheduled);
    const ran = await run(server, books, WORK, Math.floor(books.count(WORK) / 2));
    if (kind === 'geartrain') expectOrder(ran);
    for (let i = 0; i < JOBS_A_TURN; i++) {
      const workload = Buffer.concat([Buffer.from(`${turn}-${i} `), BINARY]);
      await submit(client, books, WORK, `ünique ${turn}-${i}`, workload, i % 3);
    }
    if (turn < 2) scheduled += await keep(client, books, kind);
    if (turn === handOvers) {
      expectOrder(await run(server, books, WORK, Number.POSITIVE_INFINITY));
      expectOrder(await run(server, books, KEPT, Number.POSITIVE_INFINITY));
      expect([books.count(WORK), books.count(KEPT)]).toEqual([0, 0]);
    }
    await client.close();
    await server.stop();
  }
  const rows = await database.ask(`SELECT priority, when_to_run AS start FROM ${table}`);
  const numbers = rows.map(({ priority, start }) => [Number(priority), Number(start)]);
  expect(numbers).toEqual(Array.from({ length: scheduled }, () => [1, LATER]));
}

describe.skipIf(!requirePeer('gearmand'))('gearmand and our server in turns', () => {
  for (const kind of DATABASES)
    it.skipIf(!kind.isThere())(
      `on tables of either in ${kind.name}`,
      async () => {
        const database = await kind.start();
        try {
          await takeTurns(database, 'gearmand', 5);
          await takeTurns(database, 'geartrain', 2);
        } finally {
          await database.close();
        }
      },
      240_000,
    );
});
