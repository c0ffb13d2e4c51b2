/**
 * What the commits of a bucket leave: live jobs, answered submits, and the commits themselves. Rules:
 * - Commits are taken in the order of the stream, each once.
 * - A purge can run between two reads and take a forget whose put was read before. So the first sequence of the
 *   subject is asked for after the last read, and puts below it are dropped (`dropBelow`).
 * - From that sequence on, epochs ascend and the numbers of an epoch have no gap; `problem` says where they do.
 */
import { decodeCommit } from './commit.ts';
import { type Answered, EntryKind, type JobKey, keyText, type Put } from './entries.ts';
import type { StoredMessage } from './nats.ts';

/** A commit of the journal and its live puts, by the texts of their keys. */
export interface CommitRange {
  readonly sequence: number;
  readonly byteCount: number;
  readonly puts: Map<string, Put>;
}

/** Answered submits of a home. */
export interface HomeAnswers {
  lowest: number;
  readonly jobs: Map<number, JobKey>;
}

interface Position {
  readonly sequence: number;
  readonly epoch: number;
  readonly number: number;
}

export class Replay {
  /** In the order of the stream. */
  commits: CommitRange[] = [];
  readonly answers: Map<string, HomeAnswers>;
  readonly #live = new Map<string, CommitRange>();
  #positions: Position[] = [];
  #lastSequence = 0;
  /** Sequences of messages that are not commits. */
  readonly #foreign: number[] = [];

  /** `answers`: what is known already, because a reading before has led to a purge. */
  constructor(answers: Map<string, HomeAnswers> = new Map()) {
    this.answers = answers;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  take({ sequence, bytes }: StoredMessage): void {
    if (sequence <= this.#lastSequence) return;
    this.#lastSequence = sequence;
    const commit = decodeCommit(bytes);
    if (commit === null) {
      this.#foreign.push(sequence);
      return;
    }
    this.#positions.push({ sequence, epoch: commit.epoch, number: commit.number });
    const range: CommitRange = { sequence, byteCount: bytes.length, puts: new Map() };
    this.commits.push(range);
    for (const entry of commit.entries) {
      if (entry.kind === EntryKind.ANSWERED) this.#answer(entry);
      else {
        const text = keyText(entry.key);
        this.#live.get(text)?.puts.delete(text);
        this.#live.delete(text);
        if (entry.kind === EntryKind.FORGET) continue;
        range.puts.set(text, entry);
        this.#live.set(text, range);
        this.#answersOf(entry.submit.home).jobs.set(entry.submit.number, entry.key);
      }
    }
  }

  /** The first message of the subject has this sequence: what is below is over. */
  dropBelow(sequence: number): void {
    this.commits = this.commits.filter((commit) => commit.sequence >= sequence);
    this.#positions = this.#positions.filter((position) => position.sequence >= sequence);
  }

  /** All live puts in the order in which their jobs were made. */
  puts(): Put[] {
    const puts = this.commits.flatMap((commit) => [...commit.puts.values()]);
    return puts.sort((a, b) => a.key.epoch - b.key.epoch || a.key.serial - b.key.serial);
  }

  /** What is wrong with the journal; null when nothing is. */
  get problem(): string | null {
    const foreign = this.#foreign.find(
      (sequence) => sequence >= (this.#positions[0]?.sequence ?? 0),
    );
    if (foreign !== undefined) return `message ${foreign} is not a commit`;
    for (const [at, here] of this.#positions.entries()) {
      const before = this.#positions[at - 1];
      if (before === undefined) continue;
      const isNext = here.epoch === before.epoch && here.number === before.number + 1;
      if (isNext || (here.epoch > before.epoch && here.number === 0)) continue;
      return `commit ${here.epoch}.${here.number} follows ${before.epoch}.${before.number}`;
    }
    return null;
  }

  #answer({ home, lowest, jobs }: Answered): void {
    const answers = this.#answersOf(home);
    answers.lowest = Math.max(answers.lowest, lowest);
    for (const [number, key] of jobs) answers.jobs.set(number, key);
    for (const number of answers.jobs.keys())
      if (number < answers.lowest) answers.jobs.delete(number);
  }

  #answersOf(home: string): HomeAnswers {
    const known = this.answers.get(home);
    if (known !== undefined) return known;
    const answers: HomeAnswers = { lowest: 1, jobs: new Map() };
    this.answers.set(home, answers);
    return answers;
  }
}
