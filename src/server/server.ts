/**
 * Composition root: wires options, threads and listeners to a server that can be embedded any number of times.
 * `threads: 0` runs everything in the caller's thread; an error in a turn then ends the server, never the process.
 */
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { type Logger, LogLevel, nullLogger } from '../base/logger.ts';
import type { HttpAddress } from '../http/gateway.ts';
import type { FirstMessageQueues } from '../http/http-listener.ts';
import type { ControlAddress } from '../http/options.ts';
import { OptionError } from '../option/error.ts';
import { Incident } from '../session/incidents.ts';
import type { ThreadStats } from '../session/thread-queries.ts';
import { attachInProcess } from '../shard/attach.ts';
import { chooseNative, type ExplainedChoice } from '../shard/choose-native.ts';
import { InProcessStream } from '../transport/in-process/stream.ts';
import { AuditLog } from './audit-log.ts';
import { ServerClosedError } from './closed-error.ts';
import type { ControlledServer, OpenControl } from './control-plane.ts';
import { untilDrained } from './drain.ts';
import { Engine } from './engine.ts';
import type { HttpProtocol } from './http-protocol.ts';
import { reportNow } from './http-refusals.ts';
import { version } from './identity.ts';
import { type BoundAddress, listenError } from './listen-error.ts';
import { targetsOf } from './listen-targets.ts';
import { optionFacts } from './option-facts.ts';
import type { ServerOptions } from './options/server-options.ts';
import { type ResolvedOptions, resolveOptions } from './options.ts';
import { type SecretFiles, Secrets } from './secrets.ts';
import { totalOf } from './total-of.ts';
import type { ListenRequest, Server, ServerAddress, ServerStats } from './types.ts';

/**
 * Makes a job server. It does not listen and starts no threads before `listen`. Throws OptionError
 * (`ERR_GEARMAN_OPTION`) for an invalid option and NoAddonError (`ERR_GEARTRAIN_NO_ADDON`) when `native` is `on` and
 * the addon does not load.
 */
export function createServer(options: ServerOptions = {}): Server {
  return createServerWith(options, undefined, null);
}

/**
 * Like createServer, with the content of secret files that this process read while it had the right to; `undefined`:
 * reads them now. `origins`: where options were given, by key; null: all by the program.
 */
export function createServerWith(
  options: ServerOptions,
  files: SecretFiles | undefined,
  origins: ReadonlyMap<string, string> | null,
): Server {
  const given = Object.keys(options).map((key): [string, string] => [key, 'program']);
  const from = origins ?? new Map(given);
  return new GearServer(resolveOptions(options), options.logger ?? nullLogger, files, from);
}

class GearServer extends EventEmitter implements Server {
  readonly kind: 'addon' | 'twin';
  readonly kindReason: string;
  readonly threads: number;
  readonly closed: Promise<void>;
  readonly #options: ResolvedOptions;
  readonly #log: Logger;
  readonly #native: ExplainedChoice;
  readonly #secrets: Secrets;
  readonly #audit: AuditLog;
  /** Where options were given, by key. */
  readonly #origins: ReadonlyMap<string, string>;
  #engine: Engine;
  #starting: Promise<void> | null = null;
  #abandoned: Promise<void> | null = null;
  #http: HttpProtocol | null = null;
  #control: OpenControl | null = null;
  #draining: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  /** Why the server is ending by itself. */
  #failure: Error | null = null;
  #settle: (failure: Error | null) => void = () => {};

  /** Reports that no connection can be accepted now. Peers wait until others have left; accepting is tried again. */
  readonly #acceptFailed = (code: string): void => {
    const text = `accept a connection: ${code}`;
    reportNow(this.#engine.core, Incident.descriptors, text);
  };

  constructor(
    options: ResolvedOptions,
    log: Logger,
    files: SecretFiles | undefined,
    origins: ReadonlyMap<string, string>,
  ) {
    super();
    this.#origins = origins;
    this.#options = options;
    this.#log = log;
    this.#native = chooseNative(options.native);
    this.kind = this.#native.kind;
    this.kindReason = this.#native.reason;
    this.threads = options.threads;
    this.closed = new Promise((resolve, reject) => {
      this.#settle = (failure) => (failure === null ? resolve() : reject(failure));
    });
    // A program that does not use `closed` gets a failure from the `error` event or the log.
    this.closed.catch(() => {});
    this.#audit = new AuditLog(options.auditLog, log);
    this.#secrets = new Secrets(options, log, files);
    this.#engine = this.#makeEngine();
  }

  get addresses(): ServerAddress[] {
    return this.#engine.listeners.addresses;
  }

  get address(): ServerAddress | null {
    return this.addresses[0] ?? null;
  }

  get httpAddresses(): readonly HttpAddress[] {
    return this.#http?.addresses ?? [];
  }

  get controlAddress(): ControlAddress | null {
    return this.#control?.address ?? null;
  }

  setLogLevel(level: number): boolean {
    if (this.#log.setLevel === undefined) return false;
    this.#log.setLevel(level);
    this.#engine.supervisor?.setLogLevel(level);
    return true;
  }

  reload(): void {
    this.#secrets.read();
    this.#engine.renewSecrets();
    this.#audit.reopen();
    const { kinds } = this.#secrets;
    this.#control?.renew(this.#secrets);
    if (kinds !== '') this.#log.log(LogLevel.NOTICE, `the files of ${kinds} were read again`);
  }

  async listen(request: ListenRequest = {}): Promise<void> {
    this.#refuseClosed();
    if (request.isSecure === true && this.#secrets.tls === null)
      throw new OptionError(['listen with TLS: the server was made without option ssl']);
    try {
      await this.#openControl();
      this.#starting ??= this.#start();
      await this.#starting;
      const targets = await targetsOf(request, this.#options);
      await this.#engine.listeners.open(targets, () => this.#openHttp());
    } catch (error) {
      // If the server was closed meanwhile, that error explains more.
      this.#refuseClosed();
      throw error;
    }
  }

  connect(): Duplex {
    this.#refuseClosed('connect');
    const stream = new InProcessStream();
    this.#starting ??= this.#start();
    this.#starting.then(
      () => {
        if (this.#closing === null && this.#draining === null)
          attachInProcess(this.#engine.core, stream, true);
        else stream.refuse();
      },
      () => stream.refuse(),
    );
    return stream;
  }

  /** Starts the engine. If that fails, the server is in the same state as before. */
  async #start(): Promise<void> {
    try {
      this.#audit.open();
      if (this.#engine.isSpent) this.#engine = this.#makeEngine();
      await this.#engine.start();
    } catch (error) {
      // A concurrent close still wins.
      if (this.#closing === null) await this.#abandon();
      throw error;
    }
  }

  async #abandon(): Promise<void> {
    if (!this.#engine.isSpent) this.#abandoned = this.#engine.abandon();
    await this.#abandoned;
    this.#starting = null;
    try {
      if (this.#closing === null) this.#engine = this.#makeEngine();
    } catch {
      // The next start tries again and reports the reason.
    }
  }

  #makeEngine(): Engine {
    return new Engine({
      options: this.#options,
      native: this.#native,
      log: this.#log,
      secrets: this.#secrets,
      guard: (turn) => this.#guard(turn),
      onFatal: (error) => this.#fail(error),
      refuseClosed: () => this.#refuseClosed(),
      acceptFailed: this.#acceptFailed,
      otherAddresses: () => this.#otherAddresses(),
      audit: (entry) => this.#audit.note({ ...entry, via: 'text' }),
    });
  }

  #otherAddresses(): BoundAddress[] {
    const control = this.controlAddress;
    return [
      ...(control === null ? [] : [{ option: '--control', at: control }]),
      ...this.httpAddresses.map((at) => ({ option: '--http-port', at })),
    ];
  }

  async stats(): Promise<ServerStats> {
    return totalOf((await this.#askAll()).filter((stats) => stats !== null));
  }

  close(options: { graceful?: boolean } = {}): Promise<void> {
    if (options.graceful === true && this.#closing === null) {
      this.#draining ??= this.#drain();
      return this.#draining;
    }
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Stops accepting and closes as soon as the last job has ended. */
  async #drain(): Promise<void> {
    this.#engine.listeners.closeAll();
    this.#http?.drain();
    // A server that was not started has no jobs.
    if (this.#starting !== null)
      await untilDrained({
        core: this.#engine.core,
        shardCount: this.threads,
        keptIn: this.#engine.keptIn,
        timeoutMs: this.#options.drainTimeout * 1000,
        log: this.#log,
        askAll: () => this.#askAll(),
        isOver: () => this.#starting === null || this.#closing !== null,
      });
    this.#closing ??= this.#close();
    await this.#closing;
  }

  /** Ends everything; `closed` settles afterwards. */
  async #close(): Promise<void> {
    this.#engine.listeners.closeAll();
    this.#http?.drain();
    try {
      await this.#abandoned;
      if (!this.#engine.isSpent) {
        await this.#engine.stop();
        this.#http?.close();
        await this.#engine.dispose();
        refuseLoss(this.#engine.lostJobs);
      }
    } catch (error) {
      this.#failure ??= error as Error;
      throw error;
    } finally {
      this.#http?.close();
      await this.#control?.close();
      this.#audit.close();
      this.#settle(this.#failure);
      this.emit('close');
    }
  }

  /** Opens the control port before the first connection is accepted, so that probes can follow the start. */
  async #openControl(): Promise<void> {
    const { control: wanted } = this.#options;
    if (wanted === null || this.#control !== null) return;
    const { openControl } = await import('./control-plane.ts');
    const secrets = this.#secrets;
    try {
      this.#control = await openControl(this.#controlled(), wanted, this.#options, secrets);
    } catch (error) {
      throw listenError(
        { option: '--control', at: wanted },
        error,
        this.#engine.listeners.boundAddresses,
      );
    }
  }

  async #openHttp(): Promise<void> {
    if (this.#options.protocol !== 'http' || this.#http !== null) return;
    const { openHttp } = await import('./http-protocol.ts');
    const own = [...this.#engine.listeners.boundAddresses, ...this.#otherAddresses()];
    const http = await openHttp(this.#engine.core, this.#options, this.#firstMessageQueues(), own);
    this.#http = http;
    if (this.#draining !== null) http.drain();
    if (this.#closing !== null) http.close();
  }

  #firstMessageQueues(): FirstMessageQueues {
    return { open: this.#native.openFirstMessageQueue, acceptFailed: this.#acceptFailed };
  }

  #controlled(): ControlledServer {
    const log = this.#log;
    const core = () => this.#engine.core;
    return {
      get core() {
        return core();
      },
      shardCount: this.threads,
      info: { version: version(), core: this.kind === 'addon' ? 'native' : 'twin' },
      askAll: () => this.#askAll(),
      ringDepths: () => this.#engine.supervisor?.ringDepths() ?? [],
      notReady: () => this.#notReady(),
      get logLevel() {
        return log.level;
      },
      setLogLevel: (level) => this.setLogLevel(level),
      firstMessageQueues: this.#firstMessageQueues(),
      audit: this.#audit,
      connect: () => this.connect(),
      options: () => optionFacts(this.#options, this.#origins),
      failed: (error) =>
        log.log(
          LogLevel.ERROR,
          `a request at the control port failed: ${error.stack ?? error.message}`,
        ),
    };
  }

  #notReady(): string | null {
    if (this.#closing !== null) return 'closing';
    if (this.#draining !== null) return 'ending after the last job';
    if (this.#engine.listeners.addresses.length === 0) return 'starting';
    return this.#engine.supervisor?.isWhole === false ? 'a shard is being started again' : null;
  }

  #refuseClosed(what = 'listen'): void {
    if (this.#closing === null && this.#draining === null) return;
    throw new ServerClosedError(what, this.#failure);
  }

  /**
   * Runs a turn. An error in it is a bug of ours: in a shard it ends the thread; here it ends the server, and the host
   * process continues.
   */
  #guard(turn: () => void): void {
    // After an interrupted turn no state can be trusted.
    if (this.#failure !== null) return;
    try {
      turn();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    this.#log.log(LogLevel.FATAL, `the server ends: ${error.stack ?? error.message}`);
    this.#failure ??= error;
    if (this.#closing !== null) return;
    this.#closing = this.#close();
    // A rejection may have no handler; `closed` reports it.
    this.#closing.catch(() => {});
    if (this.listenerCount('error') > 0) this.emit('error', error);
  }

  /** Figures by thread; null for one that is not running. */
  async #askAll(): Promise<(ThreadStats | null)[]> {
    // Shards that were not started would never answer.
    const threadCount = this.#starting === null ? 1 : this.threads + 1;
    const asked = Array.from(
      { length: threadCount },
      (_, thread) =>
        new Promise<ThreadStats | null>((resolve) => {
          this.#engine.core.table.ask(thread, { kind: 'stats' }, (result) => resolve(result.stats));
        }),
    );
    this.#engine.core.reactor.requestTurn();
    return Promise.all(asked);
  }
}

/** With `storeQueueOnShutdown` closing succeeds only when every job was stored. */
function refuseLoss(jobs: number): void {
  if (jobs > 0)
    throw new Error(`${jobs} background jobs are lost: they could not be stored at the end`);
}
