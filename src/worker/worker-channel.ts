/**
 * One connection of a worker: offers its group's functions, grabs jobs while slots are free, sleeps when there are no
 * jobs.
 *
 *   GRAB_JOB_ALL -> JOB_ASSIGN* : run it, grab again       -> NO_JOB : when no grab is open, PRE_SLEEP until NOOP
 *
 * Rule: after a wake-up there is one grab, and every assigned job allows one more, so that grabs double with each round
 * trip. A single job thus costs no empty grabs, and a full queue keeps every slot busy. Source: Gearman PROTOCOL,
 * "Worker Requests".
 */
import { equalBytes, ownCopy } from '../base/bytes.ts';
import { argumentEnd, handleText, keep, shortText, splitText } from '../link/arguments.ts';
import type { Workload } from '../link/codec.ts';
import type { Endpoint } from '../link/endpoint.ts';
import { type ConnectionError, ServerError } from '../link/errors.ts';
import { type ConnectionChange, Link } from '../link/link.ts';
import {
  ATTACH_BYTES,
  type RequestWriter,
  textBytesMax,
  writeClientId,
  writeOption,
} from '../link/request-writer.ts';
import type { ConnectionSettings } from '../link/settings.ts';
import { Packet } from '../protocol/packets.ts';
import { type Ability, type RunHost, runJob } from './ability.ts';
import { type JobSink, RunningJob } from './running-job.ts';

/** The code of the ERROR with which access rules refuse a function. A worker gets it for no other request. */
const NOT_ALLOWED = 'NOT_ALLOWED';

/** The functions of a channel and the slots that they share (ConcurrencyGroup). */
export interface ChannelGroup {
  readonly abilities: ReadonlyMap<string, Ability>;
  /** Free slots. */
  readonly free: number;
  /** Takes a slot; the caller has checked that one is free. */
  take(): void;
  give(): void;
  /** Lets all channels of the group grab. */
  fill(): void;
}

/** The parts of the worker that a channel needs. */
export interface WorkerChannelHost {
  readonly codec: RunHost['codec'];
  readonly sendsExceptions: boolean;
  readonly sendsStacks: boolean;
  /** The worker takes no new jobs. */
  readonly isDraining: boolean;
  onReady(): void;
  onChange(change: ConnectionChange): void;
  onJobError(error: unknown, job: RunningJob): void;
  onServerError(error: ServerError): void;
  /**
   * Called when a slot is free, a grab was answered or a connection ended: checks whether more can be grabbed and
   * whether the worker has ended.
   */
  onIdle(): void;
}

export class WorkerChannel implements JobSink, RunHost {
  readonly link: Link;
  /** Access rules refuse one of this connection's functions; null when they do not, or are not known yet. */
  refusal: ServerError | null = null;
  readonly #group: ChannelGroup;
  readonly #host: WorkerChannelHost;
  /** Running jobs, in any order. */
  readonly #jobs: RunningJob[] = [];
  /** Pending grabs. */
  #grabs = 0;
  /** Grabs that may be pending at a time. */
  #grabsMax = 1;
  /** Number of functions that were offered on this connection; functions are never withdrawn. */
  #offered = 0;
  /** The function of the last job, as bytes and as text. */
  #lastName: Uint8Array = new Uint8Array(0);
  #lastNameText = '';
  /** There may be jobs: grab when a slot is free. */
  #isAwake = false;

  constructor(
    endpoint: Endpoint,
    settings: ConnectionSettings,
    group: ChannelGroup,
    host: WorkerChannelHost,
  ) {
    this.#group = group;
    this.#host = host;
    this.link = new Link(endpoint, settings, {
      greet: (writer) => this.#greet(writer, settings.id),
      onReady: () => {
        this.#isAwake = true;
        this.#grabsMax = 1;
        this.#offerRest();
        host.onReady();
        group.fill();
      },
      onPacket: (type, bytes, start, end, isOwn) => this.#onPacket(type, bytes, start, end, isOwn),
      onDrained: () => undefined,
      onLost: (error) => this.#onLost(error),
      onFailed: () => host.onIdle(),
      onChange: (change) => host.onChange(change),
    });
  }

  get codec(): RunHost['codec'] {
    return this.#host.codec;
  }

  get sendsExceptions(): boolean {
    return this.#host.sendsExceptions;
  }

  get sendsStacks(): boolean {
    return this.#host.sendsStacks;
  }

  /** Running handlers, and pending grabs that may bring a job. */
  get busy(): number {
    return this.#jobs.length + this.#grabs;
  }

  get jobs(): readonly RunningJob[] {
    return this.#jobs;
  }

  /** Grabs as many jobs as free slots and the limit of pending grabs allow; true when it grabbed. */
  grab(): boolean {
    if (!this.#isAwake || this.#host.isDraining) return false;
    const { writer } = this.link;
    if (writer === null) return false;
    const before = this.#grabs;
    const group = this.#group;
    while (this.#grabs < this.#grabsMax && group.free > 0) {
      group.take();
      this.#grabs++;
      writer.bare(Packet.GRAB_JOB_ALL);
    }
    this.link.flushSoon();
    return this.#grabs > before;
  }

  /** Offers functions that were added while connected. */
  offer(): void {
    if (this.link.writer === null) return;
    this.#offerRest();
    // A server does not wake a worker for jobs that were waiting before it offered the function.
    this.#isAwake = true;
    this.#group.fill();
  }

  sendWork(type: number, wireHandle: string, data: Workload | null): void {
    const { writer } = this.link;
    if (writer === null) return;
    writeWork(writer, type, wireHandle, data);
    this.link.flushSoon();
  }

  onJobError(error: unknown, job: RunningJob): void {
    this.#host.onJobError(error, job);
  }

  onDone(job: RunningJob): void {
    const last = this.#jobs.pop() as RunningJob;
    if (last !== job) {
      this.#jobs[job.place] = last;
      last.place = job.place;
    }
    this.#group.give();
    this.#host.onIdle();
  }

  #greet(writer: RequestWriter, id: string | null): void {
    this.refusal = null;
    writeClientId(writer, id);
    writeOption(writer, 'attempts');
    for (const ability of this.#group.abilities.values()) writeAbility(writer, ability);
    this.#offered = this.#group.abilities.size;
  }

  /** Offers the functions that were added after the greeting. */
  #offerRest(): void {
    const writer = this.link.writer as RequestWriter;
    for (const ability of [...this.#group.abilities.values()].slice(this.#offered))
      writeAbility(writer, ability);
    this.#offered = this.#group.abilities.size;
    this.link.flushSoon();
  }

  #onPacket(type: number, bytes: Uint8Array, start: number, end: number, isOwn: boolean): void {
    switch (type) {
      case Packet.JOB_ASSIGN_ALL:
      case Packet.JOB_ASSIGN_UNIQ:
      case Packet.JOB_ASSIGN:
        this.#onAssign(type, bytes, start, end, isOwn);
        return;
      case Packet.NO_JOB:
        this.#onNoJob();
        return;
      case Packet.NOOP:
        this.#isAwake = true;
        this.#group.fill();
        return;
      case Packet.ERROR: {
        const [code, text] = splitText(bytes, start, end, 2) as [string, string];
        const error = new ServerError(code, text);
        if (code === NOT_ALLOWED) this.refusal ??= error;
        this.#host.onServerError(error);
        return;
      }
      default:
        this.link.drop('ERR_GEARMAN_PROTOCOL', `sent packet type ${type} to a worker`);
    }
  }

  #onAssign(type: number, bytes: Uint8Array, start: number, end: number, isOwn: boolean): void {
    if (this.#grabs === 0) {
      this.link.drop('ERR_GEARMAN_PROTOCOL', 'sent a job that was not asked for');
      return;
    }
    let stop = argumentEnd(bytes, start, end);
    const wireHandle = handleText(bytes, start, stop);
    let at = Math.min(end, stop + 1);
    stop = argumentEnd(bytes, at, end);
    const functionName = this.#nameOf(bytes, at, stop);
    at = Math.min(end, stop + 1);
    let unique = '';
    let reducer = '';
    if (type !== Packet.JOB_ASSIGN) {
      stop = argumentEnd(bytes, at, end);
      unique = shortText(bytes, at, stop);
      at = Math.min(end, stop + 1);
    }
    if (type === Packet.JOB_ASSIGN_ALL) {
      stop = argumentEnd(bytes, at, end);
      reducer = shortText(bytes, at, stop);
      at = Math.min(end, stop + 1);
    }
    const data = keep(bytes, at, end, isOwn);
    this.#grabs--;
    // The grab's slot becomes the job's.
    const job = new RunningJob(functionName, wireHandle, unique, reducer, data, this.codec, this);
    job.place = this.#jobs.push(job) - 1;
    this.#grabsMax++;
    this.#isAwake = true;
    const ability = this.#group.abilities.get(functionName);
    if (ability === undefined) {
      // The function was withdrawn after the grab was sent.
      job.fail(null);
      this.onDone(job);
    } else runJob(ability, job, this);
    this.#grabsMax = Math.max(1, Math.min(this.#grabsMax, this.#group.free + this.#grabs));
    this.#group.fill();
  }

  /** The function's name; usually that of the last job. */
  #nameOf(bytes: Uint8Array, start: number, end: number): string {
    const last = this.#lastName;
    if (end - start !== last.length || !equalBytes(last, 0, bytes, start, last.length)) {
      this.#lastName = ownCopy(bytes, start, end);
      this.#lastNameText = shortText(bytes, start, end);
    }
    return this.#lastNameText;
  }

  #onNoJob(): void {
    if (this.#grabs === 0) {
      this.link.drop('ERR_GEARMAN_PROTOCOL', 'sent NO_JOB to no grab');
      return;
    }
    this.#grabs--;
    this.#group.give();
    this.#grabsMax = 1;
    this.#isAwake = false;
    if (this.#grabs === 0 && !this.#host.isDraining) {
      this.link.writer?.bare(Packet.PRE_SLEEP);
      this.link.flushSoon();
    }
    this.#host.onIdle();
  }

  #onLost(error: ConnectionError): void {
    this.#isAwake = false;
    for (; this.#grabs > 0; this.#grabs--) this.#group.give();
    // The handlers continue and keep their slots; the server gives the jobs to other workers.
    for (const job of this.#jobs) job.lose(error);
    this.#host.onIdle();
  }
}

function writeAbility(writer: RequestWriter, { functionName, timeoutMs }: Ability): void {
  const isLimited = timeoutMs > 0;
  writer.open(
    isLimited ? Packet.CAN_DO_TIMEOUT : Packet.CAN_DO,
    textBytesMax(functionName) + 1 + 20,
  );
  writer.text(functionName);
  if (isLimited) {
    writer.nul();
    writer.text(String(timeoutMs));
  }
  writer.close();
}

function writeWork(
  writer: RequestWriter,
  type: number,
  handle: string,
  data: Workload | null,
): void {
  const bytes =
    typeof data === 'string' && textBytesMax(data) >= ATTACH_BYTES ? Buffer.from(data) : data;
  const copiedBytes =
    bytes === null
      ? 0
      : typeof bytes === 'string'
        ? textBytesMax(bytes)
        : bytes.length < ATTACH_BYTES
          ? bytes.length
          : 0;
  writer.open(type, textBytesMax(handle) + 1 + copiedBytes);
  writer.latin1(handle);
  if (bytes === null) writer.close();
  else {
    writer.nul();
    if (typeof bytes === 'string') {
      writer.text(bytes);
      writer.close();
    } else writer.closeWith(bytes);
  }
}
