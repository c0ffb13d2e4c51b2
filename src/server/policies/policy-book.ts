/**
 * The policies and states of all functions, in the main thread: those of the options, and over them, key by key, what
 * operators have changed at run time. Rule: a change is kept (policy-file.ts), then passed to the owner of the
 * function, then answered; changes take effect in the order of the commands.
 */
import { join } from 'node:path';
import { type Logger, LogLevel } from '../../base/logger.ts';
import { escapeName } from '../../policy/function-name.ts';
import { type GateSettings, gateSettings } from '../../policy/gate-settings.ts';
import {
  type Policy,
  PolicyError,
  type PolicyKeyName,
  parsePolicy,
  policyTexts,
  showPolicy,
} from '../../policy/policy.ts';
import {
  PAUSE_SECONDS_MAX,
  type PolicyAnswer,
  type PolicyChange,
  type PolicyCommand,
} from '../../policy/policy-command.ts';
import type { AliasRule, PolicyRule } from '../../policy/rule.ts';
import { runPolicyOf } from '../../policy/run-policy.ts';
import { type StateLock, takeStateDir } from '../../store/state-lock.ts';
import { type Change, POLICY_FILE, readChanges, writeChanges } from './policy-file.ts';
import { unkeptProblem } from './unkept.ts';

/** Functions whose policy or state operators may change: each change writes all of them. */
const CHANGES_MAX = 10_000;
/** The longest name of such a function. */
const NAME_BYTES_MAX = 512;
/** Rows of the list of all functions that are made in one turn. */
const LISTED_AT_ONCE = 500;
/** Pauses that end at once; the others follow in turns of their own. */
const ENDED_AT_ONCE = 256;
/** setTimeout fires at once for longer times. */
const TIMER_MS_MAX = 2 ** 31 - 1;

const UNCHANGED: Change = { policy: {}, isPaused: false, pausedUntilMs: 0, isDraining: false };

export interface PolicyBookOptions {
  readonly policies: readonly PolicyRule[];
  readonly aliases: readonly AliasRule[];
  /** The state directory; null = changes are not kept. */
  readonly folder: string | null;
  /** Whether the directory has been taken for this server when `open` is called. */
  readonly isLocked: boolean;
  readonly queueType: string;
  readonly log: Logger;
  /** Wall clock in milliseconds. */
  now(): number;
  /** Prepares the store for jobs with runs, durably; throws when it cannot. Called before the first policy about runs. */
  upgradeStore(): void;
  /** Passes the gate of a function to its owner; calls `done` when it has taken effect, or its owner does not run. */
  apply(settings: GateSettings, done: () => void): void;
  /** The thread that owns the function. */
  ownerOf(name: string): number;
}

interface Pending {
  readonly command: PolicyCommand;
  readonly done: PolicyAnswer;
  /** Set when it is accepted. */
  change?: PolicyChange;
}

/** A command is refused; the message is the answer. */
class Refusal extends Error {
  readonly code: 'REFUSED' | 'CHANGED';

  constructor(text: string, code: Refusal['code'] = 'REFUSED') {
    super(text);
    this.code = code;
  }
}

export class PolicyBook {
  readonly #options: PolicyBookOptions;
  /** Policies of the options, by name. */
  readonly #given = new Map<string, Policy>();
  readonly #aliases: ReadonlyMap<string, AliasRule>;
  #changes = new Map<string, Change>();
  #pending: Pending[] = [];
  #isWorking = false;
  #working: Promise<void> = Promise.resolve();
  #lock: StateLock | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** Wall-clock time of the timer. */
  #timerAtMs = Number.POSITIVE_INFINITY;
  /** Functions that were changed since the gates of a thread that starts were read, by thread. */
  readonly #starting = new Map<number, Set<string>>();

  constructor(options: PolicyBookOptions) {
    this.#options = options;
    for (const { name, policy } of options.policies)
      this.#given.set(name, { ...this.#given.get(name), ...policy });
    this.#aliases = new Map(options.aliases.map((alias) => [alias.name, alias]));
  }

  /** Takes the state directory and reads what was kept. Rejects with a sentence for the operator. */
  async open(): Promise<void> {
    const { folder, isLocked } = this.#options;
    if (folder !== null) {
      if (!isLocked) this.#lock = await takeStateDir(folder);
      this.#changes = readChanges(folder);
      this.#refuseUnkept(folder);
      this.#takeEnded(Number.POSITIVE_INFINITY);
      this.#tellHidden();
    }
    this.#upgradeFor(this.#given.values());
    this.#upgradeFor(policiesOf(this.#changes));
    this.#setTimer();
  }

  /** Throws when policies of the file are about runs, which the store would forget. */
  #refuseUnkept(folder: string): void {
    for (const [name, { policy }] of this.#changes) {
      const problem = unkeptProblem(policy, this.#options.queueType);
      if (problem !== null)
        throw new Error(
          `option --state-dir: ${join(folder, POLICY_FILE)}: function ${escapeName(name)}: ${problem}`,
        );
    }
  }

  /** Prepares the store when one of the policies is about runs. */
  #upgradeFor(policies: Iterable<Policy>): void {
    for (const policy of policies) {
      if (runPolicyOf(policy) === null) continue;
      this.#options.upgradeStore();
      return;
    }
  }

  /** Logs the values of the options that are hidden by others of the file. */
  #tellHidden(): void {
    const { log } = this.#options;
    for (const [name, { policy }] of this.#changes) {
      for (const [key, given] of policyTexts(this.#given.get(name) ?? {})) {
        const changed = policyTexts(policy).find(([other]) => other === key)?.[1];
        if (changed === undefined || changed === given) continue;
        log.log(
          LogLevel.NOTICE,
          `policy of ${escapeName(name)}: ${key}:${given} of the options is hidden by ${key}:${changed}, which was set at run time; \`policy ${escapeName(name)} reset\` removes it`,
        );
      }
    }
  }

  /** Carries out the commands that have been given, then releases the directory. Call while threads can be reached. */
  async close(): Promise<void> {
    await this.#working;
    clearTimeout(this.#timer);
    await this.#lock?.release();
    this.#lock = null;
  }

  /**
   * The gates of a thread that is about to start; `thread` owns the functions. Changes from now on until `started` are
   * passed on again then.
   */
  gatesOf(thread: number): GateSettings[] {
    this.#starting.set(thread, new Set());
    const names = new Set([...this.#given.keys(), ...this.#changes.keys()]);
    return [...names]
      .filter((name) => this.#options.ownerOf(name) === thread)
      .map((name) => this.#gateOf(name));
  }

  /** The thread runs. */
  started(thread: number): void {
    const missed = this.#starting.get(thread) ?? [];
    this.#starting.delete(thread);
    for (const name of missed) this.#options.apply(this.#gateOf(name), () => {});
  }

  /**
   * Carries out a command, outside of a turn; `done` gets the lines of the answer, in the form of the text protocol,
   * of a list of all without the final `.`.
   */
  run(command: PolicyCommand, done: PolicyAnswer): void {
    if (command.kind === 'show') {
      if (command.name === '') this.#showAll(command.cursor ?? 0, done);
      else done(this.#show(command.name));
      return;
    }
    this.#pending.push({ command, done });
    if (!this.#isWorking) this.#working = this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      const carriedOut = this.#carryOut(batch);
      // Without a file it is done already.
      if (this.#options.folder !== null) await carriedOut;
    }
    this.#isWorking = false;
  }

  /** Carries out some commands with one write of the file. */
  async #carryOut(batch: readonly Pending[]): Promise<void> {
    const { folder, log } = this.#options;
    const changes = new Map<string, Change>();
    const accepted: Pending[] = [];
    for (const pending of batch) {
      try {
        const { name } = pending.command;
        const before = this.#lineOf(changes.get(name) ?? this.#changes.get(name), name);
        this.#change(changes, pending.command);
        pending.change = [before, this.#lineOf(changes.get(name), name)];
        accepted.push(pending);
      } catch (error) {
        if (!(error instanceof Refusal || error instanceof PolicyError)) throw error;
        pending.done(failure(error instanceof Refusal ? error.code : 'INVALID_POLICY', error));
      }
    }
    if (accepted.length === 0) return;
    try {
      this.#upgradeFor(policiesOf(changes));
      if (folder !== null) await writeChanges(folder, this.#with(changes));
    } catch (error) {
      log.log(LogLevel.ERROR, `a policy was not changed: ${(error as Error).message}`);
      for (const { done } of accepted) done(failure('NOT_KEPT', error as Error));
      return;
    }
    for (const [name, change] of changes) {
      put(this.#changes, name, change);
      if (change.pausedUntilMs > 0) this.#wakeAt(change.pausedUntilMs);
    }
    for (const { command, done, change } of accepted) {
      log.log(LogLevel.NOTICE, describe(command));
      const answer = folder === null ? 'OK until+the+server+ends\r\n' : 'OK\r\n';
      this.#apply(command.name, () => done(answer, 0, change));
    }
  }

  /** All changes with those of some commands. */
  #with(changes: ReadonlyMap<string, Change>): Map<string, Change> {
    const all = new Map(this.#changes);
    for (const [name, change] of changes) put(all, name, change);
    return all;
  }

  #apply(name: string, done: () => void): void {
    for (const names of this.#starting.values()) names.add(name);
    this.#options.apply(this.#gateOf(name), done);
  }

  /** Adds what the command changes to `changes`. Throws Refusal and PolicyError. */
  #change(changes: Map<string, Change>, command: PolicyCommand): void {
    const { kind, name, policy = '', seconds = 0, expected } = command;
    const alias = this.#aliases.get(name);
    if (alias !== undefined)
      throw new Refusal(`${escapeName(name)} is an alias of ${escapeName(alias.target)}`);
    const before = changes.get(name) ?? this.#changes.get(name) ?? UNCHANGED;
    if (expected !== undefined && steady(expected) !== steady(this.#show(name, before)))
      throw new Refusal(`the policy of ${escapeName(name)} has been changed meanwhile`, 'CHANGED');
    const after = { ...before };
    if (kind === 'set') after.policy = { ...before.policy, ...this.#kept(parsePolicy(policy)) };
    else if (kind === 'reset') after.policy = {};
    else if (kind === 'drain') after.isDraining = true;
    else {
      after.isPaused = kind === 'pause';
      after.pausedUntilMs = kind === 'pause' ? this.#endOfPause(seconds) : 0;
      if (kind === 'resume') after.isDraining = false;
    }
    if (name.length > NAME_BYTES_MAX)
      throw new Refusal(`the name of the function has over ${NAME_BYTES_MAX} bytes`);
    const isNew = !this.#changes.has(name) && !changes.has(name);
    if (isNew && !isUnchanged(after) && this.#changes.size + changes.size >= CHANGES_MAX)
      throw new Refusal(`${CHANGES_MAX} functions have been changed, the limit`);
    changes.set(name, after);
  }

  /** Throws PolicyError when the store would forget what the policy leads to. */
  #kept(policy: Policy): Policy {
    const problem = unkeptProblem(policy, this.#options.queueType);
    if (problem !== null) throw new PolicyError(problem);
    return policy;
  }

  /** 0 = it does not end by itself. */
  #endOfPause(seconds: number): number {
    if (seconds > PAUSE_SECONDS_MAX)
      throw new Refusal(`a pause lasts at most ${PAUSE_SECONDS_MAX} seconds`);
    return seconds === 0 ? 0 : this.#options.now() + seconds * 1000;
  }

  #gateOf(name: string): GateSettings {
    const { isPaused, isDraining, policy } = this.#changes.get(name) ?? UNCHANGED;
    return gateSettings(name, { ...this.#given.get(name), ...policy }, isPaused, isDraining);
  }

  /** Waits for the next pause that ends by itself. */
  #setTimer(): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const { pausedUntilMs } of this.#changes.values())
      if (pausedUntilMs > 0) next = Math.min(next, pausedUntilMs);
    this.#wakeAt(next);
  }

  /** Lets the timer end no later than then. */
  #wakeAt(wallMs: number): void {
    if (wallMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = wallMs;
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(0, wallMs - this.#options.now()));
    this.#timer = setTimeout(() => this.#endPauses(), delayMs).unref();
  }

  #endPauses(): void {
    for (const name of this.#takeEnded(ENDED_AT_ONCE)) {
      this.#options.log.log(LogLevel.NOTICE, `${escapeName(name)} goes on`);
      this.#apply(name, () => {});
    }
    this.#setTimer();
  }

  /**
   * Ends pauses whose time is over, at most `countMax`; returns the names. The file need not change: it has the time.
   */
  #takeEnded(countMax: number): string[] {
    const now = this.#options.now();
    const ended: string[] = [];
    for (const [name, change] of this.#changes) {
      if (ended.length >= countMax) break;
      if (change.pausedUntilMs === 0 || change.pausedUntilMs > now) continue;
      put(this.#changes, name, { ...change, isPaused: false, pausedUntilMs: 0 });
      ended.push(name);
    }
    return ended;
  }

  #showAll(cursor: number, done: PolicyAnswer): void {
    const names = new Set([...this.#given.keys(), ...this.#changes.keys()]);
    const end = cursor + LISTED_AT_ONCE;
    const listed = [...names].sort().slice(cursor, end);
    const rows = listed.map((name) => {
      const change = this.#changes.get(name) ?? UNCHANGED;
      const text = showPolicy({ ...this.#given.get(name), ...change.policy });
      return `${escapeName(name)}\t${text === '' ? '-' : text}\t${this.#stateOf(change)}\n`;
    });
    done(rows.join(''), end < names.size ? end : 0);
  }

  /** Policy and state in one line. */
  #lineOf(change: Change | undefined, name: string): string {
    const { policy } = change ?? UNCHANGED;
    const text = showPolicy({ ...this.#given.get(name), ...policy });
    return `${text === '' ? '-' : text} ${this.#stateOf(change)}`;
  }

  #show(name: string, change = this.#changes.get(name) ?? UNCHANGED): string {
    const { policy } = change;
    const given = this.#given.get(name) ?? {};
    const changed = new Set<PolicyKeyName>(policyTexts(policy).map(([key]) => key));
    const rows = policyTexts({ ...given, ...policy }).map(
      ([key, text]) => `${key}\t${text}\t${changed.has(key) ? 'command' : 'option'}\n`,
    );
    return `${rows.join('')}state\t${this.#stateOf(change)}\t-\n.\n`;
  }

  /** `open`, `paused`, `draining` or both; a pause that ends by itself with its seconds, as `paused:60`. */
  #stateOf(change: Change = UNCHANGED): string {
    const { isPaused, pausedUntilMs, isDraining } = change;
    const leftMs = Math.max(0, pausedUntilMs - this.#options.now());
    const paused = pausedUntilMs === 0 ? 'paused' : `paused:${Math.ceil(leftMs / 1000)}`;
    const words = [...(isPaused ? [paused] : []), ...(isDraining ? ['draining'] : [])];
    return words.join(',') || 'open';
  }
}

/** What `show` answers, without the seconds of a pause, which go down by themselves. */
function steady(shown: string): string {
  return shown.replace(/paused:\d+/, 'paused:');
}

/** A function without changes has no entry. */
function put(changes: Map<string, Change>, name: string, change: Change): void {
  if (isUnchanged(change)) changes.delete(name);
  else changes.set(name, change);
}

function isUnchanged({ policy, isPaused, isDraining }: Change): boolean {
  return !isPaused && !isDraining && showPolicy(policy) === '';
}

function* policiesOf(changes: ReadonlyMap<string, Change>): Generator<Policy> {
  for (const { policy } of changes.values()) yield policy;
}

/** `ERR CODE a+sentence`. */
function failure(code: string, { message }: Error): string {
  return `ERR ${code} ${message.replace(/[\r\n]/g, ' ').replaceAll(' ', '+')}\r\n`;
}

function describe({ kind, name, policy, seconds = 0 }: PolicyCommand): string {
  const what = escapeName(name);
  if (kind === 'set') return `policy of ${what}: ${policy}`;
  if (kind === 'reset') return `policy of ${what}: that of the options again`;
  if (kind === 'pause') return `${what} is paused${seconds > 0 ? ` for ${seconds} s` : ''}`;
  return kind === 'drain' ? `${what} takes no new jobs` : `${what} goes on`;
}
