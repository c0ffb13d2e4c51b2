/**
 * The books of jobs that always fail: each has ATTEMPTS runs over all kills, then it is dead and stays so. Rule: a run
 * proves that the failure of the one before is on disk.
 */

/** Function of these jobs; its policy comes with the options of the server. */
export const TRIED = 'tried';
const ATTEMPTS = 3;
export const TRIED_POLICIES = {
  [TRIED]: { attempts: ATTEMPTS, backoff: 'fixed:30ms', jitter: 0, dead: 1_000_000 },
};

interface Tried {
  /** Failures that are surely on disk: before the server was started last, and now. */
  before: number;
  durable: number;
  /** Runs since then. */
  runs: number;
}

export class TriedJobs {
  readonly #jobs = new Map<number, Tried>();
  /** Jobs with more runs than ATTEMPTS; with all of them on disk, they were dead. */
  readonly tooOften: number[] = [];
  /** Acknowledged jobs that are not among the dead ones, or with other attempts. */
  readonly missing: number[] = [];
  /** Runs that are surely on disk of jobs that a kill met between two runs. */
  continued = 0;

  /** The server is started again. */
  begin(): void {
    for (const tried of this.#jobs.values()) {
      tried.before = tried.durable;
      tried.runs = 0;
    }
  }

  /** A run begins, which will fail; returns how many have failed then. */
  run(number: number): number {
    const tried = this.#jobs.get(number) ?? { before: 0, durable: 0, runs: 0 };
    this.#jobs.set(number, tried);
    const failed = tried.before + tried.runs;
    if (tried.before > 0 && tried.runs === 0) this.continued++;
    tried.runs++;
    tried.durable = Math.max(tried.durable, failed);
    if (failed === ATTEMPTS) this.tooOften.push(number);
    return failed + 1;
  }

  /** So many failures of a job are on disk. */
  commit(number: number, failed: number): void {
    const tried = this.#jobs.get(number);
    if (tried !== undefined) tried.durable = Math.max(tried.durable, failed);
  }

  /** All runs are over and on disk; `rows` of `dead` are all that is left. */
  check(rows: readonly string[], acknowledged: Iterable<number>): void {
    const dead = new Set<number>();
    for (const row of rows) {
      const [, unique = '', , attempts] = row.split('\t');
      if (Number(attempts) === ATTEMPTS) dead.add(Number(unique.slice(1)));
    }
    for (const number of acknowledged) if (!dead.has(number)) this.missing.push(number);
    for (const number of dead) this.commit(number, ATTEMPTS);
  }

  get deadCount(): number {
    return [...this.#jobs.values()].filter(({ durable }) => durable === ATTEMPTS).length;
  }
}
