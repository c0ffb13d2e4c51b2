/**
 * The figures about commits in `StoreHealth`, ready to be spread into one. Rule: one commit at a time; failed commits
 * are not counted.
 */
import type { StoreHealth } from './store.ts';

type Figures = Pick<StoreHealth, 'commits' | 'committed' | 'commitMs' | 'commitMsMax'>;

export class CommitFigures implements Figures {
  commits = 0;
  committed = 0;
  commitMs = 0;
  commitMsMax = 0;
  #beganAtMs = 0;

  /** A commit begins. A failed one needs no further call. */
  begin(nowMs: number): void {
    this.#beganAtMs = nowMs;
  }

  /** The commit has succeeded: `changes` appended, updated and forgotten jobs are durable. */
  end(changes: number, nowMs: number): void {
    const tookMs = nowMs - this.#beganAtMs;
    this.commits++;
    this.committed += changes;
    this.commitMs += tookMs;
    this.commitMsMax = Math.max(this.commitMsMax, tookMs);
  }
}
