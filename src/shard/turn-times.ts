/** How long the turns of a thread take, counted in buckets by powers of four of a microsecond (tally.ts). */
import { BUCKET_COUNT, bucketOf } from '../broker/function-stats.ts';

const UINT32_MAX = 2 ** 32 - 1;

export class TurnTimes {
  readonly #buckets = new Float64Array(BUCKET_COUNT);
  #sumUs = 0;

  add(tookMs: number): void {
    const us = tookMs * 1000;
    this.#sumUs += us;
    const bucket = bucketOf(Math.min(us, UINT32_MAX) >>> 0);
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
  }

  figures(): { buckets: number[]; sumUs: number } {
    return { buckets: [...this.#buckets], sumUs: this.#sumUs };
  }
}
