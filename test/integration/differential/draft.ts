/**
 * What a step is about to send, while it is decided: frames, what sending them means to the model, and the choices
 * that all steps share. Rule: only numbers of the step, the model and the setting decide.
 */
import { type Frame, type JobRef, packet, type Word } from './frames.ts';
import type { Connection, Job, Model } from './model.ts';
import * as pools from './pools.ts';

export interface Setting {
  /** Begins the names that only this dialogue uses. */
  readonly prefix: string;
  /** Functions of the dialogue. */
  readonly functionNames: readonly string[];
  /** Whether a worker may offer several functions at a time. */
  readonly isMulti: boolean;
  /** Whether the other server has shards. */
  readonly hasShards: boolean;
  /** A unique that no other submit of the dialogue has. */
  readonly freshUnique: () => string;
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

/** Decides one kind of step; `n` are eight random 32-bit numbers. */
export type Handler = (draft: Draft, n: readonly number[]) => void;

export class Draft {
  readonly model: Model;
  readonly setting: Setting;
  /** The connection that acts. */
  readonly me: Connection;
  frames: Frame[] = [];
  gearmandErrors = 0;
  disconnects = false;
  readonly #effects: (() => void)[] = [];

  constructor(model: Model, setting: Setting, me: Connection) {
    this.model = model;
    this.setting = setting;
    this.me = me;
  }

  /** Sends a packet; `effect` is what that means whatever is answered. */
  send(name: Parameters<typeof packet>[0], args: readonly Word[], effect?: () => void): void {
    this.frames.push(packet(name, ...args));
    if (effect !== undefined) this.whenSent(effect);
  }

  /** Sends a text line that one line answers. */
  say(...parts: Word[]): void {
    this.frames.push({ kind: 'text', parts, reply: 'line' });
  }

  whenSent(effect: () => void): void {
    this.#effects.push(effect);
  }

  functionAt(n = 0): string {
    const { functionNames } = this.setting;
    return functionNames[n % functionNames.length] as string;
  }

  uniqueAt(n = 0): string {
    return pools.unique(n, this.setting.prefix);
  }

  /** A handle of the dialogue, mostly of a job that lives, or one that never was. */
  handleAt(n = 0, m = 0): JobRef | string {
    const { jobs } = this.model;
    if (jobs.length === 0 || n % 6 === 0) return pools.wrongHandle(m);
    const alive = jobs.filter((j) => j.state === 'queued' || j.state === 'running');
    const pool = alive.length > 0 && n % 3 !== 0 ? alive : jobs;
    return { job: (pool[m % pool.length] as Job).index };
  }

  action(): Action {
    const effects = this.#effects;
    return {
      frames: this.frames,
      disconnects: this.disconnects,
      gearmandErrors: this.gearmandErrors,
      wakeLeave: wakeLeave(this.frames, this.me),
      apply: () => {
        for (const effect of effects) effect();
      },
    };
  }
}

/** Grabs of the frames, and what RESET_ABILITIES gives up. */
export function wakeLeave(frames: readonly Frame[], me: Connection): number {
  const names = frames.map((f) => (f.kind === 'packet' ? f.name : ''));
  const grabs = names.filter((name) => name.startsWith('GRAB')).length;
  return grabs + (names.includes('RESET_ABILITIES') ? me.held.length : 0);
}
