/**
 * What runs a server: state, threads and listeners, wired together. Rule: a start that fails uses them up, because jobs
 * may have been read back in part; then `abandon` ends them and the next attempt begins with another engine.
 */
import type { Logger } from '../base/logger.ts';
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
import type { Secrets } from './secrets.ts';
import type { ServerState } from './state.ts';
import { Supervisor } from './supervisor.ts';
import { configMaker } from './thread-config.ts';

/** What is owed to peers when the server closes may still leave for so long. */
const CLOSE_MS = 2_000;
/** A shard that has not ended by itself after so long is killed: one that has little to do, one that stores its jobs. */
const STOP_MS = 2_500;
const STORING_MS = 600_000;

export interface EngineOptions {
  readonly options: ResolvedOptions;
  readonly native: ExplainedChoice;
  readonly log: Logger;
  readonly secrets: Secrets;
  /** Runs a turn of the caller's thread; decides what a thrown error does. */
  guard(turn: () => void): void;
  /** Shards cannot be kept alive, or jobs cannot be kept any more. */
  onFatal(error: Error): void;
  /** Throws when nothing may listen any more. */
  refuseClosed(): void;
  /** Where the server listens besides its listeners. */
  otherAddresses(): readonly BoundAddress[];
  /** Hears, with an errno name, that nobody can be accepted now. */
  acceptFailed(code: string): void;
}

export class Engine {
  readonly core: ThreadCore;
  readonly supervisor: Supervisor | null;
  readonly listeners: Listeners;
  /** Where background jobs are kept; null in memory. */
  readonly keptIn: string | null;
  readonly #state: ServerState;
  readonly #secrets: Secrets;
  readonly #guard: (turn: () => void) => void;
  readonly #warmUp: () => Promise<void>;
  /** Nothing runs here any more, and nothing ever will. */
  isSpent = false;
  /** Jobs that were to be stored when it stopped and could not be. */
  lostJobs = 0;

  /** Throws when there is a state directory that this version cannot read. */
  constructor(engineOptions: EngineOptions) {
    const { options, native, log, secrets, guard, onFatal, refuseClosed, acceptFailed } =
      engineOptions;
    this.#guard = guard;
    this.#secrets = secrets;
    this.#state = createState(options, log, onFatal);
    const configOf = configMaker(options, native.kind, this.#state, secrets);
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
      guard,
    );
    this.#warmUp = () => warmUp(native, config, config.warmUpMs, log);
    const { backlog, socketMode } = options;
    this.listeners = new Listeners(this.core.reactor, log, {
      ...{ backlog, socketMode, refuseClosed, otherAddresses: engineOptions.otherAddresses },
      listenSecurely: secureListening(this.core.table, native, config, acceptFailed),
    });
  }

  /** Everything but the listeners: jobs that a store kept are back before anybody is served. */
  async start(): Promise<void> {
    await this.#state.open();
    await Promise.all([this.supervisor?.start(this.core), this.#warmUp()]);
    await this.core.restore();
  }

  /** Files were read again: tells every thread. */
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

  /** Ends what a failed start has left. */
  async abandon(): Promise<void> {
    this.isSpent = true;
    await this.supervisor?.stop();
    await this.core.closeStore();
    await this.core.destroy();
    this.supervisor?.close();
    await this.#state.close();
  }

  /** Ends everything: what was read is handled, what is owed is sent. */
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

  /** Behind `stop`. */
  async dispose(): Promise<void> {
    await this.core.destroy();
    this.supervisor?.close();
    await this.#state.close();
  }
}
