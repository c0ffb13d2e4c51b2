/** Reads a file line by line with bounded memory: at most one line and one piece of the file. */
import { readSync } from 'node:fs';

const READ_BYTES = 1024 * 1024;
const LF = 0x0a;
/** A line is longer than its workload by this factor: base64 turns 3 bytes into 4 characters. */
const BASE64_GROWTH = 4 / 3;
const REST_BYTES = 64 * 1024;

export interface ReadLine {
  /** Line number, from 1. */
  readonly number: number;
  readonly text: string;
  /** Offset of its end in the file. */
  readonly end: number;
}

/** Empty lines are skipped, but counted. Throws for a line that is too long for a workload of `workloadBytesMax`. */
export function* readLines(file: number, workloadBytesMax: number): Generator<ReadLine> {
  const lineBytesMax = workloadBytesMax * BASE64_GROWTH + REST_BYTES;
  const piece = Buffer.alloc(READ_BYTES);
  let parts: Buffer[] = [];
  let lineBytes = 0;
  let number = 1;
  let position = 0;
  for (;;) {
    const count = readSync(file, piece, 0, piece.length, position);
    let at = 0;
    for (let end = piece.indexOf(LF); end >= 0 && end < count; end = piece.indexOf(LF, at)) {
      parts.push(piece.subarray(at, end));
      const text = Buffer.concat(parts).toString();
      if (text.trim() !== '') yield { number, text, end: position + end + 1 };
      parts = [];
      lineBytes = 0;
      number++;
      at = end + 1;
    }
    position += count;
    if (count === 0) break;
    // A copy, because the piece is reused.
    parts.push(Buffer.from(piece.subarray(at, count)));
    lineBytes += count - at;
    if (lineBytes > lineBytesMax)
      throw new Error(`line ${number} is longer than ${Math.floor(lineBytesMax)} bytes`);
  }
  const rest = Buffer.concat(parts).toString();
  if (rest.trim() !== '') yield { number, text: rest, end: position };
}
