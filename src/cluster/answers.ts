/**
 * Which submits of each home have led to which job, so that a submit that is sent again has one effect. Rule: only
 * what is in the journal counts as answered for the next owner (`entries`).
 */
import { type Answered, EntryKind, type JobKey } from './entries.ts';
import type { HomeAnswers } from './replay.ts';

/** Submits in one entry of a note, so that the entry fits into a commit. */
const ENTRY_JOBS_MAX = 16_384;

interface AnsweredSubmit {
  readonly key: JobKey;
  isStored: boolean;
}

interface HomeSubmits {
  lowest: number;
  readonly answers: Map<number, AnsweredSubmit>;
  readonly canceled: Set<number>;
}

export class Answers {
  readonly #homes = new Map<string, HomeSubmits>();

  /** What the journal says. */
  restore(known: ReadonlyMap<string, HomeAnswers>): void {
    for (const [home, { lowest, jobs }] of known) {
      const submits = this.#of(home);
      submits.lowest = Math.max(submits.lowest, lowest);
      for (const [number, key] of jobs)
        if (number >= submits.lowest) submits.answers.set(number, { key, isStored: true });
    }
  }

  /** The home asks no more about submits below `lowest`. */
  raise(home: string, lowest: number): void {
    const submits = this.#of(home);
    if (lowest <= submits.lowest) return;
    submits.lowest = lowest;
    for (const number of submits.answers.keys())
      if (number < lowest) submits.answers.delete(number);
    for (const number of submits.canceled) if (number < lowest) submits.canceled.delete(number);
  }

  /** Whether the home has said that it asks no more. */
  isOver(home: string, number: number): boolean {
    return number < this.#of(home).lowest;
  }

  get(home: string, number: number): AnsweredSubmit | undefined {
    return this.#of(home).answers.get(number);
  }

  set(home: string, number: number, key: JobKey, isStored: boolean): void {
    const submits = this.#of(home);
    if (number >= submits.lowest) submits.answers.set(number, { key, isStored });
  }

  cancel(home: string, number: number): void {
    this.#of(home).canceled.add(number);
  }

  isCanceled(home: string, number: number): boolean {
    return this.#of(home).canceled.has(number);
  }

  /** Forgets homes that never come back. */
  drop(isGone: (home: string) => boolean): void {
    for (const home of this.#homes.keys()) if (isGone(home)) this.#homes.delete(home);
  }

  /** What a commit has to say of them before puts are purged. */
  entries(): Answered[] {
    const entries: Answered[] = [];
    for (const [home, { lowest, answers }] of this.#homes) {
      const jobs = [...answers].flatMap(([number, { key, isStored }]) =>
        isStored ? [[number, key] as const] : [],
      );
      for (let at = 0; at === 0 || at < jobs.length; at += ENTRY_JOBS_MAX) {
        const { ANSWERED } = EntryKind;
        entries.push({ kind: ANSWERED, home, lowest, jobs: jobs.slice(at, at + ENTRY_JOBS_MAX) });
      }
    }
    return entries;
  }

  #of(home: string): HomeSubmits {
    const known = this.#homes.get(home);
    if (known !== undefined) return known;
    const submits: HomeSubmits = { lowest: 1, answers: new Map(), canceled: new Set() };
    this.#homes.set(home, submits);
    return submits;
  }
}
