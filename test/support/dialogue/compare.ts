/**
 * Compares the output of a step with the expected lines. Rule: for each peer everything must be equal in order;
 * between two peers there is no order. A difference is an error that names the line.
 */
import { HAS_DATA } from '../../../src/protocol/packet-columns.ts';
import type { WireItem } from '../packet-text.ts';
import type { Names } from './names.ts';
import type { Step, Wanted } from './script.ts';

/** Marks a text line in the place of a packet's name. */
const TEXT = '"';

export interface Heard {
  readonly peer: string;
  /** Name and arguments of a packet; `"` and a line of text with its end; or `(closed)`. */
  readonly words: readonly string[];
}

export function heardItem(peer: string, item: WireItem): Heard {
  if (item.kind === 'line') return { peer, words: [TEXT, item.text] };
  const words = [item.name, ...item.args.map((arg) => arg.toString('latin1'))];
  if (HAS_DATA[item.type] === 1) words.push(item.data.toString('latin1'));
  return { peer, words };
}

export const heardEnd = (peer: string): Heard => ({ peer, words: ['(closed)'] });

/** Throws Mismatch. With `isAnyOrder` the rows of a listing may come in any order. */
export function compare(
  step: Step,
  heard: readonly Heard[],
  names: Names,
  isAnyOrder = false,
): void {
  for (const peer of peersIn(step, heard)) {
    const wanted = step.wanted.filter((line) => line.peer === peer);
    const found = heard.filter((item) => item.peer === peer);
    for (let at = 0; at < Math.max(wanted.length, found.length); at++) {
      if (isAnyOrder) putFirst(wanted[at], found, at, names);
      const want = wanted[at];
      const item = found[at];
      if (want !== undefined && item !== undefined && matches(want, item, names)) continue;
      throw new Mismatch(step, want, item, printHeard(heard, names));
    }
  }
}

/** Peers that `step` mentions or that received something, in the order of the lines. */
function peersIn(step: Step, heard: readonly Heard[]): string[] {
  return [...new Set([...step.wanted, ...heard].map(({ peer }) => peer))];
}

function matches({ words }: Wanted, heard: Heard, names: Names): boolean {
  const isText = heard.words[0] === TEXT;
  if (isText !== (words[0]?.isQuoted ?? false)) return false;
  return names.match(words, isText ? heard.words.slice(1) : heard.words, isText);
}

/** Brings the row of a listing that `wanted` means to `at`. */
function putFirst(wanted: Wanted | undefined, found: Heard[], at: number, names: Names): void {
  if (wanted === undefined) return;
  for (let row = at; isRow(found[row]); row++) {
    const item = found[row] as Heard;
    if (!matches(wanted, item, names)) continue;
    found.splice(row, 1);
    found.splice(at, 0, item);
    return;
  }
}

/** A line of a listing; other answers begin with OK or end in CR LF. */
function isRow(heard: Heard | undefined): boolean {
  if (heard === undefined || heard.words[0] !== TEXT) return false;
  return /^(?!OK |\.\n)[^\r]*\n$/s.test(heard.words[1] as string);
}

/** As lines of a dialogue. */
export function printHeard(heard: readonly Heard[], names: Names): string[] {
  return heard.map(({ peer, words }) => {
    const [head, ...rest] = words as [string, ...string[]];
    if (head === TEXT) return `${peer} < ${names.print(rest[0] as string, true)}`;
    return [`${peer} <`, head, ...rest.map((word) => names.print(word))].join(' ');
  });
}

export class Mismatch extends Error {
  constructor(step: Step, wanted: Wanted | undefined, item: Heard | undefined, heard: string[]) {
    const { line } = wanted ?? step;
    const what =
      wanted === undefined
        ? `${item?.peer} hears more than that`
        : `${wanted.peer} ${item === undefined ? 'does not hear it' : 'hears something else'}`;
    const shown = heard.length === 0 ? ['(nothing)'] : heard;
    const all = shown.map((text) => `    ${text}`).join('\n');
    super(`${line.place}: ${line.text}\n  ${what}; heard after "${step.line.text}":\n${all}`);
    this.name = 'Mismatch';
  }
}
