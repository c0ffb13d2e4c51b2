/**
 * Decides what a step sends in the present state of the dialogue. Rule: only numbers of the step and the model decide,
 * so the same step in the same state is the same for both servers and in every replay; what LEFT_OUT and EVENED_OUT
 * forbid is replaced by something near to it, or by nothing.
 */
import { PACKETS, Packet } from '../../../src/protocol/packets.ts';
import type { PacketName } from '../../support/packet-text.ts';
import { evenSubmit, mayLeave } from './evened-out.ts';
import { type Frame, type JobRef, LISTINGS, packet, type Submit } from './frames.ts';
import type { Connection, Job, Model } from './model.ts';
import * as pools from './pools.ts';
import type { Step } from './steps.ts';

export interface Setting {
  /** Begins the names that only this dialogue uses. */
  readonly prefix: string;
  /** Functions of the dialogue. */
  readonly functionNames: readonly string[];
  /** Whether a worker may offer several functions at a time. */
  readonly isMulti: boolean;
  /** Whether the other server has shards. */
  readonly hasShards: boolean;
}

/** What a step does. Nothing at all when `frames` is empty and `disconnects` is false. */
export interface Action {
  readonly frames: readonly Frame[];
  readonly disconnects: boolean;
  /** The last so many ERRORs of gearmand's answer have no counterpart. */
  readonly gearmandErrors: number;
  /**
   * Workers that may be woken for what is over at the end of the step: jobs that it grabs, and jobs that it gives up
   * before it offers their function again.
   */
  readonly wakeLeave: number;
  /** What sending means, whatever is answered. */
  readonly apply: () => void;
}

interface Draft {
  frames: Frame[];
  effects: (() => void)[];
  gearmandErrors: number;
  disconnects: boolean;
}

const SUBMITS: readonly (readonly [PacketName, 0 | 1 | 2, boolean])[] = [
  ['SUBMIT_JOB', 1, false],
  ['SUBMIT_JOB_BG', 1, true],
  ['SUBMIT_JOB_HIGH', 0, false],
  ['SUBMIT_JOB_HIGH_BG', 0, true],
  ['SUBMIT_JOB_LOW', 2, false],
  ['SUBMIT_JOB_LOW_BG', 2, true],
];

/** Grabs of the frames, and what RESET_ABILITIES gives up. */
export function wakeLeave(frames: readonly Frame[], me: Connection): number {
  const names = frames.map((f) => (f.kind === 'packet' ? f.name : ''));
  const grabs = names.filter((name) => name.startsWith('GRAB')).length;
  return grabs + (names.includes('RESET_ABILITIES') ? me.held.length : 0);
}

export class Resolver {
  readonly #model: Model;
  readonly #setting: Setting;
  #freshCount = 0;

  constructor(model: Model, setting: Setting) {
    this.#model = model;
    this.#setting = setting;
  }

  resolve(step: Step, me: Connection): Action {
    const draft: Draft = { frames: [], effects: [], gearmandErrors: 0, disconnects: false };
    this.#draft(step, me, draft);
    return {
      frames: draft.frames,
      disconnects: draft.disconnects,
      gearmandErrors: draft.gearmandErrors,
      wakeLeave: wakeLeave(draft.frames, me),
      apply: () => {
        for (const effect of draft.effects) effect();
      },
    };
  }

  #draft(step: Step, me: Connection, draft: Draft): void {
    const n = (i: number): number => step.n[i] ?? 0;
    const { frames, effects } = draft;
    const model = this.#model;
    switch (step.op) {
      case 'submit':
        this.#submit(step.n, draft);
        break;
      case 'submitEpoch':
        this.#submitEpoch(step.n, draft);
        break;
      case 'submitReduce':
        this.#submitReduce(step.n, draft);
        break;
      case 'canDo':
      case 'canDoTimeout':
        this.#canDo(step, me, draft);
        break;
      case 'cantDo': {
        const name = me.abilities[n(0) % Math.max(1, me.abilities.length)] ?? this.#function(n(0));
        frames.push(packet('CANT_DO', name));
        effects.push(() => model.cantDo(me, name));
        break;
      }
      case 'resetAbilities':
        frames.push(packet('RESET_ABILITIES'));
        effects.push(() => model.resetAbilities(me));
        break;
      case 'preSleep':
        frames.push(packet('PRE_SLEEP'));
        effects.push(() => model.preSleep(me));
        break;
      case 'grab':
        this.#grab(n(0), me, draft);
        break;
      case 'work':
      case 'exception':
        // Who has nothing in hand mostly takes something first.
        if (me.held.length === 0 && n(5) % 4 !== 0) this.#grab(n(0), me, draft);
        else if (step.op === 'work') this.#work(step.n, me, draft);
        else this.#exception(step.n, me, draft);
        break;
      case 'getStatus':
        frames.push(packet('GET_STATUS', this.#anyHandle(n(0), n(1))));
        break;
      case 'getStatusUnique':
        frames.push(packet('GET_STATUS_UNIQUE', this.#unique((n(0) >>> 8) << 8)));
        break;
      case 'option':
        frames.push(packet('OPTION_REQ', pools.option(n(0))));
        break;
      case 'clientId':
        frames.push(packet('SET_CLIENT_ID', pools.clientId(n(0))));
        break;
      case 'echo':
        frames.push(packet('ECHO_REQ', pools.echo(n(0))));
        break;
      case 'unexpected':
        this.#unexpected(n(0), draft);
        break;
      case 'resMagic':
        this.#resMagic(n(0), draft);
        break;
      case 'list':
        this.#list(n(0), n(1), draft);
        break;
      case 'oddText':
        this.#oddText(n(0), n(1), draft);
        break;
      case 'cancel':
        this.#cancel(n(0), n(1), draft);
        break;
      case 'maxqueue':
        this.#maxqueue(step.n, draft);
        break;
      case 'createFunction':
        frames.push({
          kind: 'text',
          parts: [`create function ${this.#function(n(0))}\r\n`],
          reply: 'line',
        });
        break;
      case 'dropFunction':
        this.#dropFunction(n(0), draft);
        break;
      case 'disconnect':
        if (mayLeave(me, model)) draft.disconnects = true;
        break;
      case 'closingInput':
        if (!mayLeave(me, model)) break;
        frames.push({ kind: 'closing', ...pools.closingInput(n(0)) });
        break;
      case 'burst':
        this.#burst(step, me, draft);
        break;
      case 'drain':
        break;
    }
  }

  #function(n: number): string {
    const { functionNames } = this.#setting;
    return functionNames[n % functionNames.length] as string;
  }

  #unique(n: number): string {
    return pools.unique(n, this.#setting.prefix);
  }

  #submit(n: readonly number[], draft: Draft): void {
    const [, priority, isBackground] = SUBMITS[
      (n[0] as number) % SUBMITS.length
    ] as (typeof SUBMITS)[0];
    this.#pushSubmit(draft, {
      functionName: this.#function(n[1] as number),
      unique: this.#unique(n[2] as number),
      data: pools.workload(n[3] as number),
      priority,
      isBackground,
      isUndue: false,
    });
  }

  #submitEpoch(n: readonly number[], draft: Draft): void {
    const isUndue = (n[0] as number) % 2 === 0;
    const choice = n[2] as number;
    this.#pushSubmit(
      draft,
      {
        functionName: this.#function(n[1] as number),
        unique: isUndue ? pools.ownUnique(choice, this.#setting.prefix) : this.#unique(choice),
        data: pools.workload(n[3] as number),
        priority: 1,
        isBackground: true,
        isUndue,
      },
      n[4],
    );
  }

  #submitReduce(n: readonly number[], draft: Draft): void {
    const unique = this.#unique(n[2] as number);
    this.#pushSubmit(draft, {
      functionName: this.#function(n[1] as number),
      // Longer ones are left out.
      unique: unique.slice(0, 63),
      data: pools.workload(n[3] as number),
      priority: 1,
      isBackground: (n[0] as number) % 2 === 0,
      isUndue: false,
      reducer: pools.reducer(n[4] as number),
    });
  }

  /** `epoch`: the submit is a SUBMIT_JOB_EPOCH; the number chooses the text of the time. */
  #pushSubmit(draft: Draft, wanted: Submit, epoch?: number): void {
    const submit = evenSubmit(wanted, this.#model, () => `fresh${++this.#freshCount}`);
    if (submit === null) return;
    const { functionName, unique, data } = submit;
    if (submit.reducer !== undefined) {
      const name = submit.isBackground ? 'SUBMIT_REDUCE_JOB_BACKGROUND' : 'SUBMIT_REDUCE_JOB';
      const args = [functionName, unique, submit.reducer, 'ignored', data];
      draft.frames.push({ kind: 'packet', name, args, submit });
      return;
    }
    if (epoch !== undefined) {
      const time = submit.isUndue ? pools.epochFar(epoch) : pools.epochDue(epoch);
      const args = [functionName, unique, time, data];
      draft.frames.push({ kind: 'packet', name: 'SUBMIT_JOB_EPOCH', args, submit });
      return;
    }
    const form = SUBMITS.find(
      ([, priority, isBackground]) =>
        priority === submit.priority && isBackground === submit.isBackground,
    ) as (typeof SUBMITS)[0];
    draft.frames.push({
      kind: 'packet',
      name: form[0],
      args: [functionName, unique, data],
      submit,
    });
  }

  #canDo(step: Step, me: Connection, draft: Draft): void {
    const { frames, effects } = draft;
    const [choice = 0, other = 0, timeout = 0] = step.n;
    let name = this.#function(choice);
    const offered = me.abilities[0];
    if (!this.#setting.isMulti && offered !== undefined && offered !== name) {
      if (other % 2 === 0) name = offered;
      else {
        frames.push(packet('RESET_ABILITIES'));
        effects.push(() => this.#model.resetAbilities(me));
      }
    }
    const timeouts = ['3600000', '0', '', 'never', '-1'];
    frames.push(
      step.op === 'canDo'
        ? packet('CAN_DO', name)
        : packet('CAN_DO_TIMEOUT', name, timeouts[timeout % timeouts.length] as string),
    );
    effects.push(() => this.#model.canDo(me, name));
  }

  #grab(n: number, me: Connection, draft: Draft): void {
    const names = ['GRAB_JOB', 'GRAB_JOB_UNIQ', 'GRAB_JOB_ALL'] as const;
    draft.frames.push(packet(names[n % 3] as PacketName));
    draft.effects.push(() => this.#model.grab(me));
  }

  /** A job that `me` holds, or, one in eight times or when it holds none, some other handle. */
  #workTarget(n: number, m: number, me: Connection): { handle: JobRef | string; job: Job | null } {
    if (me.held.length > 0 && n % 8 !== 0) {
      const job = me.held[m % me.held.length] as Job;
      return { handle: { job: job.index }, job };
    }
    const handle = this.#anyHandle(n >>> 4, m);
    const index = typeof handle === 'string' ? -1 : handle.job;
    return { handle, job: me.held.find((j) => j.index === index) ?? null };
  }

  #work(n: readonly number[], me: Connection, draft: Draft): void {
    const { frames, effects } = draft;
    const [kind = 0, target = 0, choice = 0, value = 0, other = 0] = n;
    const { handle, job } = this.#workTarget(target, choice, me);
    const end = (): void => {
      if (job !== null) effects.push(() => this.#model.ended(job));
    };
    switch (kind % 12) {
      case 0:
      case 1:
        frames.push(packet('WORK_DATA', handle, pools.workload(value)));
        break;
      case 2:
        frames.push(packet('WORK_WARNING', handle, pools.workload(value)));
        break;
      case 3:
      case 4:
        frames.push(
          packet('WORK_STATUS', handle, pools.numerator(value), pools.denominator(other)),
        );
        break;
      case 5:
      case 6: {
        // Some workers end the handle with a NUL.
        const isDirty = value % 3 === 0;
        const ended = typeof handle === 'string' ? handle : { ...handle, suffix: '\0' };
        frames.push(packet('WORK_FAIL', isDirty ? ended : handle));
        this.#noteFinal(handle, me, draft);
        end();
        break;
      }
      default:
        frames.push(packet('WORK_COMPLETE', handle, pools.workload(value)));
        this.#noteFinal(handle, me, draft);
        end();
    }
  }

  /** A final packet for the job that an exception has ended is swallowed by ours, an ERROR in gearmand. */
  #noteFinal(handle: JobRef | string, me: Connection, draft: Draft): void {
    const { exceptionJob } = me;
    if (typeof handle === 'string' || exceptionJob?.index !== handle.job) return;
    draft.gearmandErrors++;
    me.exceptionJob = null;
  }

  #exception(n: readonly number[], me: Connection, draft: Draft): void {
    const [follow = 0, target = 0, choice = 0, value = 0] = n;
    const { frames, effects } = draft;
    const { handle, job } = this.#workTarget(target, choice, me);
    frames.push(packet('WORK_EXCEPTION', handle, pools.workload(value)));
    if (job === null) return;
    me.exceptionJob = job;
    effects.push(() => this.#model.ended(job));
    if (follow % 2 === 0) return;
    const final =
      follow % 4 === 1 ? packet('WORK_FAIL', handle) : packet('WORK_COMPLETE', handle, '');
    frames.push(final);
    this.#noteFinal(handle, me, draft);
  }

  /** A handle of the dialogue, mostly of a job that lives, or one that never was. */
  #anyHandle(n: number, m: number): JobRef | string {
    const { jobs } = this.#model;
    if (jobs.length === 0 || n % 6 === 0) return pools.wrongHandle(m);
    const alive = jobs.filter((j) => j.state === 'queued' || j.state === 'running');
    const pool = alive.length > 0 && n % 3 !== 0 ? alive : jobs;
    return { job: (pool[m % pool.length] as Job).index };
  }

  #unexpected(n: number, draft: Draft): void {
    const type = pools.unexpectedType(n);
    const shape = PACKETS[type] as (typeof PACKETS)[number];
    const name = shape.name as PacketName;
    if (type === Packet.ALL_YOURS) draft.gearmandErrors++;
    const args = Array.from({ length: shape.argCount }, (_, i) => `a${i}`);
    if (name in Packet) {
      draft.frames.push(packet(name, ...args, ...(shape.hasData ? ['data'] : [])));
    } else draft.frames.push({ kind: 'packet', name: 'NOOP', args: [] });
  }

  #resMagic(n: number, draft: Draft): void {
    const frames: Frame[] = [
      packet('GRAB_JOB'),
      packet('ECHO_REQ', 'x'),
      packet('CAN_DO', this.#function(n)),
      packet('SUBMIT_JOB_BG', this.#function(n), '', 'x'),
      packet('NOOP'),
      packet('PRE_SLEEP'),
    ];
    const frame = frames[n % frames.length] as Frame;
    if (frame.kind === 'packet') draft.frames.push({ ...frame, isRes: true });
  }

  #list(n: number, m: number, draft: Draft): void {
    const listing = LISTINGS[n % LISTINGS.length] as (typeof LISTINGS)[number];
    const spellings = [listing, listing.toUpperCase(), listing.replace(' ', '   ')];
    const text = spellings[m % spellings.length] as string;
    const isDotted = (m >>> 8) % 2 === 0;
    draft.frames.push({ kind: 'text', parts: [text, isDotted ? '\r\n' : '\n'], reply: listing });
  }

  #oddText(n: number, m: number, draft: Draft): void {
    const line = pools.oddLine(n).replaceAll('F', this.#function(m));
    draft.frames.push({ kind: 'text', parts: [`${line}\n`], reply: 'line' });
  }

  #cancel(n: number, m: number, draft: Draft): void {
    const handle = this.#anyHandle(n, m);
    if (typeof handle === 'string') {
      // An empty or broken word would be another command.
      const parts = ['cancel job H:nowhere:7\n'];
      draft.frames.push({ kind: 'text', parts, reply: 'line' });
      return;
    }
    const job = this.#model.jobs[handle.job] as Job;
    const parts = ['cancel job ', handle, '\n'];
    const cancelsGhost = job.state === 'ghost';
    draft.frames.push({
      kind: 'text',
      parts,
      reply: 'line',
      ...(cancelsGhost && { cancelsGhost }),
    });
    if (job.state !== 'gone') draft.effects.push(() => this.#model.cancelled(job));
  }

  #maxqueue(n: readonly number[], draft: Draft): void {
    const [choice = 0, kind = 0, value = 0] = n;
    const name = kind % 7 === 0 ? 'nowhere-to-be-found' : this.#function(choice);
    const forms = ['', ' 4', ' 2', ' 3 0', ' 5 0 3', ' -1', ' many', ' 0', ' 6 2 2'];
    const form = forms[value % forms.length] as string;
    draft.frames.push({ kind: 'text', parts: [`maxqueue ${name}${form}\n`], reply: 'line' });
    draft.effects.push(() => {
      if (form === '') this.#model.limited.delete(name);
      else this.#model.limited.add(name);
    });
  }

  #dropFunction(n: number, draft: Draft): void {
    const name = this.#function(n);
    const present = this.#model.present(name);
    const hasWorkers = this.#model.live.some((c) => c.abilities.includes(name));
    // With queued jobs and nobody at work gearmand drops it and keeps the jobs.
    if (!hasWorkers && present.some((j) => j.state !== 'running')) return;
    draft.frames.push({ kind: 'text', parts: [`drop function ${name}\r\n`], reply: 'line' });
    if (!hasWorkers) draft.effects.push(() => this.#model.limited.delete(name));
  }

  /** Several frames in one write: submits and questions, or grabs and results. */
  #burst(step: Step, me: Connection, draft: Draft): void {
    const [count = 0, ...n] = step.n;
    const length = 2 + (count % 4);
    const isWorker = me.abilities.length > 0 || me.held.length > 0;
    for (let i = 0; i < length; i++) {
      const r = n.map((x, at) => Math.imul(x ^ (i * 0x9e3779b1), 0x85ebca6b + at) >>> 0);
      if (isWorker) this.#workerFrame(r, me, draft);
      else this.#clientFrame(r, draft);
    }
    if (!this.#setting.hasShards) return;
    const isListing = (f: Frame): boolean => f.kind === 'text' && f.reply !== 'line';
    const listings = draft.frames.filter(isListing);
    draft.frames = [...draft.frames.filter((f) => !isListing(f)), ...listings];
  }

  #clientFrame(r: number[], draft: Draft): void {
    const [kind = 0, a = 0, b = 0] = r;
    switch (kind % 9) {
      case 0:
        draft.frames.push(packet('ECHO_REQ', pools.echo(a)));
        break;
      case 1:
        draft.frames.push(packet('GET_STATUS', this.#anyHandle(a, b)));
        break;
      case 2:
        draft.frames.push(packet('OPTION_REQ', pools.option(a)));
        break;
      case 3:
        this.#list(a, b, draft);
        break;
      case 4:
        this.#submitReduce(r, draft);
        break;
      case 5:
        this.#oddText(a, b, draft);
        break;
      default:
        this.#submit(r, draft);
    }
  }

  #workerFrame(r: number[], me: Connection, draft: Draft): void {
    const [kind = 0, a = 0] = r;
    switch (kind % 8) {
      case 0:
        draft.frames.push(packet('ECHO_REQ', pools.echo(a)));
        break;
      case 1:
        draft.frames.push(packet('SET_CLIENT_ID', pools.clientId(a)));
        break;
      case 2:
      case 3:
        this.#grab(a, me, draft);
        break;
      default: {
        // Not final: what is held stays what it is until the next step. A job that a GRAB of this burst may
        // bring is not named: its handle could only be guessed.
        const [, target = 0, choice = 0, value = 0] = r;
        const { handle, job } = this.#workTarget(target, choice, me);
        const isGuess = job === null && typeof handle !== 'string';
        const name = kind % 2 === 0 ? 'WORK_DATA' : 'WORK_WARNING';
        const named = isGuess ? pools.wrongHandle(choice) : handle;
        draft.frames.push(packet(name, named, pools.workload(value)));
      }
    }
  }
}
