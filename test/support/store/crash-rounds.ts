/**
 * Rounds of load and SIGKILL on one state directory: clients submit, workers complete, the server is killed at a
 * random instant, started again (sometimes with another number of shards) and drained. The books record what was
 * promised.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Random } from '../random.ts';
import { WireConnection } from '../wire.ts';
import { TRIED, TRIED_POLICIES, TriedJobs } from './tried-jobs.ts';

const PROGRAM = fileURLToPath(new URL('crash-server.mjs', import.meta.url));
const FUNCTIONS = ['f0', 'f1', 'f2', 'f3'];
const SUBMITTERS = 3;
const WORKERS = 2;
const PIPELINED = 40;
/** One in so many jobs always fails. */
const TRIED_ONE_IN = 20;
const TRY_WAIT_MS = 10;

export interface CrashCounts {
  readonly rounds: number;
  /** Jobs whose JOB_CREATED a client saw, and completions that were surely committed before the kill. */
  readonly acknowledged: number;
  readonly committed: number;
  /** Jobs that a restart gave back; how many of them had run before without a surely committed end. */
  readonly restored: number;
  readonly ranAgain: number;
  /** Dead jobs, and failed ones that ran on after a kill. */
  readonly dead: number;
  readonly triedOn: number;
  /** Violations: must be empty. */
  readonly lost: readonly number[];
  readonly cameBack: readonly number[];
}

interface CrashServer {
  readonly child: ChildProcess;
  readonly port: number;
  readonly lines: readonly string[];
}

/** A run has ended; `failed`: how many of its job have failed, 0 when it has completed. */
interface Run {
  readonly number: number;
  readonly failed: number;
}

export class CrashRounds {
  readonly #stateDir: string;
  readonly #random: Random;
  readonly #options: Record<string, unknown>;
  readonly #loadMax: number;
  #lastNumber = 0;
  readonly #acknowledged = new Set<number>();
  readonly #ran = new Set<number>();
  readonly #committed = new Set<number>();
  readonly #cameBack: number[] = [];
  /** Jobs that always fail; null when the store keeps no runs. */
  readonly #tried: TriedJobs | null;
  readonly #functions: readonly string[];
  #restored = 0;
  #ranAgain = 0;
  #rounds = 0;

  /** A round kills after up to `loadMax` jobs and a moment. `hasTried`: some jobs fail, and are tried again. */
  constructor(
    stateDir: string,
    random: Random,
    options: Record<string, unknown> = {},
    loadMax = 1500,
    hasTried = false,
  ) {
    this.#tried = hasTried ? new TriedJobs() : null;
    this.#functions = hasTried ? [...FUNCTIONS, TRIED] : FUNCTIONS;
    this.#loadMax = loadMax;
    this.#stateDir = stateDir;
    this.#random = random;
    this.#options = hasTried ? { ...options, policies: TRIED_POLICIES } : options;
  }

  get counts(): CrashCounts {
    return {
      rounds: this.#rounds,
      acknowledged: this.#acknowledged.size,
      committed: this.#committed.size,
      restored: this.#restored,
      ranAgain: this.#ranAgain,
      dead: this.#tried?.deadCount ?? 0,
      triedOn: this.#tried?.continued ?? 0,
      lost: [
        ...[...this.#acknowledged].filter((number) => !this.#ran.has(number)),
        ...(this.#tried?.missing ?? []),
      ],
      cameBack: [...this.#cameBack, ...(this.#tried?.tooOften ?? [])],
    };
  }

  /** Load, kill, restart, drain. */
  async round(): Promise<void> {
    const server = await this.#start();
    const submitting = await connect(server, SUBMITTERS);
    const working = await connect(server, WORKERS);
    const submitters = submitting.map((client) => this.#submit(client));
    const workers = working.map((worker) => this.#work(worker));
    const asking = this.#noteCommitted(server);
    // Most kills hit a server under load, some one that has not committed anything yet.
    const wanted = this.#random.oneIn(6) ? 0 : this.#random.between(1, this.#loadMax);
    const before = this.#acknowledged.size;
    while (this.#acknowledged.size < before + wanted) await this.#loaded;
    // The random instants are what is tested.
    await new Promise((resolve) => setTimeout(resolve, this.#random.between(0, 50)));
    server.child.kill('SIGKILL');
    await once(server.child, 'exit');
    await Promise.all([...submitters, ...workers, asking]);
    await this.#drain();
    this.#rounds++;
  }

  /** Resolves with the next acknowledgement. */
  get #loaded(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAcknowledged.push(resolve);
    });
  }

  readonly #onAcknowledged: (() => void)[] = [];
  /** While the server is asked what is committed there are no submits: under load something always waits. */
  #lull: Promise<unknown> = Promise.resolve();

  /** Completions and failures that a worker knows to be handled: job, and how many of its runs have failed. */
  readonly #handled = new Map<number, number>();

  #isTried(number: number): boolean {
    return this.#tried !== null && number % TRIED_ONE_IN === 0;
  }

  async #submit(client: WireConnection): Promise<void> {
    const waiting: number[] = [];
    try {
      for (;;) {
        await this.#lull;
        for (let i = 0; i < PIPELINED; i++) {
          const number = ++this.#lastNumber;
          const isTried = this.#isTried(number);
          const unique = number % 3 === 0 && !isTried ? '' : `u${number}`;
          const name = isTried ? TRIED : (FUNCTIONS[number % 4] as string);
          client.send('SUBMIT_JOB_BG', name, unique, `${number}`);
          waiting.push(number);
        }
        while (waiting.length > 0) {
          await client.expect('JOB_CREATED');
          this.#acknowledged.add(waiting.shift() as number);
          for (const hear of this.#onAcknowledged.splice(0)) hear();
        }
      }
    } catch (error) {
      if (!client.isClosed) throw error;
    }
  }

  async #work(worker: WireConnection): Promise<void> {
    let done: Run[] = [];
    try {
      for (const name of this.#functions) worker.send('CAN_DO', name);
      for (;;) {
        const run = await this.#grab(worker);
        if (run === null) {
          worker.send('PRE_SLEEP');
          await worker.expect('NOOP');
          continue;
        }
        this.#ran.add(run.number);
        done.push(run);
        if (done.length < 4) continue;
        await worker.barrier();
        for (const { number, failed } of done) this.#handled.set(number, failed);
        done = [];
      }
    } catch (error) {
      if (!worker.isClosed) throw error;
    }
  }

  /** Runs one job to its end; null when there is none. */
  async #grab(worker: WireConnection): Promise<Run | null> {
    worker.send('GRAB_JOB');
    const item = await worker.next();
    if (item.kind !== 'packet' || item.name === 'NO_JOB') return null;
    const number = Number(item.data.toString());
    const isTried = this.#isTried(number);
    if (isTried) worker.send('WORK_FAIL', item.args[0] as Buffer);
    else worker.send('WORK_COMPLETE', item.args[0] as Buffer, '');
    return { number, failed: isTried ? (this.#tried?.run(number) ?? 0) : 0 };
  }

  async #noteCommitted({ child }: CrashServer): Promise<void> {
    const ended = once(child, 'exit');
    while (child.connected && child.exitCode === null) {
      await Promise.race([this.#loaded, ended]);
      const handled = [...this.#handled];
      const settled = hasSettled(child);
      this.#lull = settled;
      if (!(await settled)) return;
      for (const [number, failed] of handled) {
        if (failed > 0) this.#tried?.commit(number, failed);
        else this.#committed.add(number);
        if (this.#handled.get(number) === failed) this.#handled.delete(number);
      }
    }
  }

  /** Jobs that a restart gives back run now; nothing may be left for the next round. */
  async #drain(): Promise<void> {
    const server = await this.#start();
    const worker = await WireConnection.connect({ port: server.port });
    for (const name of this.#functions) worker.send('CAN_DO', name);
    for (let run = await this.#grab(worker); run !== null; run = await this.#grab(worker)) {
      const { number } = run;
      this.#restored++;
      if (this.#committed.has(number)) this.#cameBack.push(number);
      else if (this.#ran.has(number)) this.#ranAgain++;
      this.#ran.add(number);
    }
    if (this.#tried !== null) await this.#tryOut(server, worker, this.#tried);
    await worker.close();
    this.#handled.clear();
    server.child.kill('SIGKILL');
    await once(server.child, 'exit');
  }

  /** Runs the jobs that fail until all are dead. */
  async #tryOut(server: CrashServer, worker: WireConnection, tried: TriedJobs): Promise<void> {
    const operator = await WireConnection.connect({ port: server.port });
    const isLeft = async () =>
      (await operator.list('status')).some((row) => /^tried\t[1-9]/.test(row));
    while (await isLeft()) {
      const run = await this.#grab(worker);
      if (run === null) await new Promise((resolve) => setTimeout(resolve, TRY_WAIT_MS));
      else this.#ran.add(run.number);
    }
    await hasSettled(server.child);
    const acknowledged = [...this.#acknowledged].filter((number) => this.#isTried(number));
    tried.check(await operator.list(`dead ${TRIED} 1000000`), acknowledged);
    await operator.close();
  }

  #start(): Promise<CrashServer> {
    this.#tried?.begin();
    const threads = this.#random.pick([0, 0, 2, 3]);
    const options = { stateDir: this.#stateDir, queueType: 'journal', threads, ...this.#options };
    const child = fork(PROGRAM, [JSON.stringify(options)], { stdio: 'inherit' });
    const lines: string[] = [];
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void =>
        reject(new Error(`the server ended: ${code} ${lines.join('\n')}`));
      child.once('exit', onExit);
      child.on('message', (message: { port?: number; log?: string }) => {
        if (message.log !== undefined) lines.push(message.log);
        if (message.port === undefined) return;
        child.off('exit', onExit);
        resolve({ child, port: message.port, lines });
      });
    });
  }
}

function connect({ port }: CrashServer, count: number): Promise<WireConnection[]> {
  return Promise.all(Array.from({ length: count }, () => WireConnection.connect({ port })));
}

/** Asks the server; false when it ends before it answers. */
function hasSettled(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (answer: boolean): void => {
      child.off('exit', onExit);
      child.off('message', onMessage);
      resolve(answer);
    };
    const onExit = (): void => end(false);
    const onMessage = (message: { settled?: boolean }): void => {
      if (message.settled) end(true);
    };
    child.on('exit', onExit);
    child.on('message', onMessage);
    child.send('settled?', (error) => {
      if (error !== null) end(false);
    });
  });
}
