/**
 * The live jobs of a bucket at its owner: by key, by unique and in queues. Rule: no decision about journal or links is
 * made here. In a server the broker is to take the place of these queues.
 */
import { INLINE_WORKLOAD_BYTES_MAX } from './commit.ts';
import { type JobKey, keyText, type SubmitId } from './entries.ts';
import type { JobFields } from './records.ts';

/** `waiting`: of an earlier epoch, not handed out before all servers have announced what they have. */
export type JobState = 'storing' | 'waiting' | 'queued' | 'assigned' | 'ending' | 'gone';

/** A foreground client: its home, its submit and the packets of the present assignment that it has been given. */
export interface Watcher {
  readonly home: string;
  readonly submit: number;
  /** Assignment to which `number` belongs. */
  assignment: number;
  number: number;
  /** Its home has announced the submit since the link to it began anew. */
  isAnnounced: boolean;
}

/** A packet of the worker that not all clients have yet. */
export interface Packet {
  readonly number: number;
  readonly isFinal: boolean;
  readonly packet: Uint8Array;
}

export interface OwnedJob {
  readonly key: JobKey;
  readonly submit: SubmitId;
  fields: JobFields;
  /**
   * It is known from an announcement only, and may have been forgotten before. So it gets no put: no background submit
   * joins it.
   */
  readonly isAnnouncedOnly: boolean;
  /** The background submit for which it has a put, stored or gathered; null = it has none. */
  putFor: SubmitId | null;
  /** Its put is stored. */
  isStored: boolean;
  state: JobState;
  /** Background submits that are answered when the put is stored. */
  owed: { readonly home: string; readonly number: number }[];
  watchers: Watcher[];
  /** Of the present or last assignment; 0 before the first. */
  assignment: number;
  /** Where the worker is connected. */
  home: string;
  worker: number;
  /** The home has announced the job since the link to it began anew. */
  isAnnounced: boolean;
  packets: Packet[];
  lastNumber: number;
  /** The number up to which the worker's home knows that all clients have been served. */
  delivered: number;
  /** Whether its forget is stored, or it needs none. */
  isForgotten: boolean;
}

export function newJob(
  key: JobKey,
  submit: SubmitId,
  fields: JobFields,
  putFor: SubmitId | null,
  isAnnouncedOnly = false,
): OwnedJob {
  return {
    key,
    submit,
    fields,
    isAnnouncedOnly,
    putFor,
    isStored: false,
    state: 'waiting',
    owed: [],
    watchers: [],
    assignment: 0,
    home: '',
    worker: 0,
    isAnnounced: false,
    packets: [],
    lastNumber: 0,
    delivered: 0,
    isForgotten: false,
  };
}

const uniqueText = ({ functionName, unique }: JobFields): string => `${functionName}\0${unique}`;

export class OwnedJobs {
  readonly #jobs = new Map<string, OwnedJob>();
  readonly #uniques = new Map<string, OwnedJob>();
  readonly #queues = new Map<string, OwnedJob[]>();

  get size(): number {
    return this.#jobs.size;
  }

  /** All jobs, those in state `ending` too, in the order in which they were added. */
  all(): OwnedJob[] {
    return [...this.#jobs.values()];
  }

  find(key: JobKey): OwnedJob | undefined {
    return this.#jobs.get(keyText(key));
  }

  /** The job that a submit with these fields joins. */
  joined(fields: JobFields): OwnedJob | undefined {
    if (fields.unique === '') return undefined;
    const job = this.#uniques.get(uniqueText(fields));
    if (!fields.isBackground || job === undefined) return job;
    const isTooLarge = job.fields.workload.length > INLINE_WORKLOAD_BYTES_MAX;
    return job.isAnnouncedOnly || isTooLarge ? undefined : job;
  }

  add(job: OwnedJob): void {
    this.#jobs.set(keyText(job.key), job);
    const text = uniqueText(job.fields);
    if (job.fields.unique === '') return;
    // Two foreground jobs may have one unique after a fault; submits join the first, or the one that has a put.
    const known = this.#uniques.get(text);
    if (known === undefined || known.isAnnouncedOnly) this.#uniques.set(text, job);
  }

  /** Makes the job runnable. */
  queue(job: OwnedJob, isFirst: boolean): void {
    this.#unqueue(job);
    job.state = 'queued';
    const queue = this.#queueOf(job);
    if (isFirst) queue.unshift(job);
    else queue.push(job);
  }

  assign(job: OwnedJob, home: string, worker: number, assignment: number): void {
    this.#unqueue(job);
    job.state = 'assigned';
    job.home = home;
    job.worker = worker;
    job.assignment = assignment;
    job.isAnnounced = true;
    job.packets = [];
    job.lastNumber = 0;
    job.delivered = 0;
  }

  /** Takes the job back from its worker; it is not runnable yet. */
  wait(job: OwnedJob): void {
    this.#unqueue(job);
    job.state = 'waiting';
  }

  /** The work is done: nothing joins the job any more. */
  end(job: OwnedJob): void {
    this.#unqueue(job);
    job.state = 'ending';
    const text = uniqueText(job.fields);
    if (this.#uniques.get(text) === job) this.#uniques.delete(text);
  }

  remove(job: OwnedJob): void {
    this.end(job);
    job.state = 'gone';
    this.#jobs.delete(keyText(job.key));
  }

  /** The best runnable job of these functions; background jobs only if `withBackground`. */
  best(functionNames: readonly string[], withBackground: boolean): OwnedJob | undefined {
    for (let priority = 0; priority <= 2; priority++)
      for (const name of functionNames)
        for (const job of this.#queues.get(`${priority} ${name}`) ?? [])
          if (withBackground || job.putFor === null) return job;
    return undefined;
  }

  #queueOf({ fields }: OwnedJob): OwnedJob[] {
    const name = `${fields.priority} ${fields.functionName}`;
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    return queue;
  }

  #unqueue(job: OwnedJob): void {
    if (job.state !== 'queued') return;
    const queue = this.#queueOf(job);
    queue.splice(queue.indexOf(job), 1);
  }
}
