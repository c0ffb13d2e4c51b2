/** Limits a wait by a time and a signal; the underlying operation continues and its end is ignored. */
import { TimeoutError } from './errors.ts';
import { checkMs } from './settings.ts';

/** Limits of a wait. The operation itself is not cancelled. */
export interface RequestOptions {
  /** Milliseconds after which the wait rejects with TimeoutError (`ERR_GEARMAN_TIMEOUT`). Default: no limit. */
  readonly timeoutMs?: number;
  /** Makes the wait reject with the signal's reason when it aborts. Default: none. */
  readonly signal?: AbortSignal;
}

/**
 * Settles as `wait` does, or rejects with TimeoutError or the signal's reason, whichever comes first. `whyLate` gives
 * the cause of a TimeoutError.
 */
export function within<T>(
  wait: Promise<T>,
  options: RequestOptions,
  defaultMs: number | null,
  what: string,
  whyLate: () => Error | null = () => null,
): Promise<T> {
  const { signal } = options;
  const timeoutMs =
    options.timeoutMs === undefined ? defaultMs : checkMs('timeoutMs', options.timeoutMs);
  if (timeoutMs === null && signal === undefined) return wait;
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = (): void => settle(() => reject((signal as AbortSignal).reason));
    const settle = (how: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      how();
    };
    wait.then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
    if (timeoutMs !== null)
      timer = setTimeout(
        () => settle(() => reject(new TimeoutError(what, timeoutMs, whyLate()))),
        timeoutMs,
      );
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}
