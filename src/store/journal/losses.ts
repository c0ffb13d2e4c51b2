/**
 * Segments of a journal that are shorter than they were made, or that are gone though later ones are there. Both happen
 * outside of the server only. What is lost is told with numbers: ids of jobs ascend by one, so a leap counts them.
 */
import type { Segment } from './segments.ts';

interface Seen {
  readonly segment: Pick<Segment, 'number' | 'path' | 'bytes'>;
  /** Puts that could be read. */
  puts: number;
  /** Ids left out before the first new one of this segment: at most so many jobs. */
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

  /** Segments come in ascending order. */
  begin(segment: Seen['segment']): void {
    this.#seen.push({ segment, puts: 0, skipped: 0 });
  }

  /** A put of the segment that was begun last. Ids up to the greatest one are jobs that were moved. */
  saw(id: number): void {
    const last = this.#seen.at(-1) as Seen;
    last.puts++;
    if (id <= this.#lastId) return;
    last.skipped += id - this.#lastId - 1;
    this.#lastId = id;
  }

  /** After the last segment. */
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
