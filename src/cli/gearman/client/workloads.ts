/**
 * The workloads of a client, in order: words, lines of standard input, or all of it. Rule: lines are read no faster
 * than they are used, and never all at once.
 */
import { fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { LineCutter } from '../line-cutter.ts';
import type { GearmanValues } from '../options.ts';

/** The longest workload of a packet. Servers accept much less by default. */
const WORKLOAD_BYTES_MAX = 2 ** 31 - 65_536;

export interface Workloads {
  /** Number of workloads, or null when it is unknown before the end. */
  readonly count: number | null;
  /** Workloads are typed at a terminal. */
  readonly isTyped: boolean;
  all(): AsyncGenerator<Uint8Array>;
}

async function* lines(input: Readable, keepsEnd: boolean): AsyncGenerator<Uint8Array> {
  const cutter = new LineCutter(keepsEnd);
  for await (const chunk of input) yield* cutter.push(chunk as Buffer);
  yield* cutter.flush();
}

async function* whole(input: Readable): AsyncGenerator<Uint8Array> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of input) {
    chunks.push(chunk as Buffer);
    byteCount += (chunk as Buffer).length;
    if (byteCount > WORKLOAD_BYTES_MAX) {
      throw new Error(
        `standard input is over ${WORKLOAD_BYTES_MAX} bytes, the limit of a workload`,
      );
    }
  }
  yield Buffer.concat(chunks);
}

async function* those(words: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const word of words) yield Buffer.from(word);
}

function isFolder(input: Readable & { readonly fd?: number }): boolean {
  return input.fd !== undefined && fstatSync(input.fd).isDirectory();
}

/** The source of workloads: words win over `-s`, that over standard input. */
export function workloadsOf(
  values: GearmanValues,
  words: readonly string[],
  input: Readable & { readonly isTTY?: boolean; readonly fd?: number },
): Workloads {
  const isTyped = input.isTTY === true;
  const isRead = words.length === 0 && !values.empty;
  // Reading it would end at once, as if it were empty.
  if (isRead && isFolder(input))
    throw new Error('standard input is a folder; name a file after <, or a workload as a word');
  if (words.length > 0) return { count: words.length, isTyped: false, all: () => those(words) };
  if (values.empty) return { count: 1, isTyped: false, all: () => those(['']) };
  if (values.lines || values.linesStripped) {
    return { count: null, isTyped, all: () => lines(input, !values.linesStripped) };
  }
  return { count: 1, isTyped, all: () => whole(input) };
}
