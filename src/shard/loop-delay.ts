/** How late timers of this thread are: a timer of Node's own, far rarer than turns are. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { LoopDelay } from '../session/thread-queries.ts';

const STEP_MS = 20;
const NS_PER_MS = 1e6;

/** Starts measuring; the function returned reads what was measured since it was called last. */
export function loopDelayMeter(): () => LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: STEP_MS });
  histogram.enable();
  // What is recorded is the time from one call of the timer to the next.
  const late = (ns: number): number =>
    Math.max(0, (Number.isNaN(ns) ? 0 : ns) / NS_PER_MS - STEP_MS);
  return () => {
    const { mean, max } = histogram;
    const hasAny = histogram.count > 0;
    const delay = {
      meanMs: hasAny ? late(mean) : 0,
      p99Ms: hasAny ? late(histogram.percentile(99)) : 0,
      maxMs: hasAny ? late(max) : 0,
    };
    histogram.reset();
    return delay;
  };
}
