/** What is wrong or held back, in words. Rule: says what is seen and what helps, with the command where there is one. */
import { count, duration } from '../format.ts';
import type { FunctionRow } from './types.ts';

export type Tone = 'calm' | 'busy' | 'warn' | 'bad';

export interface Verdict {
  readonly tone: Tone;
  /** One or two words. */
  readonly word: string;
}

/** The state of a function as one word. */
export function verdictOf(row: FunctionRow): Verdict {
  if (row.gate === 'paused') return { tone: 'warn', word: 'paused' };
  if (row.isDraining) return { tone: 'warn', word: 'draining' };
  if (row.queued > row.retrying && row.workers === 0) return { tone: 'bad', word: 'no worker' };
  if (row.gate === 'rate') return { tone: 'warn', word: 'at its rate' };
  if (row.gate === 'concurrency') return { tone: 'warn', word: 'at its limit' };
  if (row.running > 0) return { tone: 'busy', word: 'running' };
  if (row.queued > 0) return { tone: 'busy', word: 'queued' };
  return { tone: 'calm', word: 'idle' };
}

/** Why jobs of the function do not start now; null: they start as soon as a worker asks. */
export function closedBecause(row: FunctionRow, secondsLeft: number | null): string | null {
  if (row.gate === 'paused')
    return secondsLeft === null
      ? 'Paused until it is resumed. New jobs are taken and wait.'
      : `Paused for another ${duration(secondsLeft * 1000)}. New jobs are taken and wait.`;
  if (row.gate === 'concurrency')
    return `As many jobs run as its policy allows (${count(row.running)}). The next one starts when one of them ends.`;
  if (row.gate === 'rate')
    return 'As many jobs have started as the rate of its policy allows. The next one starts in a moment.';
  if (row.isDraining) return 'Draining: new jobs are refused, queued ones run.';
  if (row.queued > row.retrying && row.workers === 0)
    return `No worker offers it. The oldest job has waited ${duration(row.oldestMs)}.`;
  return null;
}

/** How much a function asks for a look: for the order of the overview. */
export function urgencyOf(row: FunctionRow): number {
  const { tone } = verdictOf(row);
  const rank = { bad: 3, warn: 2, busy: 1, calm: 0 }[tone];
  return rank * 1e12 + Math.min(row.queued + row.dead, 1e11);
}

/** Seconds that are left of a pause, from the state of a policy (`paused:600`). */
export function pauseLeftOf(state: string): number | null {
  const match = /paused:(\d+)/.exec(state);
  return match === null ? null : Number(match[1]);
}
