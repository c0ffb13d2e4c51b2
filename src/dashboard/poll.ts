/**
 * Keeps what a screen shows up to date: loads it again a second after the last answer. Rule: nothing is loaded while the
 * page is hidden; an answer that comes after the screen has changed is dropped; after an error the last good data stay.
 */
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { changes } from './api/actions.ts';
import { ApiError, needsLogin } from './api/request.ts';

/** When the last answer came, milliseconds since 1970, and whether the last request failed. */
export const lastAnswerMs = signal(0);
export const isLost = signal(false);

export interface Polled<T> {
  readonly data: T | null;
  readonly error: ApiError | null;
  /** Loads again now. */
  reload(): void;
}

const SECOND_MS = 1000;
const AFTER_ERROR_MS = 3000;

/**
 * `load` is called anew when one of `inputs` changes; then the data of before are dropped. It is called after each action
 * too; `everyMs` null: once only.
 */
export function usePoll<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
  everyMs: number | null = SECOND_MS,
): Polled<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const again = useRef<() => void>(() => {});
  useEffect(() => {
    setData(null);
    setError(null);
    const polling = startPolling(load, everyMs, setData, setError);
    again.current = polling.now;
    return polling.stop;
  }, [...inputs, everyMs]);
  const change = changes.value;
  useEffect(() => {
    if (change > 0 && everyMs !== null) again.current();
  }, [change]);
  return { data, error, reload: () => again.current() };
}

/** The loop of `usePoll`, also for what lives longer than a screen. */
export function startPolling<T>(
  load: (signal: AbortSignal) => Promise<T>,
  everyMs: number | null,
  loaded: (data: T) => void,
  failed: (error: ApiError | null) => void,
): { now(): void; stop(): void } {
  const ended = new AbortController();
  let timer = 0;
  let isLoading = false;
  let isWanted = false;
  const run = async (): Promise<void> => {
    clearTimeout(timer);
    isWanted = isLoading;
    if (isLoading) return;
    isLoading = true;
    let nextMs = everyMs;
    try {
      const data = await load(ended.signal);
      if (ended.signal.aborted) return;
      lastAnswerMs.value = Date.now();
      isLost.value = false;
      loaded(data);
      failed(null);
    } catch (error) {
      if (ended.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      isLost.value = error.status === 0;
      failed(error);
      if (nextMs !== null) nextMs = Math.max(nextMs, AFTER_ERROR_MS);
    } finally {
      isLoading = false;
    }
    if (isWanted) void run();
    else if (nextMs !== null && !document.hidden && !needsLogin.value)
      timer = window.setTimeout(() => void run(), nextMs);
  };
  const shown = (): void => {
    if (!document.hidden && everyMs !== null) void run();
  };
  document.addEventListener('visibilitychange', shown);
  void run();
  return {
    now: () => void run(),
    stop: () => {
      ended.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', shown);
    },
  };
}
