/**
 * The library's link to one job server: a connection that is made again whenever it ends, after a random wait that
 * doubles with each failure (full jitter); its name is resolved each time. Rule: at most one connection at a time.
 */
import { performance } from 'node:perf_hooks';
import { Connection } from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import type { ConnectionError } from './errors.ts';
import type { OnPacket, OnText } from './packet-reader.ts';
import type { RequestWriter } from './request-writer.ts';
import type { ConnectionSettings } from './settings.ts';

/**
 * State of the link to one job server: `connecting` -> `ready` -> `waiting` (lost or failed) -> `connecting` ...;
 * `idle` before the first use, `closed` at the end.
 */
export type LinkState = 'idle' | 'connecting' | 'ready' | 'waiting' | 'closed';

/** A change of a connection to a job server. */
export interface ConnectionChange {
  /** The job server: `host:port`, `unix:/path` or `in process`. */
  readonly server: string;
  /** The new state. */
  readonly state: LinkState;
  /** The reason for `waiting`; null in other states. */
  readonly error: ConnectionError | null;
  /** Milliseconds until the next attempt, in state `waiting`; otherwise null. */
  readonly retryInMs: number | null;
}

/** Events of a link. */
export interface LinkEvents {
  /** Writes the first requests of a new connection. */
  greet(writer: RequestWriter): void;
  onReady(): void;
  onPacket: OnPacket;
  /** Text between packets, when the link gives text commands. */
  readonly onText?: OnText;
  onDrained(): void;
  /** A ready connection has ended; its first `sentRequests` requests had been sent. */
  onLost(error: ConnectionError, sentRequests: number): void;
  /** A connection could not be made. */
  onFailed(error: ConnectionError): void;
  onChange(change: ConnectionChange): void;
}

/** If a ready connection ends before this time, it counts as one more failure. */
const STABLE_MS = 1000;

export class Link {
  readonly label: string;
  readonly #endpoint: Endpoint;
  readonly #settings: ConnectionSettings;
  readonly #events: LinkEvents;
  readonly #random: () => number;
  #state: LinkState = 'idle';
  #connection: Connection | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failures = 0;
  #readyAtMs = 0;
  #lastError: ConnectionError | null = null;
  #onGone: (() => void)[] = [];

  /** `random` gives numbers in [0, 1). */
  constructor(
    endpoint: Endpoint,
    settings: ConnectionSettings,
    events: LinkEvents,
    random: () => number = Math.random,
  ) {
    this.label = endpoint.label;
    this.#endpoint = endpoint;
    this.#settings = settings;
    this.#events = events;
    this.#random = random;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Why the last connection ended or failed; null when the link is ready or has never failed. */
  get lastError(): ConnectionError | null {
    return this.#lastError;
  }

  /** The writer of the connection; null unless the link is ready. */
  get writer(): RequestWriter | null {
    return this.#state === 'ready' ? (this.#connection as Connection).writer : null;
  }

  /** Requests of the current connection whose bytes have all been sent. */
  get sentRequests(): number {
    return this.#connection?.sentRequests ?? 0;
  }

  get unsentBytes(): number {
    return this.#connection?.unsentBytes ?? 0;
  }

  /** Connects, unless it is connecting or connected. */
  start(): void {
    if (this.#state === 'idle') this.#connect();
  }

  /** Sends written data at the end of this turn. */
  flushSoon(): void {
    this.#connection?.flushSoon();
  }

  /** Ends the connection, because the other side broke the protocol or is unusable; then it is made again. */
  drop(code: ConnectionError['code'], what: string): void {
    this.#connection?.destroy(code, what);
  }

  /** Closes permanently; with `isPatient` written data is sent first. Resolves when the connection has ended. */
  async close(isPatient = false): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const connection = this.#connection;
    if (this.#state !== 'closed') this.#change('closed', null, null);
    if (connection === null) return;
    const gone = new Promise<void>((resolve) => this.#onGone.push(resolve));
    if (isPatient) connection.end();
    else connection.destroy('ERR_GEARMAN_CLOSED', 'was disconnected');
    await gone;
  }

  #connect(): void {
    this.#timer = null;
    const connection = new Connection(this.#endpoint, this.#settings, {
      greet: (writer) => this.#events.greet(writer),
      onReady: () => {
        if (this.#state !== 'connecting') return;
        this.#readyAtMs = performance.now();
        this.#lastError = null;
        this.#change('ready', null, null);
        this.#events.onReady();
      },
      onPacket: this.#events.onPacket,
      onText: this.#events.onText,
      onDrained: () => this.#events.onDrained(),
      onClosed: (error) => this.#ended(error, connection.sentRequests),
    });
    this.#connection = connection;
    this.#change('connecting', null, null);
  }

  #ended(error: ConnectionError, sentRequests: number): void {
    this.#connection = null;
    if (this.#state === 'closed') {
      for (const gone of this.#onGone.splice(0)) gone();
      return;
    }
    const wasReady = this.#state === 'ready';
    const isStable = wasReady && performance.now() - this.#readyAtMs >= STABLE_MS;
    this.#failures = isStable ? 1 : this.#failures + 1;
    this.#lastError = error;
    const waitMs = this.#backoffMs();
    this.#timer = setTimeout(() => this.#connect(), waitMs);
    this.#change('waiting', error, waitMs);
    if (wasReady) this.#events.onLost(error, sentRequests);
    else this.#events.onFailed(error);
  }

  #backoffMs(): number {
    const { backoffMinMs, backoffMaxMs } = this.#settings;
    const ceilingMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(30, this.#failures - 1));
    return Math.round(this.#random() * ceilingMs);
  }

  #change(state: LinkState, error: ConnectionError | null, retryInMs: number | null): void {
    this.#state = state;
    this.#events.onChange({ server: this.label, state, error, retryInMs });
  }
}
