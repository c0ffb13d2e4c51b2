/**
 * The policies of a simulated server: the real book, and beside it a plain record of what operators have said, against
 * which gates are checked. Rule: between an answer and the next command nobody may see anything else than was said.
 */

import { isDeepStrictEqual } from 'node:util';
import type { GateSettings } from '../../../src/policy/gate-settings.ts';
import type { PolicyCommand } from '../../../src/policy/policy-command.ts';
import { parsePolicyRule } from '../../../src/policy/rule.ts';
import type { RunPolicy } from '../../../src/policy/run-policy.ts';
import { PolicyBook } from '../../../src/server/policies/policy-book.ts';
import type { Plan } from '../plan.ts';
import { ensure } from '../transcript.ts';

/** What a function may do. */
export interface Wanted {
  readonly concurrency: number;
  /** Milliseconds from start to start; 0 = no rate. */
  readonly intervalMs: number;
  readonly burst: number;
  readonly isPaused: boolean;
  readonly isDraining: boolean;
  readonly runs: RunPolicy | null;
}

/** Texts of the keys. */
type Keys = ReadonlyMap<string, string>;

interface Said {
  readonly keys: Keys;
  readonly isPaused: boolean;
  readonly isDraining: boolean;
}

const NOTHING: Said = { keys: new Map(), isPaused: false, isDraining: false };

export class Policies {
  readonly book: PolicyBook;
  /** Functions that were drained at some time. */
  readonly drained = new Set<string>();
  /** Functions whose runs had a timeout at some time, and those whose failed runs were tried again. */
  readonly timed = new Set<string>();
  readonly tried = new Set<string>();
  /** Nobody may close a gate any more. */
  isOver = false;
  readonly #given = new Map<string, Keys>();
  readonly #said = new Map<string, Said>();
  /** Commands of a function that are not answered. */
  readonly #underWay = new Map<string, number>();

  constructor(
    plan: Plan,
    now: () => number,
    ownerOf: (name: string) => number,
    apply: (settings: GateSettings, done: () => void) => void,
  ) {
    for (const rule of plan.policies) {
      const [name, text] = rule.split('=') as [string, string];
      this.#given.set(name, keysOf(text));
      this.#noteRuns(name);
    }
    this.book = new PolicyBook({
      policies: plan.policies.map(parsePolicyRule),
      aliases: [],
      folder: null,
      isLocked: false,
      queueType: plan.hasStore ? 'journal' : 'builtin',
      upgradeStore: () => {},
      log: { level: 0, log: () => {} },
      now,
      apply,
      ownerOf,
    });
  }

  /** Runs a command of an operator. */
  run(command: PolicyCommand, done: (answer: string) => void): void {
    const { kind, name } = command;
    if (kind !== 'show') this.#note(command);
    this.#count(name, 1);
    this.book.run(command, (answer) => {
      this.#count(name, -1);
      ensure(kind === 'show' || answer.startsWith('OK '), () => `${kind} ${name}: ${answer}`);
      done(answer);
    });
  }

  /** What holds for a function; undefined while a command about it is under way. */
  surely(name: string): Wanted | undefined {
    return (this.#underWay.get(name) ?? 0) > 0 ? undefined : this.#wanted(name);
  }

  /** The policy about runs that a function has had all the time; null when it has none, or operators have changed it. */
  runsOfAlways(name: string): RunPolicy | null {
    return this.#said.has(name) ? null : this.#wanted(name).runs;
  }

  #keys(name: string): Keys {
    const { keys } = this.#said.get(name) ?? NOTHING;
    return new Map([...(this.#given.get(name) ?? []), ...keys]);
  }

  #noteRuns(name: string): void {
    const runs = runsOf(this.#keys(name));
    if (runs !== null) this.tried.add(name);
    if (runs !== null && runs.timeoutMs > 0) this.timed.add(name);
  }

  #wanted(name: string): Wanted {
    const { isPaused, isDraining } = this.#said.get(name) ?? NOTHING;
    const keys = this.#keys(name);
    const [perSecond = 0] = (keys.get('rate') ?? '0/s').split('/').map(Number);
    return {
      concurrency: Number(keys.get('concurrency') ?? 0),
      intervalMs: perSecond === 0 ? 0 : 1000 / perSecond,
      burst: Number(keys.get('burst') ?? Math.max(1, Math.floor(perSecond / 100))),
      isPaused,
      isDraining,
      runs: runsOf(keys),
    };
  }

  #note({ kind, name, policy = '' }: PolicyCommand): void {
    const said = this.#said.get(name) ?? NOTHING;
    const change: Partial<Said> =
      kind === 'set'
        ? { keys: new Map([...said.keys, ...keysOf(policy)]) }
        : kind === 'reset'
          ? { keys: new Map() }
          : kind === 'resume'
            ? { isPaused: false, isDraining: false }
            : kind === 'pause'
              ? { isPaused: true }
              : { isDraining: true };
    if (kind === 'drain') this.drained.add(name);
    this.#said.set(name, { ...said, ...change });
    this.#noteRuns(name);
  }

  #count(name: string, by: number): void {
    this.#underWay.set(name, (this.#underWay.get(name) ?? 0) + by);
  }
}

function keysOf(text: string): Keys {
  return new Map(
    text.split(',').map((part) => /^([a-z_]+):(.*)$/.exec(part)?.slice(1) as [string, string]),
  );
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, d: 86_400_000 };

function msOf(text: string): number {
  const [, count, unit = ''] = /^(\d+)(.*)$/.exec(text) as RegExpExecArray;
  return Number(count) * (UNIT_MS[unit] ?? 0);
}

/** What the keys say about runs, see docs/retries.md. */
function runsOf(keys: Keys): RunPolicy | null {
  if (!['attempts', 'timeout', 'dead', 'dead_age'].some((key) => keys.has(key))) return null;
  const [kind, first, last = ''] = (keys.get('backoff') ?? 'exp:1s:3600s').split(':');
  const firstMs = msOf(first as string);
  return {
    attempts: Number(keys.get('attempts') ?? 1),
    backoff: kind === 'exp' ? { firstMs, maxMs: msOf(last) } : { timesMs: [firstMs] },
    jitter: Number(keys.get('jitter') ?? 0.5),
    timeoutMs: msOf(keys.get('timeout') ?? '0'),
    isForeground: keys.get('fg') === '1',
    deadMax: Number(keys.get('dead') ?? 10_000),
    deadAgeMs: msOf(keys.get('dead_age') ?? '30d'),
    deadBytesMax: 64 << 20,
  };
}

/** Whether nothing is ever refused, held back or tried again. */
export function isOpen(wanted: Wanted): boolean {
  const { concurrency, intervalMs, isPaused, isDraining, runs } = wanted;
  return concurrency === 0 && intervalMs === 0 && !isPaused && !isDraining && runs === null;
}

/** The gate that a function has must be the one that operators want. */
export function ensureGate(name: string, found: Wanted | undefined, wanted: Wanted): void {
  const isRight =
    found === undefined
      ? isOpen(wanted)
      : found.concurrency === wanted.concurrency &&
        found.isPaused === wanted.isPaused &&
        found.isDraining === wanted.isDraining &&
        found.intervalMs === wanted.intervalMs &&
        (found.intervalMs === 0 || found.burst === wanted.burst) &&
        isDeepStrictEqual(found.runs, wanted.runs);
  ensure(
    isRight,
    () => `gate of ${name}: is ${JSON.stringify(found)}, operators want ${JSON.stringify(wanted)}`,
  );
}
