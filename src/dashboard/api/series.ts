/** Figures over time: those that the server keeps, else what was seen since this page was opened. */
import type { Sample } from './history.ts';
import { queryOf } from './paths.ts';
import { get } from './request.ts';

export type Span = 'hour' | 'day';

/** Columns of equal length, oldest first; rates per second; null where nothing was measured. */
export interface Series {
  readonly stepMs: number;
  readonly endMs: number;
  readonly in: readonly (number | null)[];
  readonly done: readonly (number | null)[];
  readonly failed: readonly (number | null)[];
  readonly queued: readonly (number | null)[];
  readonly running: readonly (number | null)[];
  readonly waitP99Ms: readonly (number | null)[];
  readonly runP99Ms: readonly (number | null)[];
}

/** `segment` null: all functions together. Errors: as `get`. */
export function loadSeries(segment: string | null, span: Span, stop: AbortSignal): Promise<Series> {
  const name = segment === null ? '' : `&function=${segment}`;
  return get<Series>(`v1/series${queryOf({ span })}${name}`, stop);
}

/** The times of a series' points, milliseconds since 1970. */
export function timesOf({ stepMs, endMs, queued }: Series): number[] {
  return queued.map((_, at) => endMs - (queued.length - 1 - at) * stepMs);
}

/** The same times for samples of this page; the first sample has no rate. */
export function sampleTimesOf(samples: readonly Sample[]): number[] {
  return samples.slice(1).map(({ atMs }) => performance.timeOrigin + atMs);
}
