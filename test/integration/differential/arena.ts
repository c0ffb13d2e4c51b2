/**
 * The two servers that dialogues are played on. They live across dialogues; gearmand is started anew now and then,
 * because it keeps cancelled jobs that are not due, and both are after a failure.
 */
import {
  type ServerKind,
  type ServerOptions,
  startServer,
  type TestServer,
} from '../../support/servers.ts';
import type { Difference } from './dialogue.ts';
import { playDialogue } from './play.ts';
import { shrink } from './shrink.ts';
import { type Plan, planOf, type Step } from './steps.ts';

/** Runs of a job that keeps losing its worker; small, so that dialogues reach it. */
const JOB_RETRIES = 3;

export interface ArenaOptions {
  /** What is compared with gearmand: ours, or gearmand itself to test the harness. */
  readonly kind: ServerKind;
  readonly threads: number;
  /** Workers with several functions; needs 1.1.20's order and at most one shard. */
  readonly isMulti: boolean;
  readonly native?: boolean;
}

export interface Failure {
  readonly seed: number;
  /** Seed, transcript and difference, ready to print. */
  readonly report: string;
}

let dialogueCount = 0;

export class Arena {
  readonly #options: ArenaOptions;
  #reference: TestServer | null = null;
  #other: TestServer | null = null;
  #played = 0;
  #leftOver = 0;

  constructor(options: ArenaOptions) {
    this.#options = options;
  }

  /** Plays the dialogue of a seed; a failure is shrunk first. */
  async play(seed: number, stepCount: number): Promise<Failure | null> {
    const plan = planOf(seed, stepCount);
    let difference = await this.#playOnce(plan);
    if (difference?.isReferenceGone === true) {
      // Not a difference yet: gearmand has ended. Twice would be something to leave out by name.
      console.warn(`dialogue ${seed}: ${difference.what}`);
      difference = await this.#playOnce(plan);
    }
    if (difference === null) return null;
    // A replay has other function names, so with several shards it may pass where the first run failed.
    const attempts = this.#options.threads > 1 ? 4 : 1;
    const replay = async (steps: readonly Step[]): Promise<Difference | null> => {
      let found: Difference | null = null;
      for (let i = 0; i < attempts && found === null; i++) {
        found = await this.#playOnce({ ...plan, steps });
      }
      return found;
    };
    const fails = async (steps: readonly Step[]): Promise<boolean> =>
      (await replay(steps)) !== null;
    // A difference that does not come back is shown as it was.
    const steps = (await fails(plan.steps)) ? await shrink(plan.steps, fails) : plan.steps;
    const smallest = await replay(steps);
    return { seed, report: reportOf(seed, smallest ?? difference, smallest === null) };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#reference?.stop(), this.#other?.stop()]);
    this.#reference = null;
    this.#other = null;
  }

  async #playOnce(plan: Plan): Promise<Difference | null> {
    const servers = await this.#servers();
    const { difference, leftOver } = await playDialogue(plan, {
      servers,
      prefix: `d${++dialogueCount}-`,
      isMulti: this.#options.isMulti,
      jobRetries: JOB_RETRIES,
      hasShards: this.#options.kind === 'geartrain' && this.#options.threads > 0,
    });
    this.#played++;
    this.#leftOver = leftOver;
    if (difference?.isBroken === true) await this.stop();
    return difference;
  }

  async #servers(): Promise<readonly [TestServer, TestServer]> {
    if (this.#reference !== null && (this.#played % 50 === 0 || this.#leftOver > 40)) {
      await this.#reference.stop();
      this.#reference = null;
      this.#leftOver = 0;
    }
    this.#reference ??= await startServer('gearmand', { args: [`--job-retries=${JOB_RETRIES}`] });
    this.#other ??= await startServer(this.#options.kind, this.#otherOptions());
    return [this.#reference, this.#other];
  }

  #otherOptions(): ServerOptions {
    const { kind, isMulti, threads, native } = this.#options;
    const args = [`--job-retries=${JOB_RETRIES}`];
    if (kind === 'gearmand') return { threads: 1, args };
    // A woken worker that takes its time stays woken: dialogues are not to depend on the clock.
    args.push('--wakeup-delay=3600000');
    if (isMulti) args.push('--job-order=1.1.20');
    return { threads, args, ...(native !== undefined && { native }) };
  }
}

function reportOf(seed: number, difference: Difference, isFleeting: boolean): string {
  const lines = difference.transcript.map((line) => `  ${line}`).join('\n');
  const note = isFleeting ? ' (did not come back in a replay)' : '';
  return `dialogue ${seed}${note}\n${lines}\n${difference.what}`;
}
