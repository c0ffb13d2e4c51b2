/**
 * Tasks over many dead jobs: counted first, then changed at a rate, step by step, until all that were dead at the start
 * have been met or the task is cancelled. They belong to the server, so their caller may leave. Rule: jobs that die
 * after the start are not touched.
 */
import { randomBytes } from 'node:crypto';
import type { DeadFilter, DeadStep } from '../../broker/dead-steps.ts';
import { askJson } from './asking.ts';
import { bytesOfText } from './names.ts';
import { ApiProblem } from './problems.ts';
import type { BulkTask } from './schemas.ts';
import type { ApiSource } from './source.ts';

const RUNNING_MAX = 4;
const KEPT_MS = 3_600_000;
/** Ended tasks that are kept. */
const KEPT_MAX = 200;
/** Pause between two steps of a task. */
const STEP_MS = 20;
/** The same while it only counts. */
const COUNT_MS = 4;
const RETRIES_MAX = 50;

type Order = Pick<BulkTask, 'action' | 'filter' | 'perSecond' | 'isDryRun'>;

/** One task, as handlers see it. */
export interface Task {
  readonly view: BulkTask;
  /** The name of its function: bytes, Latin-1. */
  readonly functionName: string;
}

class RunningTask implements Task {
  readonly view: BulkTask;
  readonly functionName: string;
  readonly #source: ApiSource;
  readonly #filter: DeadFilter;

  constructor(source: ApiSource, id: string, order: Order) {
    this.#source = source;
    const { action, filter, perSecond, isDryRun } = order;
    this.view = {
      ...{ id, action, filter, perSecond, isDryRun, state: 'counting', startedMs: Date.now() },
      ...{ endedMs: null, matched: 0, done: 0, left: 0, gone: 0 },
    };
    this.functionName = bytesOfText(filter.function);
    const { cause, error, since, until } = filter;
    this.#filter = {
      ...(cause !== undefined && { cause }),
      ...(error !== undefined && { error: bytesOfText(error) }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    };
  }

  get isOver(): boolean {
    return this.view.endedMs !== null;
  }

  end(state: 'done' | 'cancelled'): void {
    if (this.isOver) return;
    const { view } = this;
    view.state = state;
    view.endedMs = Date.now();
    if (state === 'done' && !view.isDryRun) view.gone = view.matched - view.done - view.left;
  }

  /** Counts, then changes; resolves when the task is over. Rejects with ApiProblem. */
  async run(): Promise<void> {
    const asOf = await this.#count();
    if (this.isOver) return;
    if (!this.view.isDryRun) {
      this.view.state = 'running';
      await this.#change(asOf);
    }
    this.end('done');
  }

  /** Returns the number of the last death at the start. */
  async #count(): Promise<number> {
    let asOf: number | undefined;
    let cursor = 0;
    for (let retries = 0; !this.isOver; ) {
      const filter = asOf === undefined ? this.#filter : { ...this.#filter, asOf };
      const step = await this.#step(filter, 'count', cursor, 0);
      asOf ??= step.asOf;
      if (step.isCut) {
        // The job where the count stood was kicked meanwhile.
        if (++retries > RETRIES_MAX) break;
        this.view.matched = 0;
        cursor = 0;
        continue;
      }
      this.view.matched += step.matched;
      cursor = step.cursor;
      if (cursor === 0) break;
      await pause(COUNT_MS);
    }
    return asOf ?? 0;
  }

  async #change(asOf: number): Promise<void> {
    const { view } = this;
    const filter = { ...this.#filter, asOf };
    const action = view.action === 'retry' ? 'kick' : 'remove';
    const startedMs = performance.now();
    let cursor = 0;
    while (!this.isOver) {
      const due = Math.floor(((performance.now() - startedMs) * view.perSecond) / 1000) + 1;
      const room = due - view.done;
      if (room > 0) {
        const step = await this.#step(filter, action, cursor, room);
        view.done += step.done;
        // After a cut the walk begins at the front, where it meets those that were left before once more.
        view.left = step.isCut ? 0 : view.left + step.matched - step.done;
        cursor = step.isCut ? -1 : step.cursor;
        if (cursor === 0) return;
      }
      await pause(STEP_MS);
    }
  }

  async #step(
    filter: DeadFilter,
    action: 'count' | 'kick' | 'remove',
    cursor: number,
    count: number,
  ): Promise<DeadStep> {
    const name = this.functionName;
    const query = { kind: 'deadStep', name, filter, action, cursor, count } as const;
    return (await askJson<DeadStep>(this.#source, this.#source.ownerOf(name), query)).value;
  }
}

export class BulkTasks {
  readonly #source: ApiSource;
  readonly #failed: (error: Error) => void;
  readonly #tasks = new Map<string, RunningTask>();

  constructor(source: ApiSource, failed: (error: Error) => void) {
    this.#source = source;
    this.#failed = failed;
  }

  /** Begins a task for `who`. Throws ApiProblem `tooManyTasks`. */
  start(who: string, order: Order): Task {
    this.#forget();
    const running = [...this.#tasks.values()].filter(({ isOver }) => !isOver).length;
    if (running >= RUNNING_MAX) throw new ApiProblem('tooManyTasks');
    const task = new RunningTask(this.#source, randomBytes(8).toString('hex'), order);
    this.#tasks.set(task.view.id, task);
    task
      .run()
      .catch((error: Error) => {
        task.end('cancelled');
        if (!(error instanceof ApiProblem)) this.#failed(error);
      })
      .finally(() => this.#note(who, task.view));
    return task;
  }

  /** Throws ApiProblem `taskUnknown`. */
  of(id: string): Task {
    this.#forget();
    const task = this.#tasks.get(id);
    if (task === undefined) throw new ApiProblem('taskUnknown');
    return task;
  }

  all(): Task[] {
    this.#forget();
    return [...this.#tasks.values()];
  }

  cancel(id: string): Task {
    const task = this.of(id) as RunningTask;
    task.end('cancelled');
    return task;
  }

  /** The server ends. */
  close(): void {
    for (const task of this.#tasks.values()) task.end('cancelled');
  }

  #forget(): void {
    const now = Date.now();
    const ended = [...this.#tasks.values()].filter(({ isOver }) => isOver);
    const surplus = ended.length - KEPT_MAX;
    for (const [i, { view }] of ended.entries())
      if (i < surplus || now - (view.endedMs as number) > KEPT_MS) this.#tasks.delete(view.id);
  }

  #note(who: string, { id, action, state, matched, done, left }: BulkTask): void {
    const after = `${state}: ${done} of ${matched}, ${left} left`;
    const entry = { who, via: 'api', action: `bulk ${action}`, target: id } as const;
    this.#source.audit.note({ ...entry, before: null, after, result: 'ok' });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
