/**
 * Standard streams of a tool. Rule: output waits for its reader; a reader that goes away ends the tool quietly, as a
 * SIGPIPE would.
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
