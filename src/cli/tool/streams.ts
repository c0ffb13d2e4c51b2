/**
 * Standard streams of a tool. Untrusted text never reaches a terminal unchanged: its control characters would be
 * executed. A pipe or a file gets every byte, as from the C tools. Rule: output waits for its reader; when the reader
 * closes the stream, the tool ends without a message, as by SIGPIPE; after any other write error it ends with a
 * message.
 */
import type { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { printable } from '../../base/printable.ts';

/** 128 + SIGPIPE, the status that a shell shows for a program that lost its reader. */
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
 * Resolves when the bytes are written, so that an error is known before the tool ends. After an error it never
 * resolves: the stream's error listener ends the process.
 */
export function writeAll(stream: Writable, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve) => {
    try {
      stream.write(bytes, (error) => {
        if (!error) resolve();
      });
    } catch (error) {
      // For standard streams that are files, some versions of Node throw the error that others emit.
      stream.emit('error', error);
    }
  });
}

/** Untrusted `text` for `stream`: escaped for a terminal, unchanged elsewhere. */
export function shownOn(stream: Writable, text: string): string {
  return (stream as Partial<NodeJS.WriteStream>).isTTY === true ? printable(text) : text;
}

/**
 * Writes rows of a listing that comes in parts; on a terminal line by line, escaping everything but tabs and line
 * ends.
 */
export class RowWriter {
  readonly #stream: Writable;
  readonly #decoder: StringDecoder | null;

  constructor(stream: Writable) {
    this.#stream = stream;
    const isTerminal = (stream as Partial<NodeJS.WriteStream>).isTTY === true;
    this.#decoder = isTerminal ? new StringDecoder('utf8') : null;
  }

  /** Writes the next part; resolves when it is written. */
  write(part: Uint8Array): Promise<void> {
    if (this.#decoder === null) return writeAll(this.#stream, part);
    // A character that is cut by the end of a part waits for the next one.
    const pieces = this.#decoder.write(Buffer.from(part)).split(/(\r?\n|\t)/);
    return writeAll(
      this.#stream,
      pieces.map((piece, i) => (i % 2 === 1 ? piece : printable(piece))).join(''),
    );
  }
}
