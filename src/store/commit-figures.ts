/**
 * What `StoreHealth` says of commits, so that a spread of it goes into one. Rule: one commit at a time, and one that
 * fails is not counted.
 */
import type { StoreHealth } from './store.ts';

type Figures = Pick<StoreHealth, 'commits' | 'committed' | 'commitMs' | 'commitMsMax'>;

export class CommitFigures implements Figures {
  commits = 0;
  committed = 0;
  commitMs = 0;
  commitMsMax = 0;
  #beganAtMs = 0;

  /** A commit begins; of one that has failed nothing is left. */
  begin(nowMs: number): void {
    this.#beganAtMs = nowMs;
  }

  /** The commit has ended well: it has made so many appended and forgotten jobs durable. */
  end(changes: number, nowMs: number): void {
    const tookMs = nowMs - this.#beganAtMs;
    this.commits++;
    this.committed += changes;
    this.commitMs += tookMs;
    this.commitMsMax = Math.max(this.commitMsMax, tookMs);
  }
}
