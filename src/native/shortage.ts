/**
 * Descriptors that have run out: by the limit of the process (EMFILE) or of the system (ENFILE). Peers can cause it, so it
 * is a state that passes and never an error that ends anything.
 */
import { closeSync, openSync } from 'node:fs';

const SHORTAGES = ['EMFILE', 'ENFILE'] as const;
export type Shortage = (typeof SHORTAGES)[number];

/**
 * The shortage that made `error`, null for every other error. Its causes are looked at as well, and its text, because
 * what comes from another thread or from the dynamic linker has no `code`.
 */
export function shortageOf(error: unknown): Shortage | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const named = SHORTAGES.find((name) => code === name || message.includes(name));
    if (named !== undefined) return named;
    if (message.toLowerCase().includes('too many open files')) return 'EMFILE';
  }
  return null;
}

/** Asks the system for a descriptor and gives it back: the shortage that there is now, or null. */
export function shortageNow(): Shortage | null {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return null;
  } catch (error) {
    return shortageOf(error);
  }
}

/** `error`, or the shortage that is there as its reason: look-ups of files hide why they find none. */
export function orShortage(error: unknown, what: string): unknown {
  const shortage = shortageOf(error) ?? shortageNow();
  if (shortage === null) return error;
  return Object.assign(new Error(`${what}: ${shortage}`, { cause: error }), { code: shortage });
}
