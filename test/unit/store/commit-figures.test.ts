import { describe, expect, it } from 'vitest';
import { CommitFigures } from '../../../src/store/commit-figures.ts';

describe('commit figures', () => {
  it('add up commits, their changes and their times, and keep the longest', () => {
    const figures = new CommitFigures();
    figures.begin(100);
    figures.end(3, 107);
    figures.begin(200);
    figures.end(1, 202);
    expect({ ...figures }).toEqual({ commits: 2, committed: 4, commitMs: 9, commitMsMax: 7 });
  });

  it('count nothing of a commit that fails, and time the next one from its own beginning', () => {
    const figures = new CommitFigures();
    figures.begin(100);
    figures.begin(5000);
    figures.end(2, 5004);
    expect({ ...figures }).toEqual({ commits: 1, committed: 2, commitMs: 4, commitMsMax: 4 });
  });

  it('are zero before the first commit', () => {
    expect({ ...new CommitFigures() }).toEqual({
      commits: 0,
      committed: 0,
      commitMs: 0,
      commitMsMax: 0,
    });
  });
});
