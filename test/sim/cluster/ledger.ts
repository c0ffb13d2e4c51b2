/**
 * What clients and workers of a simulated cluster have seen, and the rules that must hold for it. Rules:
 * - Every job that runs was submitted.
 * - A run that begins while another one of the same job was never lost is a repeat. It is allowed only if the home of the run
 *   before was in trouble meanwhile: it died, or its lease was not valid. A foreground job may also run again when any
 *   server was in trouble since it was submitted.
 * - At the end every acknowledged background job has been worked on, and every foreground client that is still
 *   connected has its result.
 */
import { type JobKey, keyText } from '../../../src/cluster/entries.ts';
import type { JobFields } from '../../../src/cluster/records.ts';
import type { SimServer } from './server.ts';

interface Submit {
  readonly server: SimServer;
  readonly client: number;
  readonly fields: JobFields;
  readonly bucket: number;
  readonly atMs: number;
  /** undefined = no answer yet, null = refused. */
  key: JobKey | null | undefined;
  hasResult: boolean;
  isGone: boolean;
}

interface Run {
  readonly server: string;
  readonly incarnation: string;
  readonly worker: number;
  readonly assignment: number;
  readonly beganMs: number;
  workedMs: number;
  endedMs: number;
  isLost: boolean;
  readonly isBackground: boolean;
}

interface Trouble {
  readonly fromMs: number;
  toMs: number;
}

export class Ledger {
  readonly #now: () => number;
  readonly #sample: () => void;
  readonly #submits = new Map<string, Submit>();
  readonly #workloads = new Map<string, number>();
  /** By the workload, which no other submit has. */
  readonly #runs = new Map<string, Run[]>();
  /** The same runs by bucket and key. */
  readonly #byJob = new Map<string, Run[]>();
  readonly #troubles = new Map<string, Trouble[]>();
  #repeats = 0;

  /** `sample` reports servers whose lease has run out since their last turn. */
  constructor(now: () => number, sample: () => void) {
    this.#now = now;
    this.#sample = sample;
  }

  get summary(): string {
    const answered = [...this.#submits.values()].filter(({ key }) => key != null).length;
    const runs = [...this.#runs.values()].reduce((sum, list) => sum + list.length, 0);
    return `${this.#submits.size} submits, ${answered} acknowledged, ${runs} runs, ${this.#repeats} repeats`;
  }

  nextWorkload(): string {
    return `w${this.#workloads.size + 1}`;
  }

  submitted(
    server: SimServer,
    client: number,
    number: number,
    bucket: number,
    fields: JobFields,
  ): void {
    const atMs = this.#now();
    this.#workloads.set(Buffer.from(fields.workload).toString(), atMs);
    const submit = { server, client, fields, bucket, atMs };
    const open = { key: undefined, hasResult: false, isGone: false };
    this.#submits.set(`${server.incarnation} ${number}`, { ...submit, ...open });
  }

  answered(incarnation: string, number: number, key: JobKey | null): void {
    const submit = this.#submits.get(`${incarnation} ${number}`);
    if (submit === undefined) throw new Error('an answer to a submit that was not made');
    if (submit.key !== undefined) throw new Error('a second answer to a submit');
    submit.key = key;
  }

  finished(incarnation: string, number: number): void {
    const submit = this.#submits.get(`${incarnation} ${number}`) as Submit;
    if (submit.key == null) throw new Error('a result before JOB_CREATED');
    if (submit.hasResult) throw new Error('a second result of a job');
    submit.hasResult = true;
  }

  clientGone(incarnation: string, client: number): void {
    for (const submit of this.#submits.values())
      if (submit.server.incarnation === incarnation && submit.client === client)
        submit.isGone = true;
  }

  workerGone(incarnation: string, worker: number): void {
    for (const runs of this.#runs.values())
      for (const run of runs)
        if (run.incarnation === incarnation && run.worker === worker && Number.isNaN(run.workedMs))
          run.isLost = true;
  }

  began(
    server: SimServer,
    worker: number,
    bucket: number,
    key: JobKey,
    assignment: number,
    fields: JobFields,
  ): void {
    const workload = Buffer.from(fields.workload).toString();
    const submittedMs = this.#workloads.get(workload);
    if (submittedMs === undefined) throw new Error(`a job runs that nobody submitted: ${workload}`);
    if (fields.isBackground && !server.lease.isValid(server.nowMs()))
      throw new Error(`background job ${workload} runs at ${server.incarnation} without a lease`);
    const runs = this.#runs.get(workload) ?? [];
    this.#runs.set(workload, runs);
    const text = `${workload}, ${bucket} ${keyText(key)},`;
    for (const run of runs) this.#checkRepeat(text, run, fields.isBackground, submittedMs);
    const run: Run = {
      server: server.name,
      incarnation: server.incarnation,
      worker,
      assignment,
      beganMs: this.#now(),
      workedMs: Number.NaN,
      endedMs: Number.POSITIVE_INFINITY,
      isLost: false,
      isBackground: fields.isBackground,
    };
    runs.push(run);
    this.#byJob.set(`${bucket} ${keyText(key)}`, [
      ...(this.#byJob.get(`${bucket} ${keyText(key)}`) ?? []),
      run,
    ]);
  }

  #checkRepeat(text: string, run: Run, isBackground: boolean, submittedMs: number): void {
    if (run.isLost) return;
    this.#repeats++;
    this.#sample();
    const nowMs = this.#now();
    const wasInTrouble =
      isBackground && run.isBackground
        ? this.#isTroubled(run.server, run.beganMs, Math.min(run.endedMs, nowMs))
        : [...this.#troubles.keys()].some((name) => this.#isTroubled(name, submittedMs, nowMs));
    if (wasInTrouble) return;
    throw new Error(
      `job ${text} runs again at ${nowMs}: it ran at ${run.incarnation} since ${run.beganMs}, worked ${run.workedMs}, ended ${run.endedMs}`,
    );
  }

  worked(bucket: number, key: JobKey, assignment: number): void {
    const run = this.#find(bucket, key, assignment);
    if (run !== undefined) run.workedMs = this.#now();
  }

  ended(bucket: number, key: JobKey, assignment: number): void {
    const run = this.#find(bucket, key, assignment);
    if (run !== undefined) run.endedMs = this.#now();
  }

  #find(bucket: number, key: JobKey, assignment: number): Run | undefined {
    const runs = this.#byJob.get(`${bucket} ${keyText(key)}`) ?? [];
    return runs.find((one) => one.assignment === assignment);
  }

  leaseIsLost(server: string, sinceMs: number): void {
    this.#troublesOf(server).push({ fromMs: sinceMs, toMs: Number.POSITIVE_INFINITY });
  }

  leaseIsBack(server: string): void {
    const last = this.#troublesOf(server).at(-1);
    if (last !== undefined) last.toMs = Math.min(last.toMs, this.#now());
  }

  died(server: string): void {
    this.leaseIsBack(server);
    this.#troublesOf(server).push({ fromMs: this.#now(), toMs: Number.POSITIVE_INFINITY });
  }

  #troublesOf(server: string): Trouble[] {
    const known = this.#troubles.get(server) ?? [];
    this.#troubles.set(server, known);
    return known;
  }

  #isTroubled(server: string, fromMs: number, toMs: number): boolean {
    return this.#troublesOf(server).some((one) => one.fromMs <= toMs && one.toMs >= fromMs);
  }

  /** What is still owed to somebody; empty when all is done. */
  missing(): string[] {
    const missing: string[] = [];
    for (const [name, submit] of this.#submits) {
      const { server, fields, key, hasResult, isGone } = submit;
      const what = `${name} ${fields.functionName} ${key == null ? key : keyText(key)}`;
      if (fields.isBackground) {
        if (key === undefined && !server.isDead) missing.push(`${what}: no answer`);
        if (key != null && !this.#hasWorked(submit.bucket, key))
          missing.push(`${what}: acknowledged and never worked on`);
      } else if (!server.isDead && !isGone && key !== null && !hasResult)
        missing.push(`${what}: no result`);
    }
    return missing;
  }

  #hasWorked(bucket: number, key: JobKey): boolean {
    const runs = this.#byJob.get(`${bucket} ${keyText(key)}`) ?? [];
    return runs.some(({ workedMs }) => !Number.isNaN(workedMs));
  }
}
