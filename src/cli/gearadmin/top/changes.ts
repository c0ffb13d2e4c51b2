/** Computes rates per second from two samples. Null means unknown. */
import type { FunctionFigures, Look } from './look.ts';

export interface FunctionRow extends FunctionFigures {
  /** Jobs created and jobs ended, per second. */
  readonly inPerSecond: number | null;
  readonly outPerSecond: number | null;
  /** Growth of queued and running jobs together, per second; known for every server. */
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
  // Fewer than before: the function was dropped and created again, or the server restarted.
  if (came < 0 || came < change) return { ...now, ...unknown };
  return {
    ...now,
    inPerSecond: came / seconds,
    outPerSecond: (came - change) / seconds,
    changePerSecond,
  };
}

/** Rows of `now` with rates since `before`; without it all rates are unknown. */
export function changes(now: Look, before: Look | null): FunctionRow[] {
  const earlier = new Map(before?.functions.map((figures) => [figures.name, figures]));
  const seconds = before === null ? 0 : (now.atMs - before.atMs) / 1000;
  return now.functions.map((figures) => row(figures, earlier.get(figures.name), seconds));
}
