/**
 * One job server as a client sees it: pending requests in order, and jobs that run there. Rule: a server answers in the
 * order of the requests, so an answer belongs to the oldest pending request. Source: Gearman PROTOCOL; gearmand sends
 * each WORK_ packet once for every submit of the job.
 */
import { argumentEnd, handleText, splitText } from '../link/arguments.ts';
import type { Endpoint } from '../link/endpoint.ts';
import { type ConnectionError, ServerError } from '../link/errors.ts';
import { Fifo } from '../link/fifo.ts';
import { type ConnectionChange, Link } from '../link/link.ts';
import { type RequestWriter, writeClientId, writeOption } from '../link/request-writer.ts';
import type { ConnectionSettings } from '../link/settings.ts';
import { isFinal, KIND } from '../protocol/packet-columns.ts';
import { Kind, Packet } from '../protocol/packets.ts';

/** A pending request. */
export interface Expectation {
  /** Its number among the requests of the connection, from 1. */
  requestNumber: number;
  write(channel: Channel): void;
  /** Takes the answer; false when the packet cannot be one. */
  onReply(type: number, bytes: Uint8Array, start: number, end: number, channel: Channel): boolean;
  onRefused(error: ServerError): void;
  /** The connection ended; `isFirst`: the server owed this answer next. */
  onLost(error: ConnectionError, hasLeft: boolean, isFirst: boolean): void;
}

/** Events of a channel for its client. */
export interface ChannelOwner {
  onChange(change: ConnectionChange): void;
  /** The channel can take requests. */
  onReady(channel: Channel): void;
  /** The channel takes no requests until it is ready again. */
  onUnusable(channel: Channel): void;
  onDrained(): void;
}

/** A job on the server, as its channel knows it (Job). */
export interface ChannelJob {
  /** A WORK_ packet; its data is `bytes[start, end)`, which the job may keep when `isOwn`. */
  onWork(type: number, bytes: Uint8Array, start: number, end: number, isOwn: boolean): void;
  /** The connection ended before the job did. */
  onResultLost(error: ConnectionError): void;
}

/** Jobs of one handle: more than one when submits of this connection were merged. */
interface Watched {
  readonly jobs: ChannelJob[];
  /** The job that gets the next copy of a packet. */
  next: number;
}

export class Channel {
  readonly link: Link;
  readonly #owner: ChannelOwner;
  readonly #waiting = new Fifo<Expectation>();
  readonly #jobs = new Map<string, ChannelJob | Watched>();

  constructor(
    endpoint: Endpoint,
    settings: ConnectionSettings,
    takesExceptions: boolean,
    owner: ChannelOwner,
  ) {
    this.#owner = owner;
    this.link = new Link(endpoint, settings, {
      greet: (writer) => greet(writer, settings.id, takesExceptions),
      onReady: () => owner.onReady(this),
      onPacket: (type, bytes, start, end, isOwn) => this.#onPacket(type, bytes, start, end, isOwn),
      onDrained: () => owner.onDrained(),
      onLost: (error, sentRequests) => this.#onLost(error, sentRequests),
      onFailed: () => owner.onUnusable(this),
      onChange: (change) => owner.onChange(change),
    });
  }

  get isReady(): boolean {
    return this.link.state === 'ready';
  }

  /** Ends the connection. Pending requests and jobs end with errors that say what is known about each. */
  async close(error: ConnectionError): Promise<void> {
    const gone = this.link.close();
    this.#fail(error, this.link.sentRequests);
    await gone;
  }

  /** Pending requests and jobs without result. */
  get outstanding(): number {
    return this.#waiting.size + this.#jobs.size;
  }

  /** Writes a request, to be sent at the end of this turn. The channel must be ready. */
  send(expectation: Expectation): void {
    const writer = this.link.writer as RequestWriter;
    expectation.write(this);
    expectation.requestNumber = writer.requestCount;
    this.#waiting.push(expectation);
    this.link.flushSoon();
  }

  /** From now on packets for `handle` go to `job`. */
  watch(handle: string, job: ChannelJob): void {
    const there = this.#jobs.get(handle);
    if (there === undefined) this.#jobs.set(handle, job);
    else if ('jobs' in there) there.jobs.push(job);
    else this.#jobs.set(handle, { jobs: [there, job], next: 0 });
  }

  /**
   * The job has ended early. If several jobs share the handle, this one keeps its place among them, because copies of
   * packets still come for it.
   */
  unwatch(handle: string, job: ChannelJob): void {
    if (this.#jobs.get(handle) === job) this.#jobs.delete(handle);
  }

  #onPacket(type: number, bytes: Uint8Array, start: number, end: number, isOwn: boolean): void {
    if (KIND[type] === Kind.work) this.#onWork(type, bytes, start, end, isOwn);
    else if (type === Packet.ERROR) {
      const [code, text] = splitText(bytes, start, end, 2) as [string, string];
      const expectation = this.#waiting.shift();
      if (expectation !== undefined) expectation.onRefused(new ServerError(code, text));
      else this.link.drop('ERR_GEARMAN_PROTOCOL', `sent ERROR ${code} ${text} to no request`);
    } else {
      const expectation = this.#waiting.peek();
      if (expectation?.onReply(type, bytes, start, end, this) === true) this.#waiting.shift();
      else this.link.drop('ERR_GEARMAN_PROTOCOL', `sent packet type ${type} to no request`);
    }
  }

  #onWork(type: number, bytes: Uint8Array, start: number, end: number, isOwn: boolean): void {
    const stop = argumentEnd(bytes, start, end);
    const handle = handleText(bytes, start, stop);
    const there = this.#jobs.get(handle);
    // The job was given up here, or this is another copy of its last packet.
    if (there === undefined) return;
    const data = Math.min(end, stop + 1);
    const isLast = isFinal(type);
    if (isLast) this.#jobs.delete(handle);
    if (!('jobs' in there)) there.onWork(type, bytes, data, end, isOwn);
    else if (isLast) for (const job of there.jobs) job.onWork(type, bytes, data, end, false);
    else {
      const job = there.jobs[there.next % there.jobs.length] as ChannelJob;
      there.next = (there.next + 1) % there.jobs.length;
      job.onWork(type, bytes, data, end, isOwn);
    }
  }

  #onLost(error: ConnectionError, sentRequests: number): void {
    this.#fail(error, sentRequests);
    this.#owner.onUnusable(this);
  }

  #fail(error: ConnectionError, sentRequests: number): void {
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    const waiting = this.#waiting.takeAll();
    for (const job of jobs)
      for (const one of 'jobs' in job ? job.jobs : [job]) one.onResultLost(error);
    for (const [i, expectation] of waiting.entries())
      expectation.onLost(error, expectation.requestNumber <= sentRequests, i === 0);
  }
}

function greet(writer: RequestWriter, id: string | null, takesExceptions: boolean): void {
  if (takesExceptions) writeOption(writer, 'exceptions');
  writeClientId(writer, id);
}
