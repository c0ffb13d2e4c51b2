/**
 * Lack of descriptors, because of the limit of the process (EMFILE) or of the system (ENFILE). Peers can cause it, so
 * it is treated as a temporary state and ends neither a thread nor the server.
 */
import { closeSync, openSync } from 'node:fs';

const SHORTAGES = ['EMFILE', 'ENFILE'] as const;
export type Shortage = (typeof SHORTAGES)[number];

/**
 * The shortage that caused `error`, null for every other error. Checks its causes too, and its text, because errors
 * from another thread or the dynamic linker have no `code`.
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

/** The current shortage, or null. Opens a descriptor and closes it again. */
export function shortageNow(): Shortage | null {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return null;
  } catch (error) {
    return shortageOf(error);
  }
}

/** `error`, or an error with the current shortage as its reason, because file look-ups hide why they fail. */
export function orShortage(error: unknown, what: string): unknown {
  const shortage = shortageOf(error) ?? shortageNow();
  if (shortage === null) return error;
  return Object.assign(new Error(`${what}: ${shortage}`, { cause: error }), { code: shortage });
}
