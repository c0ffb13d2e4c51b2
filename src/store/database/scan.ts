/**
 * Reads all rows once and gives each to the shard that owns its function. Rule: no more pages are read than shards
 * take; rows that are not jobs are logged, counted and left unchanged.
 */
import { LogLevel } from '../../base/logger.ts';
import type { Backend, FoundRow, Put } from './backend.ts';
import { Packed } from './packed.ts';
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
  expect(rows: number): void;
  log(level: number, text: string): void;
}

/** Resolves when every row was sent. The caller opens and closes the backend. */
export async function scan(options: ScanOptions): Promise<void> {
  const { backend, label, senders, senderFor, isNew, log } = options;
  options.expect(await backend.count());
  let damaged = 0;
  for await (const page of backend.scan()) {
    for (const row of page) {
      const put = putOf(row);
      if (typeof put !== 'string') {
        if (!isNew(put)) continue;
        senderFor(put.functionName)?.add(put);
        continue;
      }
      damaged++;
      if (damaged <= TOLD_MAX)
        log(LogLevel.ERROR, `${label}: a row is left unchanged, ${put}: unique ${show(row.key)}`);
    }
    for (const sender of senders) await sender.room();
  }
  for (const sender of senders) sender.flush();
  if (damaged > 0)
    log(LogLevel.ERROR, `${label}: ${damaged} rows are not jobs and were left unchanged`);
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
