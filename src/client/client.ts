/**
 * The client: submits jobs to one or several job servers and queries them. All requests of a turn are sent in one
 * write; any number may be pending. Rule: every submit ends, by its result or by an error that says what is known.
 */
import { EventEmitter } from 'node:events';
import { AbortGroups } from '../link/abort-groups.ts';
import { checkText } from '../link/check-text.ts';
import type {
  BytesFunctions,
  Codec,
  CodecOption,
  FunctionMap,
  IsBytes,
  Workload,
} from '../link/codec.ts';
import { encodeValue } from '../link/codec.ts';
import { ArgumentError, TimeoutError } from '../link/errors.ts';
import { checkKnown, type Known } from '../link/known-options.ts';
import { CONNECTION_OPTIONS, checkMs, checkWhole, connectionSettings } from '../link/settings.ts';
import { type RequestOptions, within } from '../link/within.ts';
import { HANDLE_BYTES_MAX, UNIQUE_BYTES_MAX } from '../protocol/limits.ts';
import { Admin } from './admin/admin.ts';
import { AdminServers } from './admin/admin-servers.ts';
import { Job, type JobOwner } from './job.ts';
import { OfflineQueue } from './offline-queue.ts';
import { askStatus, askStatusByUnique } from './requests.ts';
import { closedError, Servers } from './servers.ts';
import { submissionOf } from './submission.ts';
import { type ManyJob, type ManyOptions, type ManyResult, submitMany } from './submit-many.ts';
import type {
  ClientOptions,
  ConnectionEventMap,
  JobStatus,
  Ping,
  ServerState,
  SubmitOptions,
  SubmittedJob,
  UniqueStatus,
} from './types.ts';

/** Options of a background job: awaiting the job gives its handle. */
type BackgroundOptions = SubmitOptions &
  ({ readonly background: true } | { readonly runAt: Date | number });

/** Name of a function of a map. */
type NameOf<F> = keyof F & string;

const CLIENT_OPTIONS: Known<ClientOptions & { readonly codec: Codec }> = {
  ...CONNECTION_OPTIONS,
  codec: true,
  exceptions: true,
  whenOffline: true,
  offlineQueueMax: true,
  unreadBytesMax: true,
  timeoutMs: true,
  retry: true,
};
const OFFLINE_WAYS: readonly unknown[] = ['queue', 'fail'];

/** Default of `unreadBytesMax`. */
const UNREAD_BYTES_MAX = 64 * 1024 * 1024;

/**
 * A client of one or several job servers. It connects at the first use and reconnects by itself. `F` types the
 * functions: `new Client<{ add: { input: number[]; output: number } }>({ codec: json })`.
 */
export class Client<F extends FunctionMap<F> = BytesFunctions>
  extends EventEmitter<ConnectionEventMap>
  implements AsyncDisposable
{
  /** Queries and changes the job servers themselves: listings, policies, pauses. Errors: see Admin. */
  readonly admin: Admin;
  readonly #adminServers: AdminServers;
  readonly #servers: Servers;
  readonly #codec: Codec | null;
  readonly #offlineQueueMax: number;
  readonly #timeoutMs: number | null;
  readonly #retries: boolean;
  readonly #jobOwner: JobOwner;
  readonly #signals = new AbortGroups();
  readonly #offlineQueue = new OfflineQueue();
  /** Jobs that have not ended. */
  #jobCount = 0;
  readonly #calmed: (() => void)[] = [];
  #closing: Promise<void> | null = null;

  /** Throws ArgumentError (`ERR_GEARMAN_ARGUMENT`) for an invalid option. */
  constructor(...given: ClientArguments<F>) {
    super();
    const options: ClientOptions & { readonly codec?: Codec } = given[0] ?? {};
    checkKnown('new Client', options, CLIENT_OPTIONS);
    const { whenOffline = 'queue' } = options;
    if (!OFFLINE_WAYS.includes(whenOffline))
      throw new ArgumentError(`option whenOffline: ${String(whenOffline)}, allowed is queue, fail`);
    const settings = connectionSettings(options);
    this.#codec = options.codec ?? null;
    this.#offlineQueueMax = checkWhole(
      'offlineQueueMax',
      options.offlineQueueMax ?? 100_000,
      0,
      2 ** 31,
    );
    this.#timeoutMs =
      options.timeoutMs === undefined ? null : checkMs('timeoutMs', options.timeoutMs);
    this.#retries = options.retry ?? true;
    this.#jobOwner = {
      unreadBytesMax: checkWhole(
        'unreadBytesMax',
        options.unreadBytesMax ?? UNREAD_BYTES_MAX,
        0,
        Number.MAX_SAFE_INTEGER,
      ),
      resubmit: (again) => this.#dispatch(again),
      forget: (ended) => this.#forget(ended),
    };
    this.#servers = new Servers(
      settings,
      {
        takesExceptions: options.exceptions ?? true,
        failsOffline: whenOffline === 'fail',
        timeoutMs: this.#timeoutMs,
      },
      {
        isHeard: () => this.listenerCount('connection') > 0,
        onChange: (change) => this.emit('connection', change),
        onMoved: () => this.#unpark(),
      },
    );
    this.#adminServers = new AdminServers(settings, this.#timeoutMs);
    this.admin = new Admin(this.#adminServers);
  }

  /** The job servers in the order of the options, each with the state of its connection. */
  get servers(): ServerState[] {
    return this.#servers.states;
  }

  /** Number of submits that have not ended. */
  get outstanding(): number {
    return this.#jobCount;
  }

  /**
   * Connects; resolves when one server is ready. Optional: the first submit connects too. Rejects with TimeoutError,
   * ConnectionError or the signal's reason.
   */
  async connect(options: RequestOptions = {}): Promise<void> {
    await this.#servers.ready(options);
  }

  /**
   * Submits a job and returns it at once. Failures end the returned job; only invalid arguments and options throw
   * here, as ArgumentError (`ERR_GEARMAN_ARGUMENT`), and so do errors of the codec. `functionName` has 1 to 8000 bytes
   * of UTF-8 without NUL. `input` is a Uint8Array, a string (sent as UTF-8) or, with a codec, any value. The bytes of
   * a Uint8Array must not change before `handle` has resolved.
   */
  submit<N extends NameOf<F>>(
    functionName: N,
    input: F[N]['input'],
    options: BackgroundOptions,
  ): SubmittedJob<string>;
  submit<N extends NameOf<F>>(
    functionName: N,
    input: F[N]['input'],
    options?: SubmitOptions & { readonly background?: false; readonly runAt?: never },
  ): SubmittedJob<F[N]['output']>;
  submit<N extends NameOf<F>>(
    functionName: N,
    input: F[N]['input'],
    options?: SubmitOptions,
  ): SubmittedJob<F[N]['output'] | string>;
  submit(functionName: string, input: unknown, options?: SubmitOptions): SubmittedJob<never> {
    return this.#submit(functionName, input, options, null) as unknown as SubmittedJob<never>;
  }

  /**
   * Submits the jobs of an iterable as fast as the servers take them, with at most `inFlightMax` jobs and
   * `inFlightBytesMax` bytes pending. Resolves with counts when the last job has ended; failed jobs are counted and
   * passed to `onJob`. Rejects with the signal's reason, with an error of the iterable or a callback, or with
   * ArgumentError for an invalid job.
   */
  submitMany(
    jobs: Iterable<ManyJob<F>> | AsyncIterable<ManyJob<F>>,
    options: ManyOptions<F> = {},
  ): Promise<ManyResult> {
    return submitMany<F>(
      jobs,
      options,
      (job, onEnd) => this.#submit(job.functionName, job.input, job, onEnd),
      () => this.#servers.untilDrained(),
    );
  }

  /**
   * The status of a job by its handle. Asks all servers, and resolves with the first answer that knows the job. When
   * all have answered and none knows it, `isKnown` is false; rejects when none knows it and a server has not answered.
   */
  status(handle: string, options: RequestOptions = {}): Promise<JobStatus> {
    checkText('handle', handle, HANDLE_BYTES_MAX);
    return this.#servers.askAll('status', options, async (channel) => {
      const { clientCount, ...status } = await askStatus(channel, handle);
      return status;
    });
  }

  /** The status of a job by its unique key (at most 64 bytes), in all functions. Otherwise like `status`. */
  statusByUnique(unique: string, options: RequestOptions = {}): Promise<UniqueStatus> {
    checkText('unique', unique, UNIQUE_BYTES_MAX);
    return this.#servers.askAll('status by unique', options, (channel) =>
      askStatusByUnique(channel, unique),
    );
  }

  /**
   * Measures the round trip to every server by ECHO_REQ. Resolves in the order of the options; rejects with the first
   * server's error when no server answers.
   */
  ping(options: RequestOptions = {}): Promise<Ping[]> {
    return this.#servers.ping(options);
  }

  /**
   * Resolves when all submits have ended, by success or failure. Rejects with TimeoutError or the signal's reason; the
   * submits continue.
   */
  async drain(options: RequestOptions = {}): Promise<void> {
    const calm = new Promise<void>((resolve) => {
      if (this.#jobCount === 0) resolve();
      else this.#calmed.push(resolve);
    });
    await within(calm, options, this.#timeoutMs, 'drain');
  }

  /**
   * Closes all connections. Pending submits end with ConnectionError `ERR_GEARMAN_CLOSED`, MaybeQueuedError or
   * JobLostError; to wait for them, call `drain` first. May be called more than once. `await using` calls it too.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const closed = closedError();
    for (const job of this.#offlineQueue.takeAll()) job.fail(closed);
    await Promise.all([this.#servers.close(closed), this.#adminServers.close(closed)]);
  }

  #submit(
    functionName: string,
    input: unknown,
    options: SubmitOptions | undefined,
    onEnd: ((job: Job) => void) | null,
  ): Job {
    const workload = encodeValue(input, this.#codec, `submit ${functionName}`) as Workload;
    const submission = submissionOf(functionName, workload, options);
    const job = new Job(submission, options?.retry ?? this.#retries, this.#codec, this.#jobOwner);
    job.onEnd = onEnd;
    this.#jobCount++;
    const timeoutMs = options?.timeoutMs ?? this.#timeoutMs;
    if (timeoutMs !== null)
      job.timer = setTimeout(
        () =>
          job.fail(
            new TimeoutError(`job of ${functionName}`, timeoutMs, this.#servers.whyUnreachable),
          ),
        timeoutMs,
      );
    const signal = options?.signal;
    if (signal !== undefined) {
      if (signal.aborted) {
        job.fail(signal.reason);
        return job;
      }
      job.signal = signal;
      this.#signals.add(signal, job);
    }
    this.#servers.begin();
    this.#dispatch(job);
    return job;
  }

  #forget(job: Job): void {
    this.#jobCount--;
    if (job.isQueuedOffline) this.#offlineQueue.forget(job);
    if (job.timer !== null) clearTimeout(job.timer);
    job.timer = null;
    if (job.signal !== null) this.#signals.remove(job.signal, job);
    job.signal = null;
    if (this.#jobCount === 0) for (const calmed of this.#calmed.splice(0)) calmed();
  }

  /** Sends a job, or queues it until a server can take it. */
  #dispatch(job: Job): void {
    if (job.hasEnded || job.submission === null) return;
    if (this.#closing !== null) {
      job.fail(closedError());
      return;
    }
    const channel = this.#servers.choose(job.functionName, job.submission.unique);
    if (channel !== null) channel.send(job);
    else if (this.#servers.isHopeless)
      job.fail(this.#servers.offline('no job server can be reached'));
    else if (this.#offlineQueue.count >= this.#offlineQueueMax)
      job.fail(
        this.#servers.offline(`${this.#offlineQueueMax} submits wait for a job server, the limit`),
      );
    else this.#offlineQueue.push(job);
  }

  /** Tries all queued jobs again, because the set of usable servers has changed. */
  #unpark(): void {
    if (this.#offlineQueue.count > 0)
      for (const job of this.#offlineQueue.takeAll()) this.#dispatch(job);
  }
}

/** Options are needed when the functions need a codec. */
type ClientArguments<F extends FunctionMap<F>> =
  IsBytes<F> extends true
    ? [options?: ClientOptions & CodecOption<F>]
    : [options: ClientOptions & CodecOption<F>];
