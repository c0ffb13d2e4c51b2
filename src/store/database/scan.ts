/**
 * Reads all rows once and gives each to the shard that owns its function. Rule: no more pages are read than shards
 * take; rows that are not jobs are logged, counted and left unchanged.
 */
import { LogLevel } from '../../base/logger.ts';
import { type Backend, Change, type FoundRow, type Put } from './backend.ts';
import { Packed } from './packed.ts';
import { RunsOfKeys, runsOf } from './runs-row.ts';
import { uniqueOf } from './stored-key.ts';

/** A page of a shard is sent at this size. */
const PAGE_BYTES = 256 * 1024;
/** Pages that a shard may have waiting. */
const PAGES_MAX = 4;
/** Damaged rows that are logged one by one. */
const TOLD_MAX = 10;
const FUNCTION_BYTES_MAX = 8192;
const PRIORITY_MAX = 2;
const NO_BYTES = new Uint8Array(0);

/** Sends the rows of one shard. */
export class PageSender {
  readonly #send: (puts: Uint8Array) => void;
  #page = new Packed();
  #ahead = 0;
  #taken: () => void = () => {};

  constructor(send: (puts: Uint8Array) => void) {
    this.#send = send;
  }

  add(put: Put): void {
    this.#page.addPut(put);
    if (this.#page.length >= PAGE_BYTES) this.flush();
  }

  flush(): void {
    if (this.#page.length === 0) return;
    this.#ahead++;
    this.#send(this.#page.used);
    this.#page = new Packed();
  }

  /** Called when the shard has taken pages, or will take no more pages. */
  taken(count = 1): void {
    this.#ahead -= count;
    this.#taken();
  }

  async room(): Promise<void> {
    while (this.#ahead >= PAGES_MAX)
      await new Promise<void>((resolve) => {
        this.#taken = resolve;
      });
  }
}

export interface ScanOptions {
  readonly backend: Backend;
  readonly label: string;
  /** The sender of the shard that owns a function; null when the shard does not read now. */
  senderFor(functionName: Uint8Array): PageSender | null;
  readonly senders: readonly PageSender[];
  /** False for a row that was sent before. */
  isNew(put: Put): boolean;
  /** The first scan of a server, while nothing is written: runs without their job are removed. */
  readonly isFirst: boolean;
  expect(rows: number): void;
  log(level: number, text: string): void;
}

/** Resolves when every row was sent. The caller opens and closes the backend. */
export async function scan(options: ScanOptions): Promise<void> {
  const { backend, label, senders, log } = options;
  options.expect(await backend.count());
  const damaged = new Damaged(options);
  const matched = await scanRows(options, damaged);
  const live = await scanDead(options, damaged);
  for (const sender of senders) sender.flush();
  if (damaged.count > 0)
    log(LogLevel.ERROR, `${label}: ${damaged.count} rows are not jobs and were left unchanged`);
  if (options.isFirst && live > matched) await dropStrayRuns(backend, label, log);
}

/** Sends the jobs of all rows with their runs; returns how many have some. */
async function scanRows(options: ScanOptions, damaged: Damaged): Promise<number> {
  const { backend } = options;
  let matched = 0;
  for await (const page of backend.scan()) {
    const puts: Put[] = [];
    for (const row of page) {
      const put = putOf(row);
      if (typeof put === 'string') damaged.add(put, row.key);
      else puts.push(put);
    }
    const rows = backend.findRuns === undefined ? [] : await backend.findRuns(puts);
    const found = new RunsOfKeys(rows);
    for (const put of puts) {
      const runs = rows.length === 0 ? null : found.of(put);
      const valid = runs === null ? null : runsOf(runs);
      if (typeof valid === 'string') damaged.add(valid, put.key);
      if (runs !== null) matched++;
      send(options, typeof valid === 'string' ? put : { ...put, runs: valid });
    }
    await roomOf(options);
  }
  return matched;
}

/** Sends the dead jobs; returns the number of live jobs with runs. */
async function scanDead(options: ScanOptions, damaged: Damaged): Promise<number> {
  let live = 0;
  for await (const page of options.backend.scanRuns?.() ?? []) {
    for (const row of page) {
      if (!row.isDead) {
        live++;
        continue;
      }
      const put = putOf({ ...row, startSeconds: 0 });
      const runs = runsOf(row);
      if (typeof put === 'string') damaged.add(put, row.key);
      else if (typeof runs === 'string') damaged.add(runs, row.key);
      else send(options, { ...put, change: Change.RUNS, runs });
    }
    await roomOf(options);
  }
  return live;
}

/** Removes runs of live jobs that are not there: another server has run them, or they were removed by hand. */
async function dropStrayRuns(
  backend: Backend,
  label: string,
  log: ScanOptions['log'],
): Promise<void> {
  let count = 0;
  for await (const page of backend.scanRuns?.() ?? []) {
    const live = page.filter(({ isDead, id }) => !isDead && id !== null);
    const keys = live.flatMap(({ key, functionName }) =>
      key === null || functionName === null ? [] : [{ key, functionName }],
    );
    const found = new RunsOfKeys(live);
    const kept = new Set<Uint8Array | null>();
    for (const row of await backend.find(keys)) {
      const put = putOf(row);
      if (typeof put !== 'string') kept.add(found.of(put)?.id ?? null);
    }
    const stray = live.flatMap(({ id }) => (id === null || kept.has(id) ? [] : [id]));
    if (stray.length > 0) await backend.write({ forgets: [], runsForgets: stray, puts: [] });
    count += stray.length;
  }
  if (count === 0) return;
  const words = `${count} failed or waiting jobs are no longer in its table: their attempts were removed`;
  log(LogLevel.WARNING, `${label}: ${words}`);
}

function send({ senderFor, isNew }: ScanOptions, put: Put): void {
  if (isNew(put)) senderFor(put.functionName)?.add(put);
}

async function roomOf({ senders }: ScanOptions): Promise<void> {
  for (const sender of senders) await sender.room();
}

/** Counts rows that are not jobs; the first ones are logged one by one. */
class Damaged {
  readonly #options: ScanOptions;
  count = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  add(reason: string, key: Uint8Array | null): void {
    this.count++;
    const { label, log } = this.#options;
    if (this.count <= TOLD_MAX)
      log(LogLevel.ERROR, `${label}: a row is left unchanged, ${reason}: unique ${show(key)}`);
  }
}

/** The job in a row, or why it is not one. */
function putOf(row: FoundRow): Put | string {
  const { key, functionName, priority, startSeconds, workload } = row;
  if (key === null || uniqueOf(key) === null) return 'its unique is not valid';
  if (functionName === null || functionName.length === 0) return 'it has no function';
  if (functionName.length > FUNCTION_BYTES_MAX || functionName.includes(0))
    return 'its function is not valid';
  if (priority === null || !isIn(priority, PRIORITY_MAX)) return `its priority is ${priority}`;
  if (workload !== null && !(workload instanceof Uint8Array)) return 'its workload is not valid';
  const start = startSeconds ?? 0;
  if (!isIn(start, Number.MAX_SAFE_INTEGER / 1000)) return `its start time is ${start}`;
  return { key, functionName, priority, startSeconds: start, workload: workload ?? NO_BYTES };
}

function isIn(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

function show(key: Uint8Array | null): string {
  return key === null ? 'missing' : JSON.stringify(Buffer.from(key).toString());
}
