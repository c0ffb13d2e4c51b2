/** Ends a worker when its process is told to stop. */
import type { DrainResult } from './types.ts';

/** What can be drained; a Worker. */
interface Drainable {
  drain(options?: { readonly timeoutMs?: number }): Promise<DrainResult>;
  close(): Promise<void>;
}

/** Which signals, and how long is waited. */
export interface StopOptions {
  /** Default: SIGTERM and SIGINT. */
  readonly signals?: readonly NodeJS.Signals[];
  /** How long running jobs may take; default: no limit. */
  readonly timeoutMs?: number;
  /** Called when the worker has left, before the process may end. */
  readonly onStopped?: (result: DrainResult) => void;
}

/**
 * Drains `worker` at the first SIGTERM or SIGINT and closes it at the second. The process then ends by itself when
 * nothing else keeps it. Returns a function that takes the listeners away.
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
