/**
 * Standard streams of a tool. What strangers have named never reaches a terminal as it is: its control characters would
 * be obeyed. A pipe or a file gets every byte, as from the C tools. Rule: output waits for its reader; a reader that goes away ends the tool quietly, as a
 * SIGPIPE would; whatever else keeps output from being written ends it with a message.
 */
import type { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { printable } from '../../base/printable.ts';

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
    try {
      stream.write(bytes, (error) => {
        if (!error) resolve();
      });
    } catch (error) {
      // Of a file behind a standard stream, some versions of Node throw what others emit.
      stream.emit('error', error);
    }
  });
}

/** `text` of strangers for `stream`: safe where that is a terminal, unchanged elsewhere. */
export function shownOn(stream: Writable, text: string): string {
  return (stream as Partial<NodeJS.WriteStream>).isTTY === true ? printable(text) : text;
}

/** Writes rows of a listing that comes in parts; on a terminal line by line, with only tabs and line ends as they are. */
export class RowWriter {
  readonly #stream: Writable;
  readonly #decoder: StringDecoder | null;

  constructor(stream: Writable) {
    this.#stream = stream;
    const isTerminal = (stream as Partial<NodeJS.WriteStream>).isTTY === true;
    this.#decoder = isTerminal ? new StringDecoder('utf8') : null;
  }

  /** The next part; resolves when it is written. */
  write(part: Uint8Array): Promise<void> {
    if (this.#decoder === null) return writeAll(this.#stream, part);
    // A character that the part cuts in two waits for the next part.
    const pieces = this.#decoder.write(Buffer.from(part)).split(/(\r?\n|\t)/);
    return writeAll(
      this.#stream,
      pieces.map((piece, i) => (i % 2 === 1 ? piece : printable(piece))).join(''),
    );
  }
}
