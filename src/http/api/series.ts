/** Takes a sample of all functions each 5 s while the control port is open, and answers with what was seen. */
import { hasRight, hasServerRight, lackOf } from './caller.ts';
import type { FiguresSource } from './figures.ts';
import type { HandlersOf } from './handler.ts';
import { ApiProblem } from './problems.ts';
import { SAMPLE_MS, SeriesRings } from './series-rings.ts';

export class Series {
  readonly #rings = new SeriesRings();
  readonly #timer: NodeJS.Timeout;

  /** `failed` gets faults of ours. */
  constructor(figures: FiguresSource, failed: (error: Error) => void) {
    let isSampling = false;
    this.#timer = setInterval(() => {
      if (isSampling) return;
      isSampling = true;
      figures
        .fresh()
        .then((sample) => this.#rings.add(sample))
        .catch((error) => failed(error as Error))
        .finally(() => {
          isSampling = false;
        });
    }, SAMPLE_MS).unref();
  }

  handlers(): HandlersOf<'series'> {
    return {
      series: ({ caller, query: { span, function: name } }) => {
        const isAllowed =
          name === undefined ? hasServerRight(caller, 'view') : hasRight(caller, 'view', name);
        if (!isAllowed) throw lackOf(caller, 'view');
        const text = name === undefined ? null : Buffer.from(name, 'latin1').toString('utf8');
        const series = this.#rings.of(text, span);
        if (series === null) throw new ApiProblem('notMeasured');
        return series;
      },
    };
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
