/**
 * Asks V8 to collect garbage now. Names of functions and what connections hold lie in its heap: who is closed because
 * memory is full has given up what V8 would keep until the heap has doubled. Rule: at most four collections a second.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const PAUSE_MS = 250;

/** A function that has this thread's garbage collected behind the turn at hand. */
export function garbageCollector(nowMs: () => number): () => void {
  let collect: (() => void) | null = null;
  let collectedAtMs = Number.NEGATIVE_INFINITY;
  let isDue = false;
  const run = () => {
    isDue = false;
    collectedAtMs = nowMs();
    if (collect === null) {
      setFlagsFromString('--expose-gc');
      collect = runInNewContext('gc') as () => void;
    }
    collect();
  };
  return () => {
    if (isDue) return;
    isDue = true;
    const waitMs = collectedAtMs + PAUSE_MS - nowMs();
    if (waitMs > 0) setTimeout(run, waitMs).unref();
    else setImmediate(run);
  };
}
