/**
 * Plays one dialogue on two servers at once and compares, step by step, what every connection received.
 * Rule: after a step, ECHO on the acting connection, then on all others; only then is anything compared. gearmand's
 * answers teach the model; whoever differs from them is the difference.
 */
import type { WireItem } from '../../support/packet-text.ts';
import type { TestServer } from '../../support/servers.ts';
import { comparable, isNoop, isSubmitError } from './compare.ts';
import { type Action, Draft, type Setting } from './draft.ts';
import { comparableOrder } from './even.ts';
import type { Scene } from './evened-out.ts';
import { type Frame, printFrame } from './frames.ts';
import { type Connection, type Job, Model } from './model.ts';
import { isPlain, type PlainStep, resolve } from './resolve.ts';
import { Side } from './side.ts';
import type { Plan, Step } from './steps.ts';
import { checkWakeups } from './wakeups.ts';

export interface Difference {
  /** What was said up to the difference. */
  readonly transcript: readonly string[];
  readonly what: string;
  /** A server has ended or hangs, so both must be started anew. */
  readonly isBroken: boolean;
  /** gearmand has ended. */
  readonly isReferenceGone?: boolean;
}

export interface DialogueOptions {
  /** The reference first: its answers teach the model. */
  readonly servers: readonly [TestServer, TestServer];
  /** Begins all function names; new for every dialogue. */
  readonly prefix: string;
  readonly isMulti: boolean;
  readonly jobRetries: number;
  /** Whether the other server has shards. */
  readonly hasShards: boolean;
}

export interface Outcome {
  readonly difference: Difference | null;
  /** Jobs that a server keeps although the dialogue has cancelled them. */
  readonly leftOver: number;
}

export class Dialogue {
  readonly #plan: Plan;
  readonly #sides: readonly [Side, Side];
  readonly #model: Model;
  readonly #setting: Setting;
  readonly #prefix: string;
  readonly #transcript: string[];
  #freshCount = 0;

  private constructor(
    plan: Plan,
    options: DialogueOptions,
    sides: readonly [Side, Side],
    transcript: string[],
  ) {
    this.#plan = plan;
    this.#sides = sides;
    this.#prefix = options.prefix;
    this.#transcript = transcript;
    this.#model = new Model(plan.slots.length, options.jobRetries, options.hasShards);
    const letters = 'abcdefgh'.slice(0, plan.functionCount).split('');
    this.#setting = {
      prefix: options.prefix,
      functionNames: letters.map((letter) => options.prefix + letter),
      isMulti: options.isMulti,
      hasShards: options.hasShards,
      freshUnique: () => `fresh${++this.#freshCount}`,
    };
  }

  static async open(plan: Plan, options: DialogueOptions, transcript: string[]): Promise<Dialogue> {
    const [a, b] = options.servers;
    const count = plan.slots.length;
    const sides = await Promise.all([Side.open(a, count), Side.open(b, count)] as const);
    return new Dialogue(plan, options, sides, transcript);
  }

  async play(): Promise<Difference | null> {
    for (const step of this.#plan.steps) {
      this.#model.now++;
      const what = isPlain(step) ? await this.#step(step) : await this.#drain(step);
      if (what !== null) return { transcript: this.#transcript, what, isBroken: false };
    }
    return null;
  }

  async cleanUp(): Promise<Outcome> {
    const names = this.#setting.functionNames;
    const kept = await Promise.all(this.#sides.map((side) => side.cleanUp(names)));
    const ours = this.#sides.findIndex((side, at) => !side.isReference && (kept[at] ?? 0) > 0);
    if (ours >= 0) {
      const what = `${this.#sides[ours]?.server.label} keeps ${kept[ours]} cancelled jobs`;
      return { difference: { transcript: this.#transcript, what, isBroken: true }, leftOver: 0 };
    }
    return { difference: null, leftOver: Math.max(...kept) };
  }

  #both(act: (side: Side) => Promise<unknown>): Promise<unknown> {
    return Promise.all(this.#sides.map(act));
  }

  async #connection(slot: number): Promise<Connection> {
    const open = this.#model.connections[slot];
    if (open) return open;
    const name = this.#plan.slots[slot] as string;
    this.#transcript.push(`${name} connects`);
    await this.#both((side) => side.connect(slot, name));
    return this.#model.open(slot, name);
  }

  async #step(step: PlainStep): Promise<string | null> {
    const me = await this.#connection(step.slot);
    await this.#learnGhosts();
    const action = resolve(step, me, this.#model, this.#setting);
    const isGlued = (step.n[7] ?? 0) % 2 === 0;
    return this.#perform(step.slot, me, action, isGlued);
  }

  /** One worker takes all jobs of one function, so that the order of the whole queue is compared. */
  async #drain(step: Step): Promise<string | null> {
    const me = await this.#connection(step.slot);
    const name = this.#setting.functionNames[step.n[0] as number];
    if (name === undefined) return null;
    const model = this.#model;
    const start = new Draft(model, this.#setting, me);
    start.send('RESET_ABILITIES', [], () => model.resetAbilities(me));
    start.send('CAN_DO', [name], () => model.canDo(me, name));
    let wrong = await this.#perform(step.slot, me, start.action(), true);
    while (wrong === null) {
      const next = new Draft(model, this.#setting, me);
      for (const job of me.held) {
        next.send('WORK_COMPLETE', [{ job: job.index }, ''], () => model.ended(job));
      }
      next.send('GRAB_JOB_ALL', [], () => model.grab(me));
      wrong = await this.#perform(step.slot, me, next.action(), true);
      if (me.held.length === 0) break;
    }
    return wrong;
  }

  async #learnGhosts(): Promise<void> {
    if (this.#model.ghosts().length === 0) return;
    this.#model.keepGhosts(await this.#sides[0].listedJobs());
  }

  async #perform(
    slot: number,
    me: Connection,
    action: Action,
    isGlued: boolean,
  ): Promise<string | null> {
    const { frames, disconnects } = action;
    if (frames.length === 0 && !disconnects) return null;
    for (const frame of frames) this.#transcript.push(`${me.name} > ${printFrame(frame)}`);
    if (disconnects) this.#transcript.push(`${me.name} > (end)`);
    const cancelledBefore = new Set(this.#model.jobs.filter((j) => j.isCancelled));

    const closes = disconnects || frames.some((f) => f.kind === 'closing');
    await this.#both((side) =>
      disconnects ? side.disconnect(slot) : side.perform(slot, frames, isGlued),
    );
    action.apply();
    const arrived = this.#sides.map((side) => this.#plan.slots.map((_, at) => side.take(at)));
    this.#learn(arrived, slot, me, frames);
    if (closes) this.#model.closed(slot);
    return (
      this.#compare(arrived, slot, action, cancelledBefore) ??
      this.#wakeups(arrived, action.wakeLeave)
    );
  }

  /** Handles on both sides; jobs and assignments from the reference. */
  #learn(
    arrived: readonly (readonly WireItem[][])[],
    slot: number,
    me: Connection,
    frames: readonly Frame[],
  ): void {
    const submits = frames.flatMap((f) => (f.kind === 'packet' && f.submit ? [f.submit] : []));
    this.#sides.forEach((side, at) => {
      const isTeacher = at === 0;
      const waiting = [...submits];
      for (const item of arrived[at]?.[slot] ?? []) {
        if (item.kind !== 'packet') continue;
        if (item.name === 'ERROR' && isSubmitError(item)) waiting.shift();
        else if (item.name === 'JOB_CREATED') {
          const submit = waiting.shift();
          const { job, isNew } = side.learn(item);
          if (!isTeacher || submit === undefined) continue;
          const known = this.#model.jobs[job];
          if (isNew) this.#model.created(job, submit, me);
          else if (known !== undefined) this.#model.coalesced(known, submit, me);
        } else if (isTeacher && item.name.startsWith('JOB_ASSIGN')) {
          const job = this.#jobOf(side, item.args[0] as Buffer);
          if (job !== undefined) this.#model.assigned(job, me);
        }
      }
    });
  }

  #jobOf(side: Side, handle: Buffer): Job | undefined {
    const number = side.numberOf(handle.toString('latin1'));
    return number === undefined ? undefined : this.#model.jobs[number];
  }

  #compare(
    arrived: readonly (readonly WireItem[][])[],
    slot: number,
    action: Action,
    cancelledBefore: ReadonlySet<Job>,
  ): string | null {
    const [reference, ours] = this.#sides;
    for (const [at, name] of this.#plan.slots.entries()) {
      const said = this.#sides.map((side, which) => {
        const scene: Scene = {
          model: this.#model,
          side,
          prefix: this.#prefix,
          cancelledBefore,
          jobOf: (handle) => this.#jobOf(side, handle),
        };
        const items = comparableOrder(arrived[which]?.[at] ?? [], this.#setting.hasShards);
        return comparable(items, scene, at === slot ? action : null);
      });
      const [expected = [], actual = []] = said;
      if (expected.join('\n') === actual.join('\n')) {
        for (const line of expected) this.#transcript.push(`${name} < ${line}`);
        continue;
      }
      const told = (lines: string[]): string =>
        lines.length === 0 ? '\n    (nothing)' : lines.map((line) => `\n    ${line}`).join('');
      return (
        `${name} received\n  from ${reference.server.label}:${told(expected)}` +
        `\n  from ${ours.server.label}:${told(actual)}`
      );
    }
    return null;
  }

  #wakeups(arrived: readonly (readonly WireItem[][])[], leave: number): string | null {
    const at = this.#sides.findIndex((side) => !side.isReference);
    if (at < 0) return null;
    const noops = this.#plan.slots.flatMap((_, slot) => {
      const connection = this.#model.connections[slot];
      const items = arrived[at]?.[slot] ?? [];
      return connection ? items.filter(isNoop).map(() => connection) : [];
    });
    for (const connection of noops) this.#transcript.push(`${connection.name} < NOOP`);
    const wrong = checkWakeups(this.#model, this.#setting.functionNames, noops, leave);
    return wrong === null ? null : `${this.#sides[at]?.server.label}: ${wrong}`;
  }
}
