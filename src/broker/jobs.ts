/**
 * The jobs of a shard: rows, blocks, queues and every change of state. A state changes only in a `become...` method,
 * which asserts the state before.
 *
 *   storing -> scheduled -> queued -> assigned -> gone   assigned -> queued when the worker is lost, with attempts left
 *   assigned -> retrying -> queued   a run has failed, by policy   any of them -> dead -> queued   by policy, by kick
 *   any of them -> kept, when a server with a store drains
 *
 * Invariant: a job is in exactly one place: only the table (storing, kept), the wall heap (scheduled), a function's
 * queue (queued), its worker's list of held jobs (assigned), the heap of retries (retrying), its function's list of
 * dead jobs (dead). Source: Gearman PROTOCOL; job life cycle of gearmand 2.0.
 */
import { Account } from '../base/account.ts';
import { assert } from '../base/assert.ts';
import { copyBytes } from '../base/bytes.ts';
import { DeadlineHeap } from '../base/deadline-heap.ts';
import type { BlobStore } from '../protocol/frame.ts';
import { SLAB_BYTES_MAX } from '../protocol/limits.ts';
import { DeadJobs } from './dead-jobs.ts';
import type { FunctionQueue, FunctionTable } from './functions.ts';
import { PRIORITY_COUNT } from './functions.ts';
import type { Gate } from './gate.ts';
import { addHeld } from './held-counts.ts';
import { Flag, JobRows } from './job-rows.ts';
import {
  JOB_ROW_BYTES,
  JOB_SHIFT,
  Job,
  JobTable,
  SEGMENT_MASK,
  SEGMENT_SHIFT,
} from './job-table.ts';
import { Kept } from './kept.ts';
import type { Peer, PeerTable } from './peer.ts';
import { References } from './references.ts';
import { type RunError, type Runs, RunTable } from './runs.ts';
import { Slab } from './slab.ts';
import { Watchers } from './watchers.ts';

export { Flag } from './job-rows.ts';

/** Numerator and denominator of the last WORK_STATUS, unsigned 32-bit. */
export interface Progress {
  readonly numerator: number;
  readonly denominator: number;
}

export interface MemoryHooks {
  /** Gives memory back to the system; null where that is impossible (then arrays are dropped). */
  readonly discard: ((bytes: Uint8Array) => void) | null;
  /** Charged for all kept bytes. Default: an account without a limit. */
  readonly account?: Account;
}

export class Jobs extends JobRows {
  /** The clients that wait for each job. */
  readonly watchers: Watchers;
  readonly slab: Slab;
  readonly #blobs: BlobStore;
  readonly #functions: FunctionTable;
  readonly #peers: PeerTable;
  /** Jobs with a start time in the future, by wall clock; assigned jobs with a timeout, by monotonic clock. */
  readonly scheduled = new DeadlineHeap();
  readonly deadlines = new DeadlineHeap();
  /** Jobs whose next run waits for its time, by monotonic clock. */
  readonly retryTimes = new DeadlineHeap();
  /** Functions with dead jobs, by index: when the oldest one is dropped, by wall clock. */
  readonly deadTimes = new DeadlineHeap();
  /** Functions with dead jobs, by index: when their oldest one died, or earlier, by wall clock. */
  readonly oldestDead = new DeadlineHeap();
  /** Functions, by index, whose rate lets the next job start later; by monotonic clock. */
  readonly gateOpenings = new DeadlineHeap();
  /** Rare, therefore kept outside of the rows. */
  readonly #reducers = new Map<number, Uint8Array>();
  readonly #progress = new Map<number, Progress>();
  readonly #references: References;
  /** Failed runs of the jobs with HAS_RUNS. */
  readonly runs: RunTable;
  /** Called once for each stored job that has ended, with its reference in the store. */
  onForget: (job: number, reference: number) => void = () => {};
  readonly #account: Account;
  /** Jobs that stay in the store for the next start. */
  kept = 0;
  /** Dead jobs of all functions, and their bytes; they are no live jobs. */
  dead = 0;
  deadBytesTotal = 0;

  constructor(
    functions: FunctionTable,
    peers: PeerTable,
    blobs: BlobStore,
    memory: MemoryHooks,
    lastSerial: number,
  ) {
    super(new JobTable(memory, lastSerial));
    this.#account = memory.account ?? new Account();
    this.#references = new References(this.#account);
    this.runs = new RunTable(this.#account);
    this.watchers = new Watchers(this, peers, this.#account);
    this.slab = new Slab(memory);
    this.#functions = functions;
    this.#peers = peers;
    this.#blobs = blobs;
  }

  /** Highest priority that could be got here: 0 none, 1 low, 2 normal, 3 high. This shard publishes it. */
  get level(): number {
    return this.#functions.level;
  }

  functionOf(job: number): FunctionQueue {
    return this.#functions.at(this.word(job, Job.FUNCTION)) as FunctionQueue;
  }

  /** The worker that runs an assigned job. */
  workerOf(job: number): Peer {
    return this.#peers.at(this.word(job, Job.WORKER));
  }

  /**
   * Creates a job without state: copies `unique` and the workload, takes over a blob's reference. The caller then
   * calls a `become...` method.
   */
  create(
    fn: FunctionQueue,
    flags: number,
    bytes: Uint8Array,
    unique: number,
    uniqueBytes: number,
    workload: number,
    workloadBytes: number,
    blob: number,
  ): number {
    const job = this.table.allocate();
    const row = this.table.segments[job >>> SEGMENT_SHIFT] as Uint32Array;
    const at = (job & SEGMENT_MASK) << JOB_SHIFT;
    let held = blob;
    if (held === 0 && workloadBytes > SLAB_BYTES_MAX)
      held = this.#blobs.blobFrom(bytes, workload, workload + workloadBytes);
    const blockBytes = held === 0 ? uniqueBytes + workloadBytes : uniqueBytes;
    if (blockBytes > 0) {
      const block = this.slab.allocate(blockBytes);
      const chunk = this.slab.chunkOf(block);
      const next = copyBytes(chunk, this.slab.offsetOf(block), bytes, unique, unique + uniqueBytes);
      if (held === 0) copyBytes(chunk, next, bytes, workload, workload + workloadBytes);
      row[at + Job.BLOCK] = block;
    }
    row[at + Job.FLAGS] = flags;
    row[at + Job.FUNCTION] = fn.index;
    row[at + Job.UNIQUE_BYTES] = uniqueBytes;
    row[at + Job.WORKLOAD_BYTES] = workloadBytes;
    row[at + Job.BLOB] = held;
    fn.total++;
    fn.created++;
    return job;
  }

  /** Bytes charged to the account, without watchers. Linear in all of them; for tests. */
  get keptBytes(): number {
    let bytes = this.table.usedBytes + this.slab.usedBytes + this.#references.bytes;
    bytes += this.runs.bytes;
    bytes += (this.scheduled.size + this.deadlines.size + this.retryTimes.size) * Kept.DEADLINE;
    bytes += this.#progress.size * Kept.PROGRESS;
    for (const { length } of this.#reducers.values()) bytes += Kept.REDUCER + length;
    return bytes;
  }

  /** Whether another job with so many bytes of unique and workload fits into memory that was used before. */
  hasUsedRoom(bytes: number): boolean {
    return this.table.hasUsedRow && (bytes > SLAB_BYTES_MAX || this.slab.hasUsedRoom(bytes));
  }

  /** Sets the job's time to now: milliseconds of the monotonic clock, modulo 2^32. */
  stamp(job: number, nowMs: number): void {
    this.setWord(job, Job.SINCE_MS, nowMs >>> 0);
  }

  /** Whole milliseconds since the last `stamp`; correct across the wrap at 2^32. */
  age(job: number, nowMs: number): number {
    return (nowMs - this.word(job, Job.SINCE_MS)) >>> 0;
  }

  /** The job exists, but is not assignable until it is durable. */
  becomeStoring(job: number): void {
    assert(this.state(job) === 0, 'only a new job is being stored');
    this.#setState(job, Flag.STORING);
  }

  becomeScheduled(job: number, wallMs: number): void {
    const state = this.state(job);
    assert(state === 0 || state === Flag.STORING, 'only a new job is scheduled');
    this.#setState(job, Flag.SCHEDULED);
    this.#account.held += Kept.DEADLINE;
    this.scheduled.insert(job, wallMs);
  }

  /** Live jobs of all functions. */
  get liveCount(): number {
    return this.table.count - this.dead;
  }

  /** Appends a new, due, lost or kicked job to the queue of its priority. */
  becomeQueued(job: number): void {
    const row = this.table.segments[job >>> SEGMENT_SHIFT] as Uint32Array;
    const at = (job & SEGMENT_MASK) << JOB_SHIFT;
    const flags = row[at + Job.FLAGS] as number;
    const state = flags & Flag.STATE;
    if (state === Flag.ASSIGNED) this.#leaveWorker(job);
    else if (state === Flag.SCHEDULED) this.#unschedule(job);
    else if (state === Flag.RETRYING) this.#leaveRetries(job);
    else if (state === Flag.DEAD) this.#leaveDead(job);
    else assert(state === 0 || state === Flag.STORING, 'a queued job is not queued again');
    row[at + Job.FLAGS] = ((row[at + Job.FLAGS] as number) & ~Flag.STATE) | Flag.QUEUED;

    const fn = this.#functions.at(row[at + Job.FUNCTION] as number) as FunctionQueue;
    const priority = (flags & Flag.PRIORITY) >>> Flag.PRIORITY_SHIFT;
    const tail = fn.tail[priority] as number;
    row[at + Job.PREV] = tail;
    row[at + Job.NEXT] = 0;
    if (tail === 0) fn.head[priority] = job;
    else this.setWord(tail, Job.NEXT, job);
    fn.tail[priority] = job;
    fn.waiting[priority] = (fn.waiting[priority] as number) + 1;
    fn.runnable++;
    this.updateLevel(fn);
  }

  /** A run has failed: the next one may start at `atMs` of the monotonic clock. */
  becomeRetrying(job: number, atMs: number): void {
    const state = this.state(job);
    assert(state === 0 || state === Flag.ASSIGNED, 'only a run fails');
    if (state !== 0) this.#leaveWorker(job);
    this.#setState(job, Flag.RETRYING);
    this.#account.held += Kept.DEADLINE;
    this.retryTimes.insert(job, atMs);
    this.functionOf(job).retrying++;
  }

  /** Changes the time of the next run of a job that waits for it. */
  postpone(job: number, atMs: number): void {
    this.retryTimes.remove(job);
    this.retryTimes.insert(job, atMs);
  }

  /** What a store has kept of the runs of a new job. */
  restoreRuns(job: number, runs: Runs, losses: number): void {
    this.runs.open(job, runs);
    this.setFlag(job, Flag.HAS_RUNS);
    this.setWord(job, Job.FLAGS, this.word(job, Job.FLAGS) | (losses << Flag.RETRIES_SHIFT));
  }

  /** Its reference in the store; the job is stored. */
  referenceOf(job: number): number {
    return this.#references.get(job);
  }

  /** The job has failed for good. Remove its unique from the index, and drop its watchers, before. */
  becomeDead(job: number): void {
    assert(!this.has(job, Flag.INDEXED), 'a job leaves the unique index before it is dead');
    const fn = this.functionOf(job);
    this.#leavePlace(job);
    this.#setState(job, Flag.DEAD);
    fn.total--;
    fn.dead ??= new DeadJobs(this);
    const bytes = this.deadBytes(job);
    if (fn.dead.count === 0) this.oldestDead.insert(fn.index, this.diedAtMs(job));
    fn.dead.add(job, bytes);
    this.dead++;
    this.deadBytesTotal += bytes;
  }

  /** Wall clock at which a dead job died. */
  diedAtMs(job: number): number {
    return this.has(job, Flag.HAS_RUNS) ? (this.runs.of(job).errors.at(-1)?.atMs ?? 0) : 0;
  }

  /** The dead job of all functions that died first; there must be one. */
  firstDead(): number {
    const oldest = this.oldestDead;
    for (;;) {
      const index = oldest.peekId();
      const { first } = (this.#functions.at(index) as FunctionQueue).dead as DeadJobs;
      const atMs = this.diedAtMs(first);
      if (atMs <= oldest.peekAt()) return first;
      // Its oldest one is gone since.
      oldest.pop();
      oldest.insert(index, atMs);
    }
  }

  /** What a dead job costs. */
  deadBytes(job: number): number {
    const data = this.word(job, Job.UNIQUE_BYTES) + this.word(job, Job.WORKLOAD_BYTES);
    return JOB_ROW_BYTES + data + (this.has(job, Flag.HAS_RUNS) ? this.runs.bytesOf(job) : 0);
  }

  /** Adds an error to the failed runs of the job. */
  addError(job: number, error: RunError): Runs {
    const isNew = !this.has(job, Flag.HAS_RUNS);
    if (isNew) this.setFlag(job, Flag.HAS_RUNS);
    return this.runs.add(job, error, isNew);
  }

  /** Leaves the job to the store: removes it from everywhere but the table and the unique index. */
  becomeKept(job: number): void {
    this.#leavePlace(job);
    this.#setState(job, Flag.KEPT);
    this.kept++;
  }

  /** Gives the job to `peer`; it becomes the first of the jobs that the peer holds. */
  becomeAssigned(job: number, peer: Peer): void {
    const row = this.table.segments[job >>> SEGMENT_SHIFT] as Uint32Array;
    const at = (job & SEGMENT_MASK) << JOB_SHIFT;
    const flags = row[at + Job.FLAGS] as number;
    assert((flags & Flag.STATE) === Flag.QUEUED, 'only a queued job is assigned');
    const fn = this.#functions.at(row[at + Job.FUNCTION] as number) as FunctionQueue;
    fn.assigned++;
    this.#leaveQueue(job, fn);
    row[at + Job.FLAGS] = (flags & ~Flag.STATE) | Flag.ASSIGNED;
    row[at + Job.WORKER] = peer.index;
    row[at + Job.PREV] = 0;
    row[at + Job.NEXT] = peer.heldJob;
    if (peer.heldJob !== 0) this.setWord(peer.heldJob, Job.PREV, job);
    peer.heldJob = job;
    if (peer.heldCounts !== null) addHeld(peer.heldCounts, fn.index, 1);
  }

  /** Removes the job from its queue, heap or worker, and frees its memory. Remove its unique from the index before. */
  becomeGone(job: number): void {
    const flags = this.word(job, Job.FLAGS);
    assert((flags & Flag.INDEXED) === 0, 'a job leaves the unique index before it goes');
    this.#leavePlace(job);
    if ((flags & Flag.STATE) !== Flag.DEAD) this.functionOf(job).total--;
    if ((flags & Flag.STORED) !== 0) this.forget(job);
    this.watchers.dropAll(job);
    if ((flags & Flag.HAS_REDUCER) !== 0) this.#dropReducer(job);
    if ((flags & Flag.HAS_PROGRESS) !== 0) this.#dropProgress(job);
    if ((flags & Flag.HAS_RUNS) !== 0) this.runs.drop(job);
    const block = this.word(job, Job.BLOCK);
    if (block !== 0) this.slab.free(block);
    const blob = this.word(job, Job.BLOB);
    if (blob !== 0) this.#blobs.blobRelease(blob);
    this.table.free(job);
  }

  /** The run is lost: counts an attempt and resets progress. */
  noteLoss(job: number): void {
    const flags = this.word(job, Job.FLAGS);
    const retries = Math.min(0xffff, (flags >>> Flag.RETRIES_SHIFT) + 1);
    this.setWord(job, Job.FLAGS, (flags & 0xffff) | (retries << Flag.RETRIES_SHIFT));
    this.noteEnd(job);
  }

  /** The job is not done, but its run is over: resets progress. */
  noteEnd(job: number): void {
    if (!this.has(job, Flag.HAS_PROGRESS)) return;
    this.#dropProgress(job);
    this.clearFlag(job, Flag.HAS_PROGRESS);
  }

  forgetLosses(job: number): void {
    this.setWord(job, Job.FLAGS, this.word(job, Job.FLAGS) & 0xffff);
  }

  setDeadline(job: number, atMs: number, isPolicys: boolean): void {
    this.#account.held += Kept.DEADLINE;
    this.deadlines.insert(job, atMs);
    this.setFlag(job, Flag.HAS_DEADLINE);
    if (isPolicys) this.setFlag(job, Flag.POLICY_DEADLINE);
    else this.clearFlag(job, Flag.POLICY_DEADLINE);
  }

  dropDeadline(job: number): void {
    this.#account.held -= Kept.DEADLINE;
    this.deadlines.remove(job);
    this.clearFlag(job, Flag.HAS_DEADLINE);
  }

  /** The store keeps the job under `reference`. */
  setReference(job: number, reference: number): void {
    this.#references.set(job, reference);
    this.setFlag(job, Flag.STORED);
  }

  /** The store need not keep the job any more; no effect for a job that is not stored. */
  forget(job: number): void {
    if (!this.has(job, Flag.STORED)) return;
    this.clearFlag(job, Flag.STORED);
    this.onForget(job, this.#references.get(job));
  }

  setReducer(job: number, reducer: Uint8Array): void {
    this.#account.held += Kept.REDUCER + reducer.length;
    this.#reducers.set(job, reducer);
    this.setFlag(job, Flag.HAS_REDUCER);
  }

  /** The reducer's name, or null. */
  reducer(job: number): Uint8Array | null {
    return this.has(job, Flag.HAS_REDUCER) ? (this.#reducers.get(job) as Uint8Array) : null;
  }

  setProgress(job: number, progress: Progress): void {
    if (!this.has(job, Flag.HAS_PROGRESS)) this.#account.held += Kept.PROGRESS;
    this.#progress.set(job, progress);
    this.setFlag(job, Flag.HAS_PROGRESS);
  }

  progress(job: number): Progress {
    const none: Progress = { numerator: 0, denominator: 0 };
    return this.has(job, Flag.HAS_PROGRESS) ? (this.#progress.get(job) as Progress) : none;
  }

  #unschedule(job: number): void {
    this.#account.held -= Kept.DEADLINE;
    this.scheduled.remove(job);
  }

  #dropReducer(job: number): void {
    this.#account.held -= Kept.REDUCER + (this.#reducers.get(job) as Uint8Array).length;
    this.#reducers.delete(job);
  }

  #dropProgress(job: number): void {
    this.#account.held -= Kept.PROGRESS;
    this.#progress.delete(job);
  }

  #setState(job: number, state: number): void {
    this.setWord(job, Job.FLAGS, (this.word(job, Job.FLAGS) & ~Flag.STATE) | state);
  }

  #leavePlace(job: number): void {
    const state = this.state(job);
    if (state === Flag.ASSIGNED) this.#leaveWorker(job);
    else if (state === Flag.QUEUED) this.#leaveQueue(job, this.functionOf(job));
    else if (state === Flag.SCHEDULED) this.#unschedule(job);
    else if (state === Flag.KEPT) this.kept--;
    else if (state === Flag.RETRYING) this.#leaveRetries(job);
    else if (state === Flag.DEAD) this.#leaveDead(job);
  }

  #leaveRetries(job: number): void {
    this.#account.held -= Kept.DEADLINE;
    this.retryTimes.remove(job);
    this.functionOf(job).retrying--;
  }

  #leaveDead(job: number): void {
    const { dead, index } = this.functionOf(job) as FunctionQueue & { dead: DeadJobs };
    const bytes = this.deadBytes(job);
    dead.remove(job, bytes);
    this.dead--;
    this.deadBytesTotal -= bytes;
    if (dead.count > 0) return;
    // The function may be dropped now.
    this.deadTimes.remove(index);
    this.oldestDead.remove(index);
  }

  #leaveQueue(job: number, fn: FunctionQueue): void {
    const row = this.table.segments[job >>> SEGMENT_SHIFT] as Uint32Array;
    const at = (job & SEGMENT_MASK) << JOB_SHIFT;
    const priority = ((row[at + Job.FLAGS] as number) & Flag.PRIORITY) >>> Flag.PRIORITY_SHIFT;
    const next = row[at + Job.NEXT] as number;
    const previous = row[at + Job.PREV] as number;
    if (previous === 0) fn.head[priority] = next;
    else this.setWord(previous, Job.NEXT, next);
    if (next === 0) fn.tail[priority] = previous;
    else this.setWord(next, Job.PREV, previous);
    fn.waiting[priority] = (fn.waiting[priority] as number) - 1;
    fn.runnable--;
    this.updateLevel(fn);
  }

  #leaveWorker(job: number): void {
    const next = this.word(job, Job.NEXT);
    const previous = this.word(job, Job.PREV);
    const worker = this.workerOf(job);
    if (worker.heldCounts !== null) addHeld(worker.heldCounts, this.word(job, Job.FUNCTION), -1);
    if (previous === 0) worker.heldJob = next;
    else this.setWord(previous, Job.NEXT, next);
    if (next !== 0) this.setWord(next, Job.PREV, previous);
    this.setWord(job, Job.WORKER, 0);
    const fn = this.functionOf(job);
    fn.assigned--;
    if (fn.gate !== null) this.updateLevel(fn);
    if (this.has(job, Flag.HAS_DEADLINE)) this.dropDeadline(job);
  }

  /** Call when the queue of the function, or something that its gate depends on, has changed. */
  updateLevel(fn: FunctionQueue): void {
    let level = 0;
    for (let priority = 0; priority < PRIORITY_COUNT; priority++) {
      if ((fn.waiting[priority] as number) > 0) {
        level = PRIORITY_COUNT - priority;
        break;
      }
    }
    const { gate } = fn;
    if (gate !== null) {
      if (gate.room(fn.assigned) === 0) level = 0;
      this.#setOpening(fn, gate);
    }
    this.#functions.setLevel(fn, level);
  }

  /** Sets when the rate opens the gate, if jobs wait for that. */
  #setOpening(fn: FunctionQueue, gate: Gate): void {
    const openings = this.gateOpenings;
    const atMs = fn.runnable > 0 ? gate.opensAtMs(fn.assigned) : Number.POSITIVE_INFINITY;
    if (openings.atOf(fn.index) === atMs) return;
    openings.remove(fn.index);
    if (atMs !== Number.POSITIVE_INFINITY) openings.insert(fn.index, atMs);
  }
}
