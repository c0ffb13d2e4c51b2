/** Which words are shared by whom: no two words that different threads store lie on one cache line. */

import { describe, expect, it } from 'vitest';
import {
  asleepWord,
  createRingSet,
  epochWord,
  largeReadWord,
  levelWord,
  overflowWord,
  readWord,
  takenWord,
  writeWord,
} from '../../../src/ring/layout.ts';

const THREADS = 6;

/** Every word of `THREADS` threads with a name for its line. */
function allWords(): Map<number, string> {
  const words = new Map<number, string>();
  const add = (word: number, name: string): void => {
    expect(words.get(word)).toBeUndefined();
    words.set(word, name);
  };
  for (let from = 0; from < THREADS; from++) {
    for (let to = 0; to < THREADS; to++) {
      if (from === to) {
        add(asleepWord(from), `asleep ${from}`);
        add(levelWord(from), `level ${from}`);
        add(epochWord(from), `epoch ${from}`);
        continue;
      }
      add(writeWord(from, to), `write ${from} ${to}`);
      add(overflowWord(from, to), `overflow ${from} ${to}`);
      for (const word of [readWord, takenWord, largeReadWord])
        add(word(from, to), `read ${from} ${to}`);
    }
  }
  return words;
}

describe('layout', () => {
  it('gives each word a place of its own within the buffer', () => {
    const words = allWords();
    const { length } = createRingSet(THREADS, 1024).words;
    expect(words.size).toBe(THREADS * 3 + THREADS * (THREADS - 1) * 5);
    for (const word of words.keys()) expect(word >= 0 && word < length).toBe(true);
  });

  it('puts only words of one reader on one cache line', () => {
    const lines = new Map<number, string>();
    for (const [word, name] of allWords()) {
      const line = Math.floor((word * 4) / 64);
      expect(lines.get(line) ?? name).toBe(name);
      lines.set(line, name);
    }
  });

  it('has one ring of the given size for each ordered pair', () => {
    const set = createRingSet(3, 2048);
    expect(set.rings.map((ring) => ring?.byteLength ?? 0)).toEqual([
      0, 2048, 2048, 2048, 0, 2048, 2048, 2048, 0,
    ]);
    expect(new Set(set.rings).size).toBe(7);
  });

  it('stays shared when it is cloned', () => {
    const set = createRingSet(2, 1024);
    const clone = structuredClone(set);
    Atomics.store(clone.words, levelWord(1), 3);
    expect(Atomics.load(set.words, levelWord(1))).toBe(3);
  });
});
