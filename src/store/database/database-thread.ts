/**
 * Runs in the thread of the database: writes the batches of all shards, and reads the rows back for shards that start.
 * Rule: a restarted shard is served when all batches that the dead shard had sent are finished.
 */
import { LogLevel } from '../../base/logger.ts';
import { ownerThreads, shardOfName } from '../../protocol/shard-of.ts';
import type { Backend, BackendKind, Put, Refusal } from './backend.ts';
import { DatabaseWriter, type Writer } from './database-writer.ts';
import { messageOf } from './failure.ts';
import type { FromDatabase, Port, ToDatabase } from './messages.ts';
import { unpackKeys, unpackPuts } from './packed.ts';
import { idOf } from './runs-row.ts';
import { PageSender, scan } from './scan.ts';

const REOPEN_MS = 500;

export type ShardPort = Port<FromDatabase, ToDatabase>;

export interface ServeOptions {
  readonly kind: BackendKind;
  /** Number of shards; 0 = everything in one thread, which is shard 0. */
  readonly shardCount: number;
  /** Determines which shard owns a function. */
  readonly hashSeed: number;
  /** The start does not need the database: its jobs may come later. */
  readonly waits: boolean;
  log(level: number, text: string): void;
}

export class DatabaseThread {
  readonly #options: ServeOptions;
  /** Writers by shard; one writer for all shards when the database is written through one connection. */
  readonly #writers = new Map<number, DatabaseWriter>();
  readonly #shards = new Map<number, Shard>();
  /** Shards that wait for the next scan. */
  #reading: Shard[] = [];
  /** The first scan waits for all shards. */
  #isFirst = true;
  #isClosed = false;
  #hasRemarked = false;
  #scanning: Promise<void> = Promise.resolve();

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  /** Rejects when the database is unusable. */
  async open(): Promise<void> {
    const { shardCount, kind } = this.#options;
    const [first = 0, ...others] = ownerThreads(shardCount);
    const writer = await this.#open();
    this.#remark(writer.remark);
    this.#writers.set(first, writer);
    // Together, because an unreachable one may take long to fail.
    await Promise.all(
      others.map(async (shard) =>
        this.#writers.set(shard, kind.isShared ? writer : await this.#open()),
      ),
    );
  }

  /** A shard starts. */
  join(number: number, port: ShardPort): void {
    const before = this.#shards.get(number);
    const writer = this.#writers.get(number) as DatabaseWriter;
    const shard = new Shard(port, writer, () => this.#read(shard));
    this.#shards.set(number, shard);
    (before?.ended ?? Promise.resolve()).then(() => shard.begin());
  }

  /** Closes everything. Shards should have ended before. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#scanning;
    for (const writer of new Set(this.#writers.values())) await writer.close();
  }

  async #open(): Promise<DatabaseWriter> {
    const { kind, waits, log } = this.#options;
    const writer = new DatabaseWriter({ backend: kind.make(), label: kind.label, log });
    await writer.open(waits);
    return writer;
  }

  #remark(text: string | null): void {
    if (text === null || this.#hasRemarked) return;
    this.#hasRemarked = true;
    const { kind, log } = this.#options;
    log(LogLevel.WARNING, `${kind.label}: ${text}`);
  }

  #read(shard: Shard): void {
    this.#reading = this.#reading.filter(({ hasEnded }) => !hasEnded);
    this.#reading.push(shard);
    if (this.#options.waits && [...this.#writers.values()].some(({ isAway }) => isAway))
      shard.later();
    if (this.#isFirst && this.#reading.length < this.#options.shardCount) return;
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const shards = this.#reading;
    this.#reading = [];
    this.#scanning = this.#scanning.then(() => this.#scan(shards, isFirst));
  }

  /**
   * Reads all rows on a connection of its own, so that writes continue during the scan. At the start of the server, an
   * unreachable database is an error unless `waits` is set; later scans always wait for the database.
   */
  async #scan(shards: readonly Shard[], isFirst: boolean): Promise<void> {
    const { kind, waits } = this.#options;
    /**
     * The keys of rows that were sent, when rows come late: an interrupted scan begins again and must not send them
     * twice.
     */
    let sent = shards.some(({ isLate }) => isLate) ? new Set<string>() : null;
    for (;;) {
      const backend = kind.make();
      let isOpen = false;
      let error: string | null = null;
      try {
        await backend.open(() => {});
        isOpen = true;
        this.#remark(backend.remark ?? null);
        await this.#scanWith(backend, shards, sent, isFirst);
      } catch (failure) {
        error = `read ${kind.label}: ${messageOf(failure as Error)}`;
      }
      await backend.close().catch(() => {});
      const isAgain = isOpen ? sent !== null : waits || !isFirst;
      if (error === null || !isAgain || this.#isClosed) {
        for (const shard of shards) shard.replayed(error);
        return;
      }
      if (waits) {
        sent ??= new Set();
        for (const shard of shards) shard.later();
      }
      await new Promise((resolve) => setTimeout(resolve, REOPEN_MS));
    }
  }

  #scanWith(
    backend: Backend,
    shards: readonly Shard[],
    sent: Set<string> | null,
    isFirst: boolean,
  ): Promise<void> {
    const { kind, shardCount, hashSeed, log } = this.#options;
    return scan({
      backend,
      label: kind.label,
      senders: shards.map(({ sender }) => sender),
      senderFor: (name) => {
        const owner = this.#shards.get(shardOfName(name, hashSeed, shardCount));
        return owner !== undefined && shards.includes(owner) ? owner.sender : null;
      },
      isNew: (put) => sent === null || isAdded(sent, put),
      isFirst,
      expect: (rows) => {
        const each = Math.ceil(rows / Math.max(1, shardCount));
        for (const shard of shards) shard.expect(each);
      },
      log,
    });
  }
}

/** Adds the job to the set; false when it is there already. Dead jobs share their keys. */
function isAdded(sent: Set<string>, { functionName, key, runs }: Put): boolean {
  const before = sent.size;
  const id = runs?.isDead ? Buffer.from(runs.id).toString('latin1') : idOf(functionName, key);
  return sent.add(id).size > before;
}

/** One run of a shard, as the thread of the database sees it. */
class Shard implements Writer {
  readonly #port: ShardPort;
  readonly #writer: DatabaseWriter;
  readonly #read: () => void;
  readonly sender: PageSender;
  /** Resolves when the shard has ended and all batches that it sent are finished. */
  readonly ended: Promise<void>;
  #end: () => void = () => {};
  hasEnded = false;
  /** The shard serves before its rows come. */
  isLate = false;
  /** The shard's numbers of the puts in its batch; null where they are the same. */
  #numbers: number[] | null = null;
  #aways = 0;

  constructor(port: ShardPort, writer: DatabaseWriter, read: () => void) {
    this.#port = port;
    this.#writer = writer;
    this.#read = read;
    this.sender = new PageSender((puts) => this.#send({ type: 'rows', puts }, puts));
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  begin(): void {
    this.#port.on('message', (message) => this.#onMessage(message));
    this.#port.on('close', () => this.#onEnd());
  }

  expect(rows: number): void {
    this.#send({ type: 'expect', rows });
  }

  later(): void {
    this.isLate = true;
    this.#send({ type: 'later' });
  }

  replayed(error: string | null): void {
    this.#send({ type: 'replayed', error, isAway: this.#writer.isAway });
    this.#writer.add(this);
  }

  written(refusals: readonly Refusal[]): void {
    const numbers = this.#numbers;
    const told =
      numbers === null
        ? refusals
        : refusals.map(({ index, reason }) => ({ index: numbers[index] as number, reason }));
    this.#send({ type: 'written', refusals: told });
  }

  away(): void {
    this.#aways++;
    this.#send({ type: 'away' });
  }

  back(): void {
    this.#send({ type: 'back' });
  }

  #onMessage(message: ToDatabase): void {
    if (message.type === 'replay') this.#read();
    else if (message.type === 'taken') this.sender.taken();
    else if (message.type === 'batch') this.#write(message);
    else this.#onEnd();
  }

  #write({ aways, forgets, runsForgets, puts }: ToDatabase & { readonly type: 'batch' }): void {
    if (aways !== this.#aways) return;
    const found = unpackPuts(puts);
    const kept: Put[] = [];
    const numbers: number[] = [];
    for (const [number, put] of found.entries()) {
      if (put === null) continue;
      kept.push(put);
      numbers.push(number);
    }
    this.#numbers = kept.length === found.length ? null : numbers;
    this.#writer.write(this, {
      forgets: unpackKeys(forgets),
      runsForgets: unpackKeys(runsForgets).map(({ key }) => key),
      puts: kept,
    });
  }

  #onEnd(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#writer.remove(this);
    // Pages that an ended shard does not take must not delay the others.
    this.sender.taken(Number.POSITIVE_INFINITY);
    void this.#writer.idle().then(() => this.#end());
  }

  #send(message: FromDatabase, bytes?: Uint8Array): void {
    if (this.hasEnded) return;
    this.#port.postMessage(message, bytes === undefined ? [] : [bytes.buffer]);
  }
}
