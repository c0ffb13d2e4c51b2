/**
 * Functions that share a limit, and their connections: each function with its own limit has its own group; all other
 * functions share one group. A group has one connection to every server, because a GRAB_JOB names no function. Rule:
 * pending grabs never exceed the free slots of the group and of the worker, so that no job waits here.
 */
import type { ConnectionSettings } from '../link/settings.ts';
import type { Ability } from './ability.ts';
import { type ChannelGroup, WorkerChannel, type WorkerChannelHost } from './worker-channel.ts';

/** Slots of the whole worker, shared by its groups. */
export interface Slots {
  readonly limit: number;
  /** Running jobs, and grabs that may bring one. */
  taken: number;
}

export class ConcurrencyGroup implements ChannelGroup {
  readonly abilities = new Map<string, Ability>();
  readonly channels: readonly WorkerChannel[];
  readonly #slots: Slots;
  readonly #limit: number;
  #taken = 0;
  #next = 0;

  /** `limit` is the group's own; Infinity = the worker's. */
  constructor(settings: ConnectionSettings, host: WorkerChannelHost, slots: Slots, limit: number) {
    this.#slots = slots;
    this.#limit = limit;
    this.channels = settings.endpoints.map(
      (endpoint) => new WorkerChannel(endpoint, settings, this, host),
    );
  }

  /** Free slots. */
  get free(): number {
    return Math.min(this.#slots.limit - this.#slots.taken, this.#limit - this.#taken);
  }

  /** Takes a slot; the caller has checked that one is free. */
  take(): void {
    this.#taken++;
    this.#slots.taken++;
  }

  give(): void {
    this.#taken--;
    this.#slots.taken--;
  }

  /** Lets the channels grab, beginning after the one that grabbed last. */
  fill(): void {
    const { channels } = this;
    const count = channels.length;
    const first = this.#next;
    for (let i = 0; i < count && this.free > 0; i++) {
      const at = (first + i) % count;
      if ((channels[at] as WorkerChannel).grab()) this.#next = (at + 1) % count;
    }
  }
}
