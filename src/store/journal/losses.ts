/**
 * Detects segments that are shorter than they were made, or missing between others. The server never causes this
 * itself. The number of lost jobs is logged: job ids ascend by one, so gaps count them.
 */
import type { Segment } from './segments.ts';

interface Seen {
  readonly segment: Pick<Segment, 'number' | 'path' | 'bytes'>;
  /** Puts that could be read. */
  puts: number;
  /** Ids missing before the first new one of this segment: the greatest possible number of lost jobs. */
  skipped: number;
}

export class Losses {
  readonly #folder: string;
  readonly #segmentBytes: number;
  readonly #tell: (text: string) => void;
  readonly #seen: Seen[] = [];
  #lastId = 0;

  constructor(folder: string, segmentBytes: number, tell: (text: string) => void) {
    this.#folder = folder;
    this.#segmentBytes = segmentBytes;
    this.#tell = tell;
  }

  /** Call at the beginning of each segment, in ascending order. */
  begin(segment: Seen['segment']): void {
    this.#seen.push({ segment, puts: 0, skipped: 0 });
  }

  /** Call for each put of that segment. Ids up to the greatest one so far are moved jobs. */
  saw(id: number): void {
    const last = this.#seen.at(-1) as Seen;
    last.puts++;
    if (id <= this.#lastId) return;
    last.skipped += id - this.#lastId - 1;
    this.#lastId = id;
  }

  /** Call after the last segment. */
  tell(): void {
    for (const [i, { segment, puts }] of this.#seen.entries()) {
      const before = this.#seen[i - 1]?.segment.number;
      if (before !== undefined && segment.number > before + 1)
        this.#tellMissing(before + 1, segment.number - 1, this.#seen[i]?.skipped ?? 0);
      if (segment.bytes >= this.#segmentBytes) continue;
      const next = this.#seen[i + 1];
      const lost = next === undefined ? 'jobs behind them' : upTo(next.skipped);
      this.#tell(
        `${segment.path}: cut off: ${segment.bytes} of ${this.#segmentBytes} bytes are left, with ${puts} jobs; ${lost} are lost`,
      );
    }
  }

  #tellMissing(first: number, last: number, skipped: number): void {
    const which = first === last ? `segment ${first} is` : `segments ${first} to ${last} are`;
    this.#tell(`${this.#folder}: ${which} missing; ${upTo(skipped)} are lost`);
  }
}

function upTo(jobs: number): string {
  return `up to ${jobs} jobs`;
}
