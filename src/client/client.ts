/**
 * The client: submits jobs to one or several job servers and asks about them. All requests of a turn leave in one
 * write, any number may be outstanding. Rule: every submit ends, by its result or by an error that says what is known.
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
import { ConnectionError, TimeoutError } from '../link/errors.ts';
import { Fifo } from '../link/fifo.ts';
import type { ConnectionChange } from '../link/link.ts';
import { checkMs, checkWhole, connectionSettings } from '../link/settings.ts';
import { type RequestOptions, within } from '../link/within.ts';
import { HANDLE_BYTES_MAX, UNIQUE_BYTES_MAX } from '../protocol/limits.ts';
import { Channel } from './channel.ts';
import { ChannelChoice } from './choose-channel.ts';
import { Job, type JobOwner } from './job.ts';
import { askEcho, askStatus, askStatusByUnique } from './questions.ts';
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

/** Makes a job a background one: awaiting it gives its handle. */
type BackgroundOptions = SubmitOptions &
  ({ readonly background: true } | { readonly runAt: Date | number });

/** Name of a function of a map. */
type NameOf<F> = keyof F & string;

/**
 * A client of one or several job servers. Connects at the first use. `F` types the functions:
 * `new Client<{ add: { input: number[]; output: number } }>({ codec: json })`.
 */
export class Client<F extends FunctionMap<F> = BytesFunctions>
  extends EventEmitter<ConnectionEventMap>
  implements AsyncDisposable
{
  readonly #channels: readonly Channel[];
  readonly #choice: ChannelChoice;
  readonly #codec: Codec | null;
  readonly #failsOffline: boolean;
  readonly #offlineQueueMax: number;
  readonly #timeoutMs: number | null;
  readonly #retries: boolean;
  readonly #jobOwner: JobOwner = {
    resubmit: (again) => this.#dispatch(again),
    forget: (ended) => this.#forget(ended),
  };
  readonly #signals = new AbortGroups();
  /** Submits that wait for a server. */
  readonly #parked = new Fifo<Job>();
  /** Those among them that have ended meanwhile. */
  #parkedEnded = 0;
  /** Jobs that have not ended. */
  #jobCount = 0;
  readonly #calmed: (() => void)[] = [];
  readonly #drained: (() => void)[] = [];
  readonly #stateListeners = new Set<() => void>();
  #closing: Promise<void> | null = null;

  /** Throws ArgumentError (`ERR_GEARMAN_ARGUMENT`) for a wrong option. */
  constructor(...given: ClientArguments<F>) {
    super();
    const options: ClientOptions & { readonly codec?: Codec } = given[0] ?? {};
    const settings = connectionSettings(options);
    this.#codec = options.codec ?? null;
    this.#failsOffline = options.whenOffline === 'fail';
    this.#offlineQueueMax = checkWhole(
      'offlineQueueMax',
      options.offlineQueueMax ?? 100_000,
      0,
      2 ** 31,
    );
    this.#timeoutMs =
      options.timeoutMs === undefined ? null : checkMs('timeoutMs', options.timeoutMs);
    this.#retries = options.retry ?? true;
    this.#channels = settings.endpoints.map(
      (endpoint) =>
        new Channel(endpoint, settings, options.exceptions ?? true, {
          onChange: (change) => this.#onChange(change),
          onReady: () => this.#unpark(),
          onUnusable: () => this.#unpark(),
          onDrained: () => {
            for (const drained of this.#drained.splice(0)) drained();
          },
        }),
    );
    this.#choice = new ChannelChoice(this.#channels);
  }

  /** The servers, in the order of the options, and how the connections to them are. */
  get servers(): ServerState[] {
    return this.#channels.map(({ link }) => ({ server: link.label, state: link.state }));
  }

  /** Submits that have not ended yet. */
  get outstanding(): number {
    return this.#jobCount;
  }

  /** Connects; resolves when a server is ready. Needed only by who wants to know before the first submit. */
  async connect(options: RequestOptions = {}): Promise<void> {
    this.#begin();
    await within(this.#ready(), options, this.#timeoutMs, 'connect');
  }

  /**
   * Submits a job and returns it at once; what goes wrong ends the job. A workload of 32 KiB and more must not be
   * changed before the job's handle is there. Throws ArgumentError for what Gearman cannot carry.
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
   * Submits the jobs of an iterable, as fast as the servers take them and without holding many of them. Resolves with
   * counts when the last one has ended; a job that fails is counted, and told to `onJob`.
   */
  submitMany(
    jobs: Iterable<ManyJob<F>> | AsyncIterable<ManyJob<F>>,
    options: ManyOptions<F> = {},
  ): Promise<ManyResult> {
    return submitMany<F>(
      jobs,
      options,
      (job, onEnd) => this.#submit(job.functionName, job.input, job, onEnd),
      () => this.#untilDrained(),
    );
  }

  /** Where the job stands. Asks all servers; rejects when none knows it and not all have answered. */
  status(handle: string, options: RequestOptions = {}): Promise<JobStatus> {
    checkText('handle', handle, HANDLE_BYTES_MAX);
    return this.#askAll('status', options, async (channel) => {
      const { clientCount, ...status } = await askStatus(channel, handle);
      return status;
    });
  }

  /** The same by unique key, whatever the function. */
  statusByUnique(unique: string, options: RequestOptions = {}): Promise<UniqueStatus> {
    checkText('unique', unique, UNIQUE_BYTES_MAX);
    return this.#askAll('status by unique', options, (channel) =>
      askStatusByUnique(channel, unique),
    );
  }

  /** Asks every server for an echo. Rejects with the first server's error when none answers. */
  async ping(options: RequestOptions = {}): Promise<Ping[]> {
    this.#begin();
    const asked = this.#channels.map(async (channel): Promise<Ping> => {
      const server = channel.link.label;
      try {
        await within(this.#settled(channel), options, this.#timeoutMs, 'ping');
        const roundTripMs = await within(askEcho(channel), options, this.#timeoutMs, 'ping');
        return { server, roundTripMs, error: null };
      } catch (error) {
        return { server, roundTripMs: null, error: error as Error };
      }
    });
    const pings = await Promise.all(asked);
    if (pings.every((ping) => ping.error !== null)) throw pings[0]?.error;
    return pings;
  }

  /** Resolves when every submit has ended. */
  async drain(options: RequestOptions = {}): Promise<void> {
    const calm = new Promise<void>((resolve) => {
      if (this.#jobCount === 0) resolve();
      else this.#calmed.push(resolve);
    });
    await within(calm, options, this.#timeoutMs, 'drain');
  }

  /**
   * Closes all connections. Submits that have not ended end with `ERR_GEARMAN_CLOSED`, MaybeQueuedError or
   * JobLostError; who wants them done awaits them or `drain` before. May be called any number of times.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const closed = new ConnectionError('ERR_GEARMAN_CLOSED', 'the client was closed');
    for (const job of this.#takeParked()) job.fail(closed);
    await Promise.all(this.#channels.map((channel) => channel.close(closed)));
    this.#tellListeners();
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
        () => job.fail(new TimeoutError(`job of ${functionName}`, timeoutMs)),
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
    this.#begin();
    this.#dispatch(job);
    return job;
  }

  #forget(job: Job): void {
    this.#jobCount--;
    if (job.isParked) this.#forgetParked(job);
    if (job.timer !== null) clearTimeout(job.timer);
    job.timer = null;
    if (job.signal !== null) this.#signals.remove(job.signal, job);
    job.signal = null;
    if (this.#jobCount === 0) for (const calmed of this.#calmed.splice(0)) calmed();
  }

  /** Jobs that are given up while they wait must not fill the queue: it is renewed when half of it are such. */
  #forgetParked(job: Job): void {
    job.isParked = false;
    this.#parkedEnded++;
    if (this.#parkedEnded * 2 <= this.#parked.size) return;
    for (const waiting of this.#takeParked()) {
      waiting.isParked = true;
      this.#parked.push(waiting);
    }
  }

  #begin(): void {
    for (const { link } of this.#channels) if (link.state === 'idle') link.start();
  }

  /** Sends a job, or keeps it until a server can take it. */
  #dispatch(job: Job): void {
    if (job.hasEnded || job.submission === null) return;
    if (this.#closing !== null) {
      job.fail(new ConnectionError('ERR_GEARMAN_CLOSED', 'the client was closed'));
      return;
    }
    const channel = this.#choice.choose(job.functionName, job.submission.unique);
    if (channel !== null) channel.send(job);
    else if (this.#failsOffline && this.#choice.isHopeless)
      job.fail(this.#offline('no job server can be reached'));
    else if (this.#parked.size - this.#parkedEnded >= this.#offlineQueueMax)
      job.fail(this.#offline(`${this.#offlineQueueMax} submits wait for a job server, the limit`));
    else {
      job.isParked = true;
      this.#parked.push(job);
    }
  }

  /** Everything that waits and has not ended. */
  #takeParked(): Job[] {
    this.#parkedEnded = 0;
    const jobs = this.#parked.takeAll();
    for (const job of jobs) job.isParked = false;
    return jobs.filter((job) => !job.hasEnded);
  }

  #offline(what: string): ConnectionError {
    const cause = this.#channels.find(({ link }) => link.lastError !== null)?.link.lastError;
    const why = cause == null ? '' : `: ${cause.message}`;
    return new ConnectionError('ERR_GEARMAN_OFFLINE', what + why, cause == null ? {} : { cause });
  }

  /** A server came or went: looks again at all that wait. */
  #unpark(): void {
    if (this.#parked.size > 0) for (const job of this.#takeParked()) this.#dispatch(job);
    this.#tellListeners();
  }

  #tellListeners(): void {
    for (const listener of [...this.#stateListeners]) listener();
  }

  #onChange(change: ConnectionChange): void {
    this.emit('connection', change);
  }

  /** Resolves when a server is ready; rejects when the client closes, or none can be reached and that is final. */
  #ready(): Promise<void> {
    return this.#until(() => {
      if (this.#channels.some((channel) => channel.isReady)) return true;
      if (this.#failsOffline && this.#choice.isHopeless)
        throw this.#offline('no job server can be reached');
      return false;
    });
  }

  /** Resolves when `channel` is ready; rejects when it has failed. */
  #settled(channel: Channel): Promise<void> {
    return this.#until(() => {
      if (channel.isReady) return true;
      if (channel.link.lastError !== null) throw channel.link.lastError;
      return false;
    });
  }

  #until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        try {
          if (this.#closing !== null)
            throw new ConnectionError('ERR_GEARMAN_CLOSED', 'the client was closed');
          if (!isSo()) return;
          resolve();
        } catch (error) {
          reject(error);
        }
        this.#stateListeners.delete(look);
      };
      this.#stateListeners.add(look);
      look();
    });
  }

  /** Resolves when little of what was written waits. */
  async #untilDrained(): Promise<void> {
    while (this.#channels.some(({ link }) => link.unsentBytes > UNSENT_BYTES_MAX))
      await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  async #askAll<S extends JobStatus>(
    what: string,
    options: RequestOptions,
    askOne: (channel: Channel) => Promise<S>,
  ): Promise<S> {
    this.#begin();
    const answers = this.#channels.map(async (channel) => {
      await this.#settled(channel);
      return askOne(channel);
    });
    const answered = within(firstKnown(answers), options, this.#timeoutMs, what);
    return answered;
  }
}

/** Much more unsent output than this only costs memory. */
const UNSENT_BYTES_MAX = 1024 * 1024;

/** Options are needed when the functions need a codec. */
type ClientArguments<F extends FunctionMap<F>> =
  IsBytes<F> extends true
    ? [options?: ClientOptions & CodecOption<F>]
    : [options: ClientOptions & CodecOption<F>];

/** The first answer that knows the job; an answer that does not when all have answered so. */
async function firstKnown<S extends JobStatus>(answers: Promise<S>[]): Promise<S> {
  return new Promise((resolve, reject) => {
    let open = answers.length;
    let unknown: S | null = null;
    let failure: { error: unknown } | null = null;
    const settle = (): void => {
      if (--open > 0) return;
      if (failure !== null) reject(failure.error);
      else resolve(unknown as S);
    };
    for (const answer of answers)
      answer.then(
        (status) => {
          if (status.isKnown) resolve(status);
          else unknown = status;
          settle();
        },
        (error) => {
          failure ??= { error };
          settle();
        },
      );
  });
}
