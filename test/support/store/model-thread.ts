/**
 * The thread of a database as one shard sees it, without time: each message of the shard waits until a test lets the
 * thread take it, and each answer until the test delivers it. Batches are joined with one of another shard.
 */
import type { Batch, Put, Refusal } from '../../../src/store/database/backend.ts';
import type { StorePort } from '../../../src/store/database/database-store.ts';
import { writeJoined } from '../../../src/store/database/joined.ts';
import type { FromDatabase, ToDatabase } from '../../../src/store/database/messages.ts';
import { unpackKeys, unpackPuts } from '../../../src/store/database/packed.ts';
import { PageSender, scan } from '../../../src/store/database/scan.ts';
import type { Fault, ModelDatabase } from './model-database.ts';

type BatchMessage = ToDatabase & { readonly type: 'batch' };

/** A put of another shard, which meets a row of its own. */
const OTHER: Batch = {
  forgets: [],
  puts: [
    {
      key: Buffer.from('other'),
      functionName: Buffer.from('other'),
      priority: 1,
      startSeconds: 0,
      workload: Buffer.from('theirs'),
    },
  ],
};

export class ModelThread {
  readonly #database: ModelDatabase;
  #sent: BatchMessage[] = [];
  #answers: FromDatabase[] = [];
  #listener: (message: FromDatabase) => void = () => {};
  #aways = 0;
  isAway = false;
  /** A batch that was given up while it was being written. */
  #late: Batch | null = null;

  constructor(database: ModelDatabase) {
    this.#database = database;
  }

  get isBusy(): boolean {
    return this.#sent.length + this.#answers.length > 0;
  }

  port(): StorePort {
    return {
      postMessage: (message) => {
        if (message.type !== 'batch') return;
        // The bytes of the message have left the shard.
        this.#sent.push({ ...message, puts: message.puts.slice() });
        message.puts.fill(0xff);
      },
      on: (event: string, listener: (message: FromDatabase) => void) => {
        if (event === 'message') this.#listener = listener;
      },
      close: () => {},
    } as StorePort;
  }

  /** Sends all rows to the shard. */
  async replay(isFirst: boolean): Promise<void> {
    this.#database.begin(null);
    const sender = new PageSender((puts) => this.#listener({ type: 'rows', puts }));
    await scan({
      backend: this.#database,
      label: 'model',
      senderFor: (name) => (Buffer.from(name).toString() === 'f' ? sender : null),
      senders: [],
      isNew: () => true,
      isFirst,
      expect: () => {},
      log: () => {},
    });
    sender.flush();
    this.#listener({ type: 'replayed', error: null, isAway: false });
  }

  /**
   * Takes the next batch and writes it; each fault is one attempt that fails. After the last one the batch is written,
   * or given up with `isGivenUp`; `isLate`: the last attempt goes on meanwhile, and ends before the database is back.
   */
  async write(faults: readonly Fault[], isGivenUp: boolean, isLate: boolean): Promise<void> {
    const message = this.#sent.shift();
    if (message === undefined || message.aways !== this.#aways) return;
    if (this.isAway) {
      this.#post({ type: 'away' });
      return;
    }
    const { batch, numbers } = unpacked(message);
    let isAgain = false;
    for (const fault of faults) {
      this.#database.begin(fault);
      try {
        this.#written(await writeJoined(this.#database, [OTHER, batch], isAgain), numbers);
        return;
      } catch (error) {
        if (!/connection is gone/.test((error as Error).message)) throw error;
        isAgain = true;
      }
    }
    if (isGivenUp) {
      this.#late = isLate ? batch : null;
      this.lose();
      return;
    }
    this.#database.begin(null);
    this.#written(await writeJoined(this.#database, [OTHER, batch], isAgain), numbers);
  }

  /** An outage begins. */
  lose(): void {
    this.isAway = true;
    this.#post({ type: 'away' });
  }

  async comeBack(): Promise<void> {
    if (!this.isAway) return;
    await this.#endLate();
    this.isAway = false;
    this.#post({ type: 'back' });
  }

  deliver(): void {
    const answer = this.#answers.shift();
    if (answer !== undefined) this.#listener(answer);
  }

  /** The shard ends; what it has sent is written, or given up. */
  async end(faults: readonly Fault[], isGivenUp: boolean): Promise<void> {
    while (this.#sent.length > 0) await this.write(faults, isGivenUp, true);
    await this.#endLate();
  }

  async #endLate(): Promise<void> {
    const late = this.#late;
    this.#late = null;
    this.#database.begin(null);
    if (late !== null) await writeJoined(this.#database, [OTHER, late], true);
  }

  #written(refusals: readonly Refusal[][], numbers: readonly number[]): void {
    const own = refusals[1] as Refusal[];
    const told = own.map(({ index, reason }) => ({ index: numbers[index] as number, reason }));
    this.#post({ type: 'written', refusals: told });
  }

  #post(message: FromDatabase): void {
    if (message.type === 'away') this.#aways++;
    this.#answers.push(message);
  }
}

/** A batch without the puts that were dropped, and the shard's numbers of the others. */
function unpacked({ forgets, runsForgets, puts }: BatchMessage): {
  readonly batch: Batch;
  readonly numbers: number[];
} {
  const found = unpackPuts(puts);
  const numbers = [...found.keys()].filter((number) => found[number] !== null);
  const batch = {
    forgets: unpackKeys(forgets),
    runsForgets: unpackKeys(runsForgets).map(({ key }) => key),
    puts: numbers.map((number) => found[number] as Put),
  };
  return { batch, numbers };
}
