/**
 * `--store-queue-on-shutdown`: all background jobs that the store does not have are handed to it when the server ends.
 * Rule: as much at a time as the store takes; a store that fails is not waited for.
 */
import type { Storing } from '../broker/storing.ts';
import type { Store } from '../store/store.ts';

/** Between two looks at what the store has done. */
const STEP_MS = 1;

/** Hands everything over; `look` has the store told what became of it. */
export async function storeAtEnd(storing: Storing, store: Store, look: () => void): Promise<void> {
  for (const job of storing.unstored()) {
    while (!storing.storeLate(job)) {
      const { isAccepting, uncommitted } = store.health;
      if (!isAccepting) return;
      // With nothing under way it is this job that is not taken.
      if (uncommitted === 0) break;
      look();
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
  }
}
