/**
 * Asks V8 to collect garbage now. Function names and the state of connections are in V8's heap. When memory is full and
 * a connection is closed, V8 would keep its memory until the heap has doubled. Rule: at most four collections a second.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const PAUSE_MS = 250;

/** Returns a function that starts a collection of this thread's garbage after the current turn. */
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
