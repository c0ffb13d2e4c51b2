/**
 * Reads and writes the words of job rows by job number, and names their bits. Layout of a row: job-table.ts. Rule: the
 * job must be live; check numbers from outside with `table.isLive` first.
 */
import { JOB_SHIFT, Job, type JobTable, SEGMENT_MASK, SEGMENT_SHIFT } from './job-table.ts';

/** Bits of the FLAGS word: state, priority, facts; the number of lost runs is above RETRIES_SHIFT. */
export const Flag = {
  STATE: 0x7,
  SCHEDULED: 1,
  QUEUED: 2,
  ASSIGNED: 3,
  STORING: 4,
  /** The server drains: the job stays in its store and is no longer assigned. */
  KEPT: 5,
  /** A run has failed; the next one waits for its time. */
  RETRYING: 6,
  /** It has failed for good, and is kept for operators. */
  DEAD: 7,
  PRIORITY_SHIFT: 3,
  PRIORITY: 0x18,
  BACKGROUND: 0x20,
  /** No client waits for the job any more (disconnected, or cancelled); it ends when its worker's run ends. */
  IGNORED: 0x40,
  INDEXED: 0x80,
  /** Unique is `-`: compared by workload. */
  BY_WORKLOAD: 0x100,
  HAS_REDUCER: 0x200,
  HAS_PROGRESS: 0x400,
  HAS_MORE_WATCHERS: 0x800,
  HAS_DEADLINE: 0x1000,
  /** A store has the job, or will have it; `Jobs.reference` is its name there. */
  STORED: 0x2000,
  /** `Jobs.runs` knows of its failed runs. */
  HAS_RUNS: 0x4000,
  /** With HAS_DEADLINE: the deadline is that of the function's policy, not of the worker. */
  POLICY_DEADLINE: 0x8000,
  RETRIES_SHIFT: 16,
} as const;

export class JobRows {
  readonly table: JobTable;

  constructor(table: JobTable) {
    this.table = table;
  }

  word(job: number, field: number): number {
    const row = this.table.segments[job >>> SEGMENT_SHIFT] as Uint32Array;
    return row[((job & SEGMENT_MASK) << JOB_SHIFT) + field] as number;
  }

  setWord(job: number, field: number, value: number): void {
    const row = this.table.segments[job >>> SEGMENT_SHIFT] as Uint32Array;
    row[((job & SEGMENT_MASK) << JOB_SHIFT) + field] = value;
  }

  has(job: number, flag: number): boolean {
    return (this.word(job, Job.FLAGS) & flag) !== 0;
  }

  state(job: number): number {
    return this.word(job, Job.FLAGS) & Flag.STATE;
  }

  priority(job: number): number {
    return (this.word(job, Job.FLAGS) & Flag.PRIORITY) >>> Flag.PRIORITY_SHIFT;
  }

  retries(job: number): number {
    return this.word(job, Job.FLAGS) >>> Flag.RETRIES_SHIFT;
  }

  setFlag(job: number, flag: number): void {
    this.setWord(job, Job.FLAGS, this.word(job, Job.FLAGS) | flag);
  }

  clearFlag(job: number, flag: number): void {
    this.setWord(job, Job.FLAGS, this.word(job, Job.FLAGS) & ~flag);
  }
}
