/** Stops a worker when its process gets a signal. */
import type { DrainResult } from './types.ts';

/** Implemented by Worker. */
interface Drainable {
  drain(options?: { readonly timeoutMs?: number }): Promise<DrainResult>;
  close(): Promise<void>;
}

/** Options of `drainOnSignal`. */
export interface StopOptions {
  /** Signals that stop the worker. Default: SIGTERM and SIGINT. */
  readonly signals?: readonly NodeJS.Signals[];
  /** Time limit for running jobs in milliseconds, 1 to 2^31 - 1. Default: no limit. */
  readonly timeoutMs?: number;
  /** Called when the worker has stopped, before the process can end. */
  readonly onStopped?: (result: DrainResult) => void;
}

/**
 * Drains `worker` at the first of the signals and closes it at the second. The process then ends by itself when
 * nothing else keeps it alive. Returns a function that removes the listeners.
 */
export function drainOnSignal(worker: Drainable, options: StopOptions = {}): () => void {
  const { signals = ['SIGTERM', 'SIGINT'], timeoutMs, onStopped } = options;
  let isDraining = false;
  const onSignal = (): void => {
    if (isDraining) {
      worker.close().catch(() => undefined);
      return;
    }
    isDraining = true;
    worker.drain(timeoutMs === undefined ? {} : { timeoutMs }).then(
      (result) => {
        release();
        onStopped?.(result);
      },
      () => release(),
    );
  };
  const release = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return release;
}
