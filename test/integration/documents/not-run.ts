/**
 * Commands of the documents that no test runs, each with its reason. A document marks such a block by `needs=` after its
 * language: ```` ```sh needs=systemd ````. Rule: the list and the marks are equal, so nobody leaves out a command unseen.
 */

export interface NotRun {
  readonly document: string;
  /** The first line of the block. */
  readonly starts: string;
  readonly needs: string;
  readonly reason: string;
}

export const NOT_RUN: readonly NotRun[] = [];
