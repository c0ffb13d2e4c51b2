/**
 * A dialogue as steps: what is done, and what the peers must hear of it, in this order for each peer.
 *
 *   client > SUBMIT_JOB f u data     sends a packet, or a quoted text such as "status\n"
 *   client >> SUBMIT_JOB f v data    the same, but goes with the next step, as one write
 *   client > bytewise ECHO_REQ x     each byte in a write of its own
 *   client > (connect) (end) (reset) connects without a word; sends FIN; is gone at once
 *   client < JOB_CREATED #job        hears this next; (closed) is the end of the connection
 *   + 1000 ms                        time passes
 *   // a comment
 *
 * A peer connects when it is first named. Rule: a peer that has no `<` line in a step hears nothing in it.
 */
import { type Word, wordsOf } from './words.ts';

export interface ScriptLine {
  readonly text: string;
  /** Where it stands: `test/dialogues/work.txt:12`. */
  readonly place: string;
}

export type Act =
  | { readonly kind: 'send'; readonly words: readonly Word[]; readonly isBytewise: boolean }
  | { readonly kind: 'connect' | 'end' | 'reset' };

export interface PeerStep {
  readonly kind: 'peer';
  readonly peer: string;
  readonly act: Act;
  /** Goes with the next step. */
  readonly isLater: boolean;
}

export interface ClockStep {
  readonly kind: 'clock';
  readonly ms: number;
  /** Only the wall clock is set. */
  readonly isWallOnly: boolean;
}

/** An act of the test itself, given by the text of the line. */
export interface OwnStep {
  readonly kind: 'own';
}

export interface Wanted {
  readonly line: ScriptLine;
  readonly peer: string;
  readonly words: readonly Word[];
}

export type Step = (PeerStep | ClockStep | OwnStep) & {
  readonly line: ScriptLine;
  readonly wanted: readonly Wanted[];
};

export const isComment = (text: string): boolean => text === '' || text.startsWith('//');

/** Throws Error at a line that says what is heard before anything is done. */
export function stepsOf(lines: readonly ScriptLine[]): Step[] {
  const steps: (Step & { readonly wanted: Wanted[] })[] = [];
  for (const line of lines) {
    if (isComment(line.text)) continue;
    const [, peer, text = ''] = /^(\w+)\s+<\s+(.*)$/.exec(line.text) ?? [];
    if (peer === undefined) {
      steps.push({ ...doneBy(line.text), line, wanted: [] });
      continue;
    }
    const step = steps.at(-1);
    if (step === undefined) throw new Error(`${line.place}: nothing has been done yet`);
    step.wanted.push({ line, peer, words: wordsOf(text) });
  }
  return steps;
}

function doneBy(text: string): PeerStep | ClockStep | OwnStep {
  const clock = /^(wall )?\+ ([\d.]+) ms$/.exec(text);
  if (clock !== null) {
    return { kind: 'clock', ms: Number(clock[2]), isWallOnly: clock[1] !== undefined };
  }
  const [, peer, arrow, what = ''] = /^(\w+)\s+(>>?)\s+(.*)$/.exec(text) ?? [];
  if (peer === undefined) return { kind: 'own' };
  return { kind: 'peer', peer, act: actOf(what), isLater: arrow === '>>' };
}

function actOf(what: string): Act {
  if (what === '(connect)') return { kind: 'connect' };
  if (what === '(end)') return { kind: 'end' };
  if (what === '(reset)') return { kind: 'reset' };
  const [, bytewise, rest = ''] = /^(bytewise )?(.*)$/.exec(what) ?? [];
  return { kind: 'send', words: wordsOf(rest), isBytewise: bytewise !== undefined };
}
