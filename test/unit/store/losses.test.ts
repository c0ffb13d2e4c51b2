/** What is said of segments that are shorter than they were made, or gone. */
import { expect, test } from 'vitest';
import { Losses } from '../../../src/store/journal/losses.ts';

const FULL = 1000;

function tell(...segments: { number: number; bytes?: number; ids: readonly number[] }[]): string[] {
  const lines: string[] = [];
  const losses = new Losses('/j', FULL, (text) => lines.push(text));
  for (const { number, bytes = FULL, ids } of segments) {
    losses.begin({ number, bytes, path: `/j/${number}.log` });
    for (const id of ids) losses.saw(id);
  }
  losses.tell();
  return lines;
}

test('nothing of a journal that is whole, also of one larger, nor of ids that never came', () => {
  expect(tell({ number: 4, ids: [7, 8] }, { number: 5, bytes: 2000, ids: [10, 3] })).toEqual([]);
  expect(tell()).toEqual([]);
});

test('a segment that was cut off: bytes, jobs that are left, jobs that are lost', () => {
  expect(
    tell({ number: 1, bytes: 400, ids: [1, 2, 3] }, { number: 2, ids: [2, 1701, 1702] }),
  ).toEqual([
    '/j/1.log: cut off: 400 of 1000 bytes are left, with 3 jobs; up to 1697 jobs are lost',
  ]);
  expect(tell({ number: 1, bytes: 8, ids: [] })).toEqual([
    '/j/1.log: cut off: 8 of 1000 bytes are left, with 0 jobs; jobs behind them are lost',
  ]);
});

test('segments that are missing between others', () => {
  expect(tell({ number: 1, ids: [1] }, { number: 3, ids: [12] })).toEqual([
    '/j: segment 2 is missing; up to 10 jobs are lost',
  ]);
  expect(tell({ number: 1, ids: [1] }, { number: 5, ids: [2] })).toEqual([
    '/j: segments 2 to 4 are missing; up to 0 jobs are lost',
  ]);
});
