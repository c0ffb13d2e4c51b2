/**
 * Standard streams of a tool. Rule: output waits for its reader; a reader that goes away ends the tool quietly, as a
 * SIGPIPE would; a signal is passed on after whatever has to be put in order.
 */
import type { Writable } from 'node:stream';

/** 128 + SIGPIPE, what a shell shows for a program that lost its reader. */
export const EXIT_BROKEN_PIPE = 141;

/** Ends the process without a word when the reader of stdout has gone. Call it once. */
export function endOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(EXIT_BROKEN_PIPE);
      throw error;
    });
  }
}

/** Writes and resolves when there is room for more. */
export function writeAll(stream: Writable, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve) => {
    if (stream.write(bytes)) resolve();
    else stream.once('drain', resolve);
  });
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Calls `putInOrder` at a signal, then lets the signal do what it does without us. Returns how to take it back. */
export function beforeSignal(putInOrder: () => void): () => void {
  const stop = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    stop();
    putInOrder();
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return stop;
}
