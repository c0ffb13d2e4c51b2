/**
 * Chooses the server of a submit. Submits with equal function and unique are sent to the same server while the set of
 * usable servers is the same, so that they become one job there. When a server fails, only its own keys move
 * (rendezvous hashing). Other jobs go to the servers in turn.
 */
import { hashBytes } from '../protocol/hash.ts';
import type { Channel } from './channel.ts';

/** True when the server is ready or has never failed; false after its last connection failed or ended. */
function isHopeful(channel: Channel): boolean {
  return channel.link.lastError === null;
}

export class ChannelChoice {
  readonly #channels: readonly Channel[];
  readonly #seeds: number[];
  #next = 0;

  constructor(channels: readonly Channel[]) {
    this.#channels = channels;
    this.#seeds = channels.map((channel) => {
      const label = Buffer.from(channel.link.label);
      return hashBytes(label, 0, label.length, 0x67656172);
    });
  }

  /** A ready channel; null when the submit must wait. `key` is empty for jobs that may go to any server. */
  choose(functionName: string, unique: string): Channel | null {
    if (this.#channels.length === 1) {
      const channel = this.#channels[0] as Channel;
      return channel.isReady ? channel : null;
    }
    return unique === '' ? this.#inTurn() : this.#byKey(functionName, unique);
  }

  /** True when no server is usable and all have failed. */
  get isHopeless(): boolean {
    return !this.#channels.some(isHopeful);
  }

  #inTurn(): Channel | null {
    const count = this.#channels.length;
    for (let i = 0; i < count; i++) {
      const channel = this.#channels[(this.#next + i) % count] as Channel;
      if (!channel.isReady) continue;
      this.#next = (this.#next + i + 1) % count;
      return channel;
    }
    return null;
  }

  #byKey(functionName: string, unique: string): Channel | null {
    const key = Buffer.from(`${functionName}\0${unique}`);
    let best: Channel | null = null;
    let bestScore = -1;
    for (const [i, channel] of this.#channels.entries()) {
      if (!isHopeful(channel)) continue;
      const score = hashBytes(key, 0, key.length, this.#seeds[i] as number) >>> 0;
      if (score <= bestScore) continue;
      best = channel;
      bestScore = score;
    }
    return best?.isReady === true ? best : null;
  }
}
