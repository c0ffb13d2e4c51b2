/**
 * What happened so far in a dialogue, learned from what was sent and what gearmand answered. It predicts no reply: it
 * says which steps are safe to play, which handle is which job, and what the wake-up rule asks for.
 */
import type { Submit } from './frames.ts';

export type JobState =
  | 'queued'
  | 'running'
  /** Finished, failed or dropped: both servers have forgotten it. */
  | 'gone'
  /** Abandoned or cancelled while queued: geartrain has dropped it, gearmand keeps it until a worker meets it. */
  | 'ghost';

export interface Job {
  readonly index: number;
  readonly functionName: string;
  readonly unique: string;
  /** What equal submits are merged by; null = never merged. */
  readonly key: string | null;
  readonly priority: 0 | 1 | 2;
  readonly isBackground: boolean;
  readonly isUndue: boolean;
  state: JobState;
  /** Submitted in background and in foreground. */
  isMixed: boolean;
  /** One entry per foreground submit. */
  watchers: Connection[];
  worker: Connection | null;
  /** Runs, but nobody waits for it any more, or it was cancelled. */
  isIgnored: boolean;
  isCancelled: boolean;
  /** Times a worker was lost. */
  losses: number;
}

export interface Connection {
  /** Counts connections of the dialogue; a reconnected slot has a new one. */
  readonly id: number;
  readonly name: string;
  /** Newest registration first, as gearmand keeps them. */
  abilities: string[];
  /** Oldest assignment first. */
  held: Job[];
  waking: 'awake' | 'sleeping' | 'woken';
  /**
   * It was woken and then offered a further function: with shards the owner of that one may count it as a sleeper, until
   * the wake-up delay is over.
   */
  isUnsure: boolean;
  /** The steps at which its sleep may be said to have begun: first and latest PRE_SLEEP (or CAN_DO) of one sleep. */
  sleepFirst: number;
  sleepLatest: number;
  /** The job that its last WORK_EXCEPTION ended, until a WORK_FAIL or WORK_COMPLETE for it was swallowed. */
  exceptionJob: Job | null;
}

export function keyOf(submit: Pick<Submit, 'unique' | 'data'>): string | null {
  if (submit.unique === '') return null;
  if (submit.unique !== '-') return `unique ${submit.unique}`;
  return submit.data.length === 0 ? null : `data ${submit.data.toString('latin1')}`;
}

export class Model {
  readonly jobs: Job[] = [];
  /** Open connections by slot. */
  readonly connections: (Connection | null)[];
  /** Functions that have a queue limit. */
  readonly limited = new Set<string>();
  /** Counts steps; time for the order of sleepers. */
  now = 0;
  readonly #jobRetries: number;
  readonly #hasShards: boolean;
  #connectionCount = 0;

  /** `jobRetries`: runs of a job that keeps losing its worker, 0 = unlimited. */
  constructor(slotCount: number, jobRetries: number, hasShards: boolean) {
    this.connections = Array.from({ length: slotCount }, () => null);
    this.#jobRetries = jobRetries;
    this.#hasShards = hasShards;
  }

  open(slot: number, name: string): Connection {
    const connection: Connection = {
      id: ++this.#connectionCount,
      name,
      abilities: [],
      held: [],
      waking: 'awake',
      isUnsure: false,
      sleepFirst: 0,
      sleepLatest: 0,
      exceptionJob: null,
    };
    this.connections[slot] = connection;
    return connection;
  }

  get live(): Connection[] {
    return this.connections.filter((c): c is Connection => c !== null);
  }

  created(index: number, submit: Submit, by: Connection): void {
    const job: Job = {
      index,
      functionName: submit.functionName,
      unique: submit.unique,
      key: keyOf(submit),
      priority: submit.priority,
      isBackground: submit.isBackground,
      isUndue: submit.isUndue,
      state: 'queued',
      isMixed: false,
      watchers: submit.isBackground ? [] : [by],
      worker: null,
      isIgnored: false,
      isCancelled: false,
      losses: 0,
    };
    this.jobs[index] = job;
  }

  coalesced(job: Job, submit: Submit, by: Connection): void {
    if (submit.isBackground !== job.isBackground) job.isMixed = true;
    if (!submit.isBackground) job.watchers.push(by);
  }

  assigned(job: Job, to: Connection): void {
    job.state = 'running';
    job.worker = to;
    to.held.push(job);
  }

  ended(job: Job): void {
    if (job.worker !== null) job.worker.held = job.worker.held.filter((j) => j !== job);
    job.worker = null;
    job.state = 'gone';
  }

  /** A function that a sleeper begins to offer may count its sleep from now. */
  canDo(connection: Connection, functionName: string): void {
    if (connection.waking === 'sleeping') connection.sleepLatest = this.now;
    if (connection.waking === 'woken') connection.isUnsure = this.#hasShards;
    connection.abilities.unshift(functionName);
  }

  cantDo(connection: Connection, functionName: string): void {
    connection.abilities = connection.abilities.filter((name) => name !== functionName);
    for (const job of connection.held.filter((j) => j.functionName === functionName))
      this.#lose(job);
  }

  resetAbilities(connection: Connection): void {
    for (const name of new Set(connection.abilities)) this.cantDo(connection, name);
  }

  preSleep(connection: Connection): void {
    if (connection.waking !== 'sleeping') connection.sleepFirst = this.now;
    connection.sleepLatest = this.now;
    connection.waking = 'sleeping';
    connection.isUnsure = false;
  }

  grab(connection: Connection): void {
    connection.waking = 'awake';
    connection.isUnsure = false;
  }

  closed(slot: number): void {
    const connection = this.connections[slot] as Connection;
    this.connections[slot] = null;
    for (const job of [...connection.held].reverse()) this.#lose(job);
    for (const job of this.jobs) {
      if (!job.watchers.includes(connection)) continue;
      job.watchers = job.watchers.filter((w) => w !== connection);
      if (job.watchers.length > 0 || job.state === 'gone') continue;
      job.isIgnored = true;
      if (job.state === 'queued') job.state = 'ghost';
    }
  }

  /** `cancel job` answered OK. */
  cancelled(job: Job): void {
    if (job.state === 'queued') job.state = 'ghost';
    job.isIgnored = true;
    job.isCancelled = true;
  }

  /** Jobs that gearmand still lists are the only ghosts left. */
  keepGhosts(listed: ReadonlySet<number>): void {
    for (const job of this.ghosts()) if (!listed.has(job.index)) job.state = 'gone';
  }

  ghosts(functionName?: string): Job[] {
    return this.jobs.filter(
      (j) => j.state === 'ghost' && (functionName === undefined || j.functionName === functionName),
    );
  }

  /** Jobs of the function that gearmand would count, ghosts included. */
  present(functionName: string): Job[] {
    return this.jobs.filter((j) => j.functionName === functionName && j.state !== 'gone');
  }

  runnable(functionName: string): number {
    return this.jobs.filter(
      (j) => j.state === 'queued' && !j.isUndue && j.functionName === functionName,
    ).length;
  }

  #lose(job: Job): void {
    const worker = job.worker as Connection;
    worker.held = worker.held.filter((j) => j !== job);
    job.worker = null;
    job.losses++;
    if (this.#jobRetries !== 0 && job.losses >= this.#jobRetries) job.state = 'gone';
    else job.state = job.isIgnored ? 'ghost' : 'queued';
  }
}
