/** Binds a port that another process may still hold: tries again after growing pauses, about 20 seconds in all. */

/** gearmand's pauses between attempts, in seconds. */
export const LISTEN_PAUSES_S: readonly number[] = [1, 2, 4, 6, 9];

export interface Patience {
  /** Called before each pause. */
  onBusy(error: Error, pauseSeconds: number): void;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** A pause by timer. */
export function pauseByTimer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/**
 * Calls `listen` until it succeeds. Resolves to false when `signal` aborts first; rejects with the last error when the
 * port stays busy, and at once for every other error.
 */
export async function listenPatiently(
  listen: () => Promise<void>,
  signal: AbortSignal,
  patience: Patience,
): Promise<boolean> {
  for (const pauseSeconds of [...LISTEN_PAUSES_S, null]) {
    if (signal.aborted) return false;
    try {
      await listen();
      return true;
    } catch (error) {
      const { code, isLasting } = error as NodeJS.ErrnoException & { isLasting?: boolean };
      const isBusy = code === 'EADDRINUSE' && isLasting !== true;
      if (!isBusy || pauseSeconds === null) throw error;
      patience.onBusy(error as Error, pauseSeconds);
      await patience.pause(pauseSeconds * 1000, signal);
    }
  }
  return false;
}
