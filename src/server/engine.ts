/**
 * State, threads and listeners of a server, wired together. Rule: a failed start makes them unusable, because some
 * jobs may have been restored; `abandon` ends them and the next attempt uses another engine.
 */
import { bytesOf } from '../base/bytes.ts';
import type { Logger } from '../base/logger.ts';
import { parseAliasRule, parsePolicyRule } from '../policy/rule.ts';
import { shardOfName } from '../protocol/shard-of.ts';
import type { AuditedCommand } from '../session/thread-queries.ts';
import { assembleThread, NO_RINGS } from '../shard/assemble.ts';
import type { ExplainedChoice } from '../shard/choose-native.ts';
import type { ThreadCore } from '../shard/thread-core.ts';
import { closeSessions } from '../shard/thread-end.ts';
import { secureListening } from '../shard/tls-listener.ts';
import { warmUp } from '../shard/warm-up.ts';
import { createState } from './create-state.ts';
import type { BoundAddress } from './listen-error.ts';
import { Listeners } from './listeners.ts';
import type { ResolvedOptions } from './options.ts';
import { PolicyBook } from './policies/policy-book.ts';
import type { Secrets } from './secrets.ts';
import type { ServerState } from './state.ts';
import { keptDirOf } from './state-dir.ts';
import { Supervisor } from './supervisor.ts';
import { configMaker } from './thread-config.ts';

/** How long peers may take to read their last replies when the server closes. */
const CLOSE_MS = 2_000;
/** A shard that has not ended after this time is killed. A shard that stores its jobs at the end gets STORING_MS. */
const STOP_MS = 2_500;
const STORING_MS = 600_000;

export interface EngineOptions {
  readonly options: ResolvedOptions;
  readonly native: ExplainedChoice;
  readonly log: Logger;
  readonly secrets: Secrets;
  /** Runs a turn of the caller's thread and handles its errors. */
  guard(turn: () => void): void;
  /** Called when shards cannot be kept alive, or jobs can no longer be kept. */
  onFatal(error: Error): void;
  /** Throws when the server no longer listens. */
  refuseClosed(): void;
  /** Addresses of the server besides those of its listeners. */
  otherAddresses(): readonly BoundAddress[];
  /** Called with an errno name when no connection can be accepted now. */
  acceptFailed(code: string): void;
  /** Writes a change by a text command into the audit log. */
  audit(entry: AuditedCommand): void;
}

export class Engine {
  readonly core: ThreadCore;
  readonly supervisor: Supervisor | null;
  readonly listeners: Listeners;
  /** Where background jobs are kept; null in memory. */
  readonly keptIn: string | null;
  readonly #state: ServerState;
  readonly #secrets: Secrets;
  readonly #policies: PolicyBook;
  readonly #guard: (turn: () => void) => void;
  readonly #warmUp: () => Promise<void>;
  /** The engine has ended and cannot be used again. */
  isSpent = false;
  /** Jobs that could not be stored at the end. */
  lostJobs = 0;

  /** Throws when this version cannot read the state directory. */
  constructor(engineOptions: EngineOptions) {
    const { options, native, log, secrets, guard, onFatal, refuseClosed, acceptFailed } =
      engineOptions;
    this.#guard = guard;
    this.#secrets = secrets;
    this.#state = createState(options, log, onFatal);
    this.#policies = this.#makePolicies(options, log);
    const configOf = configMaker(options, native.kind, this.#state, secrets, (thread) =>
      thread === 0 ? [] : this.#policies.gatesOf(thread),
    );
    const shardCount = options.threads;
    const { keptIn } = this.#state;
    this.keptIn = keptIn;
    this.supervisor =
      shardCount === 0
        ? null
        : new Supervisor({
            shardCount,
            native,
            log,
            configOf,
            started: (thread) => this.#policies.started(thread),
            keptIn,
            stopMs: options.storeQueueOnShutdown ? STORING_MS : STOP_MS,
            onFatal,
          });
    const config = configOf(0);
    this.core = assembleThread(
      config,
      native,
      this.supervisor?.rings ?? NO_RINGS,
      log,
      acceptFailed,
      {
        guard,
        // After the turn: a gate of this thread changes between two turns.
        runPolicyCommand: (command, done) =>
          queueMicrotask(() => this.#policies.run(command, done)),
        audit: engineOptions.audit,
      },
    );
    this.#warmUp = () => warmUp(native, config, config.warmUpMs, log);
    const { backlog, socketMode } = options;
    this.listeners = new Listeners(this.core.reactor, log, {
      ...{ backlog, socketMode, refuseClosed, otherAddresses: engineOptions.otherAddresses },
      listenSecurely: secureListening(this.core.table, native, config, acceptFailed),
    });
  }

  /** Starts everything but the listeners: stored jobs are restored before any peer is served. */
  async start(): Promise<void> {
    await this.#state.open();
    await this.#policies.open();
    this.core.setGates(this.#policies.gatesOf(0));
    this.#policies.started(0);
    await Promise.all([this.supervisor?.start(this.core), this.#warmUp()]);
    await this.core.restore();
  }

  #makePolicies(options: ResolvedOptions, log: Logger): PolicyBook {
    const { threads } = options;
    const { hashSeed } = this.#state;
    return new PolicyBook({
      policies: options.policies.map(parsePolicyRule),
      aliases: options.aliases.map(parseAliasRule),
      folder: keptDirOf(options),
      isLocked: options.queueType === 'journal',
      queueType: options.queueType,
      log,
      upgradeStore: () => this.#state.upgrade(),
      now: () => Date.now(),
      apply: (settings, done) => this.core.changeGate(settings, done),
      ownerOf: (name) => shardOfName(bytesOf(name), hashSeed, threads),
    });
  }

  /** Passes newly read files to every thread. */
  renewSecrets(): void {
    const { tls, tokens } = this.#secrets;
    if (tls !== null) {
      this.core.tlsConnections?.renew(tls);
      this.supervisor?.renewTls(tls);
    }
    if (tokens !== null) {
      this.core.renewTokens(tokens);
      this.supervisor?.renewTokens(tokens);
    }
  }

  /** Ends the rest of a failed start. */
  async abandon(): Promise<void> {
    this.isSpent = true;
    await this.#policies.close();
    await this.supervisor?.stop();
    await this.core.closeStore();
    await this.core.destroy();
    this.supervisor?.close();
    await this.#state.close();
  }

  /** Handles received packets, sends pending replies, then ends everything. */
  async stop(): Promise<void> {
    this.isSpent = true;
    const { reactor } = this.core;
    reactor.pauseReading(true);
    await this.supervisor?.stop();
    this.#guard(() => this.core.takeRecords());
    this.lostJobs = (await this.core.closeStore()) + (this.supervisor?.lostJobs ?? 0);
    reactor.pauseReading(false);
    await closeSessions(this.core.table, CLOSE_MS);
  }

  /** Call after `stop`. */
  async dispose(): Promise<void> {
    await this.#policies.close();
    await this.core.destroy();
    this.supervisor?.close();
    await this.#state.close();
  }
}
