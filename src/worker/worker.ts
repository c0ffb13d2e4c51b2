/**
 * The worker: offers functions to one or several job servers and runs their jobs, at most `concurrency` at a time.
 * Rule: it takes only jobs that it can start at once, and finishes them unless it is closed.
 */
import { EventEmitter } from 'node:events';
import type {
  BytesFunctions,
  Codec,
  CodecOption,
  FunctionMap,
  IsBytes,
  Workload,
} from '../link/codec.ts';
import { ArgumentError, ConnectionError } from '../link/errors.ts';
import { checkKnown, type Known } from '../link/known-options.ts';
import type { LinkState } from '../link/link.ts';
import {
  CONNECTION_OPTIONS,
  type ConnectionSettings,
  checkMs,
  checkWhole,
  connectionSettings,
} from '../link/settings.ts';
import { UnreachedWarning, whyUnreachable } from '../link/unreached.ts';
import { Watchers } from '../link/watchers.ts';
import { type RequestOptions, within } from '../link/within.ts';
import type { Ability } from './ability.ts';
import { ConcurrencyGroup, type Slots } from './concurrency-group.ts';
import { CONCURRENCY_MAX, offerOf } from './offer.ts';
import type { RunningJob } from './running-job.ts';
import type { ThreadedHandler } from './threaded-handler.ts';
import type {
  DrainResult,
  FunctionOptions,
  Handler,
  ThreadHandler,
  WorkerEventMap,
  WorkerOptions,
} from './types.ts';
import type { WorkerChannel, WorkerChannelHost } from './worker-channel.ts';

/** Type of `input` in a handler: without a codec always bytes. */
type InputOf<F extends FunctionMap<F>, N extends keyof F> =
  IsBytes<F> extends true ? Uint8Array : F[N]['input'];

/** Return type of a handler: without a codec bytes, text or nothing (an empty result). */
type OutputOf<F extends FunctionMap<F>, N extends keyof F> =
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler without return is meant
  IsBytes<F> extends true ? Workload | void : F[N]['output'];

const WORKER_OPTIONS: Known<WorkerOptions & { readonly codec: Codec }> = {
  ...CONNECTION_OPTIONS,
  codec: true,
  concurrency: true,
  exceptions: true,
};
function checkExceptions(exceptions: WorkerOptions['exceptions']): typeof exceptions {
  if ([undefined, true, false, 'stack'].includes(exceptions)) return exceptions;
  const shown = JSON.stringify(exceptions);
  throw new ArgumentError(`new Worker: exceptions ${shown}, allowed are true, false and 'stack'`);
}

const START_OPTIONS: Known<RequestOptions> = { timeoutMs: true, signal: true };
const DRAIN_OPTIONS = { timeoutMs: true } as const;

/**
 * A worker of one or several job servers. Add functions, then call `start`; it reconnects by itself. `F` types the
 * functions: `new Worker<{ add: { input: number[]; output: number } }>({ codec: json })`.
 */
export class Worker<F extends FunctionMap<F> = BytesFunctions>
  extends EventEmitter<WorkerEventMap>
  implements AsyncDisposable
{
  readonly #settings: ConnectionSettings;
  readonly #codec: Codec | null;
  readonly #slots: Slots;
  readonly #host: WorkerChannelHost;
  readonly #groups: ConcurrencyGroup[] = [];
  /** The group of functions without a limit of their own. */
  #common: ConcurrencyGroup | null = null;
  readonly #threads: ThreadedHandler[] = [];
  readonly #groupOf = new Map<string, ConcurrencyGroup>();
  #isStarted = false;
  #isDraining = false;
  #closing: Promise<void> | null = null;
  readonly #watchers = new Watchers();
  readonly #warning = new UnreachedWarning(
    'worker',
    () => this.#channels.map(({ link }) => link),
    () => this.listenerCount('connection') > 0,
  );

  /** Throws ArgumentError (`ERR_GEARMAN_ARGUMENT`) for an invalid option. */
  constructor(...given: WorkerArguments<F>) {
    super();
    const options: WorkerOptions & { readonly codec?: Codec } = given[0] ?? {};
    checkKnown('new Worker', options, WORKER_OPTIONS);
    this.#settings = connectionSettings(options);
    this.#codec = options.codec ?? null;
    const limit = checkWhole('concurrency', options.concurrency ?? 1, 1, CONCURRENCY_MAX);
    this.#slots = { limit, taken: 0 };
    const worker = this;
    this.#host = {
      codec: this.#codec,
      sendsExceptions: checkExceptions(options.exceptions) !== false,
      sendsStacks: options.exceptions === 'stack',
      get isDraining() {
        return worker.#isDraining;
      },
      onReady: () => this.#watchers.look(),
      onChange: (change) => this.emit('connection', change),
      onJobError: (error, job) => this.emit('jobError', error, job),
      onServerError: (error) => this.emit('serverError', error),
      onIdle: () => this.#onIdle(),
    };
  }

  /**
   * The connections with their states: one to each server, and one more for each function with its own `concurrency`.
   * `server` is `host:port`, `unix:/path` or `in process`.
   */
  get servers(): { server: string; state: LinkState }[] {
    return this.#channels.map(({ link }) => ({ server: link.label, state: link.state }));
  }

  /** Running jobs, and free slots for which a server has been asked. */
  get busy(): number {
    return this.#slots.taken;
  }

  /**
   * Offers a function; may be called before and after `start`. `functionName` has 1 to 8000 bytes of UTF-8 without
   * NUL. Throws ArgumentError (`ERR_GEARMAN_ARGUMENT`) for an invalid name or option, a name that is offered already,
   * or a worker that is stopping.
   */
  add<N extends keyof F & string>(
    functionName: N,
    handler: Handler<InputOf<F, N>, OutputOf<F, N>> | ThreadHandler,
    options: FunctionOptions = {},
  ): this {
    if (this.#groupOf.has(functionName))
      throw new ArgumentError(`add ${functionName}: it is offered already`);
    if (this.#isDraining) throw new ArgumentError(`add ${functionName}: the worker is stopping`);
    const { ability, limit, threads } = offerOf(
      functionName,
      handler as Handler<never, unknown> | ThreadHandler,
      options,
      this.#codec !== null,
    );
    if (threads !== null) this.#threads.push(threads);
    this.#offer(ability, limit);
    return this;
  }

  /**
   * Connects to the servers; resolves when one of them has confirmed all functions. Waits for a server as long as
   * `timeoutMs` and `signal` allow, by default without limit; the cause of a TimeoutError is the reason. Rejects with
   * ServerError when access rules refuse a function on every server that answers and no other can be reached; the
   * worker continues with its other functions. Throws ArgumentError when no function was added.
   */
  async start(options: RequestOptions = {}): Promise<void> {
    checkKnown('start', options, START_OPTIONS);
    if (this.#groupOf.size === 0) throw new ArgumentError('start: add a function first');
    this.#isStarted = true;
    this.#warning.start();
    if (!this.#isDraining) for (const { link } of this.#channels) link.start();
    await within(this.#untilReady(), options, null, 'start', () => this.#whyUnreachable);
  }

  /**
   * Takes no new jobs, waits for running jobs, sends their results and closes. After `timeoutMs` (1 to 2^31 - 1
   * milliseconds; default: no limit) the signals of jobs that still run abort, and their servers give these jobs to
   * other workers.
   */
  async drain(options: { readonly timeoutMs?: number } = {}): Promise<DrainResult> {
    checkKnown('drain', options, DRAIN_OPTIONS);
    const { timeoutMs } = options;
    if (timeoutMs !== undefined) checkMs('timeoutMs', timeoutMs);
    this.#isDraining = true;
    for (const channel of this.#channels) this.#leaveIdle(channel);
    let timer: NodeJS.Timeout | undefined;
    const calm = this.#watchers.until(() => this.#slots.taken === 0);
    const late = new Promise<void>((resolve) => {
      if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([calm, late, this.#closing ?? calm]);
    clearTimeout(timer);
    const abandoned = this.#channels.reduce((sum, channel) => sum + channel.jobs.length, 0);
    await this.#end(abandoned === 0);
    return { abandoned };
  }

  /**
   * Closes at once: signals of running jobs abort, and their servers give these jobs to other workers. `await using`
   * calls it too.
   */
  async close(): Promise<void> {
    await this.#end(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #channels(): WorkerChannel[] {
    return this.#groups.flatMap((group) => group.channels);
  }

  #offer(ability: Ability, limit: number | null): void {
    let group: ConcurrencyGroup;
    if (limit !== null) group = this.#addGroup(limit);
    else {
      this.#common ??= this.#addGroup(Number.POSITIVE_INFINITY);
      group = this.#common;
    }
    group.abilities.set(ability.functionName, ability);
    this.#groupOf.set(ability.functionName, group);
    for (const channel of group.channels) {
      channel.offer();
      if (this.#isStarted) channel.link.start();
    }
  }

  #addGroup(limit: number): ConcurrencyGroup {
    const group = new ConcurrencyGroup(this.#settings, this.#host, this.#slots, limit);
    this.#groups.push(group);
    return group;
  }

  #onIdle(): void {
    if (this.#isDraining) for (const channel of this.#channels) this.#leaveIdle(channel);
    else for (const group of this.#groups) group.fill();
    this.#watchers.look();
  }

  /** Closes a connection that has no job and expects none, so that its server does not wake it for nothing. */
  #leaveIdle(channel: WorkerChannel): void {
    if (channel.busy === 0 && channel.link.state !== 'closed')
      channel.link.close(true).catch(() => undefined);
  }

  #untilReady(): Promise<void> {
    return this.#watchers.until(() => {
      if (this.#closing !== null || this.#isDraining)
        throw new ConnectionError('ERR_GEARMAN_CLOSED', 'the worker was closed');
      const servers = this.#settings.endpoints.map((_, i) =>
        this.#groups.map((group) => group.channels[i] as WorkerChannel),
      );
      const isServed = (channels: WorkerChannel[]): boolean =>
        channels.every(({ link, refusal }) => link.state === 'ready' && refusal === null);
      if (servers.some(isServed)) return true;
      const refusals = servers.flat().map(({ refusal }) => refusal);
      const refusal = refusals.find((one) => one !== null) ?? null;
      const isHopeless = (channels: WorkerChannel[]): boolean =>
        channels.some((channel) => channel.refusal !== null || channel.link.lastError !== null);
      if (refusal !== null && servers.every(isHopeless)) throw refusal;
      return false;
    });
  }

  /** Why no server can be reached; null while one is ready, or none has failed yet. */
  get #whyUnreachable(): ConnectionError | null {
    return whyUnreachable(this.#channels.map(({ link }) => link));
  }

  #end(isPatient: boolean): Promise<void> {
    this.#isDraining = true;
    this.#closing ??= this.#leave(isPatient);
    this.#watchers.look();
    return this.#closing;
  }

  async #leave(isPatient: boolean): Promise<void> {
    const closed = new ConnectionError('ERR_GEARMAN_CLOSED', 'the worker was closed');
    const jobs: RunningJob[] = this.#channels.flatMap((channel) => [...channel.jobs]);
    const gone = this.#channels.map(({ link }) => link.close(isPatient));
    for (const job of jobs) job.lose(closed);
    await Promise.all(gone);
    await Promise.all(this.#threads.map((threaded) => threaded.close()));
  }
}

/** Options are needed when the functions need a codec. */
type WorkerArguments<F extends FunctionMap<F>> =
  IsBytes<F> extends true
    ? [options?: WorkerOptions & CodecOption<F>]
    : [options: WorkerOptions & CodecOption<F>];
