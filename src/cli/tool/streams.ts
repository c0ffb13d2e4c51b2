/**
 * Standard streams of a tool. Rule: output waits for its reader; a reader that goes away ends the tool quietly, as a
 * SIGPIPE would; whatever else keeps output from being written ends it with a message.
 */
import type { Writable } from 'node:stream';

/** 128 + SIGPIPE, what a shell shows for a program that lost its reader. */
export const EXIT_BROKEN_PIPE = 141;

/** Ends the process when its output cannot be written. Call it once; `name` is the tool's. */
export function endOnLostOutput(name: string): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(EXIT_BROKEN_PIPE);
      if (stream === process.stdout) {
        process.stderr.write(`${name}: write to standard output: ${error.code ?? error.message}\n`);
      }
      process.exit(1);
    });
  }
}

/**
 * Writes and resolves when it is written: an error is then known before the tool ends. Never resolves after one, the
 * stream's error listener ends the process.
 */
export function writeAll(stream: Writable, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(bytes, (error) => {
      if (!error) resolve();
    });
  });
}
