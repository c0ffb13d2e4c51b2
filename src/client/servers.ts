/**
 * The job servers of a client: which are usable, waits for them, queries to all of them. Rule: every wait ends when
 * the client closes.
 */
import { ConnectionError } from '../link/errors.ts';
import type { ConnectionChange } from '../link/link.ts';
import type { ConnectionSettings } from '../link/settings.ts';
import { UnreachedWarning, whyUnreachable } from '../link/unreached.ts';
import { Watchers } from '../link/watchers.ts';
import { type RequestOptions, within } from '../link/within.ts';
import { Channel } from './channel.ts';
import { ChannelChoice } from './choose-channel.ts';
import { firstKnown } from './first-known.ts';
import { askEcho } from './requests.ts';
import type { JobStatus, Ping, ServerState } from './types.ts';

/** Submits wait while more output than this is unsent: it would cost memory without a gain. */
const UNSENT_BYTES_MAX = 1024 * 1024;

/** The error of everything that is pending when the client closes. */
export const closedError = (): ConnectionError =>
  new ConnectionError('ERR_GEARMAN_CLOSED', 'the client was closed');

/** Events of the servers for the client. */
export interface ServersOwner {
  /** The program listens to changes of connections. */
  isHeard(): boolean;
  onChange(change: ConnectionChange): void;
  /** The set of usable servers has changed: queued jobs may be sent, or have to fail. */
  onMoved(): void;
}

export interface ServersOptions {
  readonly takesExceptions: boolean;
  /** Submits fail when no server can be reached, instead of waiting. */
  readonly failsOffline: boolean;
  /** Default timeout of requests; null = no limit. */
  readonly timeoutMs: number | null;
}

export class Servers {
  readonly #channels: readonly Channel[];
  readonly #choice: ChannelChoice;
  readonly #options: ServersOptions;
  readonly #watchers = new Watchers();
  readonly #drained: (() => void)[] = [];
  readonly #warning: UnreachedWarning | null;
  #isClosed = false;

  constructor(settings: ConnectionSettings, options: ServersOptions, owner: ServersOwner) {
    this.#options = options;
    const onMoved = (): void => {
      owner.onMoved();
      this.#watchers.look();
    };
    this.#channels = settings.endpoints.map(
      (endpoint) =>
        new Channel(endpoint, settings, options.takesExceptions, {
          onChange: (change) => owner.onChange(change),
          onReady: onMoved,
          onUnusable: onMoved,
          onDrained: () => {
            for (const drained of this.#drained.splice(0)) drained();
          },
        }),
    );
    this.#choice = new ChannelChoice(this.#channels);
    const links = this.#channels.map(({ link }) => link);
    this.#warning = options.failsOffline
      ? null
      : new UnreachedWarning('client', () => links, owner.isHeard);
  }

  get states(): ServerState[] {
    return this.#channels.map(({ link }) => ({ server: link.label, state: link.state }));
  }

  /** Connects to servers that have not been used yet. */
  begin(): void {
    this.#warning?.start();
    for (const { link } of this.#channels) if (link.state === 'idle') link.start();
  }

  /** The server for a submit now, or null. */
  choose(functionName: string, unique: string): Channel | null {
    return this.#choice.choose(functionName, unique);
  }

  /** No server can be reached, and submits do not wait for one. */
  get isHopeless(): boolean {
    return this.#options.failsOffline && this.#choice.isHopeless;
  }

  /** Why no server can be reached; null while one is ready, or none has failed yet. */
  get whyUnreachable(): ConnectionError | null {
    return whyUnreachable(this.#channels.map(({ link }) => link));
  }

  /** The error of a submit that cannot be sent, with the reason of a server that failed. */
  offline(what: string): ConnectionError {
    const cause = this.whyUnreachable;
    const why = cause === null ? '' : `: ${cause.message}`;
    return new ConnectionError('ERR_GEARMAN_OFFLINE', what + why, cause === null ? {} : { cause });
  }

  /** Resolves when a server is ready. */
  async ready(options: RequestOptions): Promise<void> {
    this.begin();
    const isReady = this.#until(() => {
      if (this.#channels.some((channel) => channel.isReady)) return true;
      if (this.isHopeless) throw this.offline('no job server can be reached');
      return false;
    });
    await within(isReady, options, this.#options.timeoutMs, 'connect', () => this.whyUnreachable);
  }

  /** Sends an echo request to every server. Rejects with the first server's error when none answers. */
  async ping(options: RequestOptions): Promise<Ping[]> {
    this.begin();
    const { timeoutMs } = this.#options;
    const asked = this.#channels.map(async (channel): Promise<Ping> => {
      const server = channel.link.label;
      try {
        await within(this.#settled(channel), options, timeoutMs, 'ping');
        const roundTripMs = await within(askEcho(channel), options, timeoutMs, 'ping');
        return { server, roundTripMs, error: null };
      } catch (error) {
        return { server, roundTripMs: null, error: error as Error };
      }
    });
    const pings = await Promise.all(asked);
    if (pings.every((ping) => ping.error !== null)) throw pings[0]?.error;
    return pings;
  }

  /** Asks every server about a job; the first that knows it answers. */
  async askAll<S extends JobStatus>(
    what: string,
    options: RequestOptions,
    askOne: (channel: Channel) => Promise<S>,
  ): Promise<S> {
    this.begin();
    const answers = this.#channels.map(async (channel) => {
      await this.#settled(channel);
      return askOne(channel);
    });
    const answered = within(firstKnown(answers), options, this.#options.timeoutMs, what);
    return answered;
  }

  /** Resolves when little written output is unsent. */
  async untilDrained(): Promise<void> {
    while (this.#channels.some(({ link }) => link.unsentBytes > UNSENT_BYTES_MAX))
      await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /** Ends all connections. Pending requests end with `error`, or with an error that says what is known about them. */
  async close(error: ConnectionError): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#channels.map((channel) => channel.close(error)));
    this.#watchers.look();
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
    return this.#watchers.until(() => {
      if (this.#isClosed) throw closedError();
      return isSo();
    });
  }
}
