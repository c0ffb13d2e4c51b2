/** From two looks to what happened in between: rates per second. Null is what is not known. */
import type { FunctionFigures, Look } from './look.ts';

export interface FunctionRow extends FunctionFigures {
  /** Jobs that came and that ended, per second. */
  readonly inPerSecond: number | null;
  readonly outPerSecond: number | null;
  /** By how much queued and running jobs together grew, per second; known of every server. */
  readonly changePerSecond: number | null;
}

const jobs = (figures: FunctionFigures): number => figures.queued + figures.running;

function row(
  now: FunctionFigures,
  before: FunctionFigures | undefined,
  seconds: number,
): FunctionRow {
  const unknown = { inPerSecond: null, outPerSecond: null, changePerSecond: null };
  if (before === undefined || seconds <= 0) return { ...now, ...unknown };
  const change = jobs(now) - jobs(before);
  const changePerSecond = change / seconds;
  if (now.created === null || before.created === null)
    return { ...now, ...unknown, changePerSecond };
  const came = now.created - before.created;
  // Fewer than before: the function was dropped and made anew, or the server was.
  if (came < 0 || came < change) return { ...now, ...unknown };
  return {
    ...now,
    inPerSecond: came / seconds,
    outPerSecond: (came - change) / seconds,
    changePerSecond,
  };
}

/** Rows of `now` with rates since `before`; without it no rate is known. */
export function changes(now: Look, before: Look | null): FunctionRow[] {
  const earlier = new Map(before?.functions.map((figures) => [figures.name, figures]));
  const seconds = before === null ? 0 : (now.atMs - before.atMs) / 1000;
  return now.functions.map((figures) => row(figures, earlier.get(figures.name), seconds));
}
