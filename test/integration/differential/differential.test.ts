/**
 * Random dialogues on the C gearmand and on ours must agree packet by packet. Environment:
 *   GEARTRAIN_DIFF_DIALOGUES  dialogues in all, split over the modes (default 100)
 *   GEARTRAIN_DIFF_EACH       dialogues of each mode, instead
 *   GEARTRAIN_DIFF_STEPS      steps of each (default 120)
 *   GEARTRAIN_DIFF_SEED       first seed (default: 1); dialogue k of a mode has seed + k
 *   GEARTRAIN_DIFF_THREADS    only this number of shards; GEARTRAIN_DIFF_MULTI=1: only workers with several functions
 *   GEARTRAIN_DIFF_SELF=1     gearmand against itself: tests the harness
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import { Arena, type ArenaOptions, type Failure } from './arena.ts';
import { EVENED_OUT } from './evened-out.ts';
import { LEFT_OUT } from './left-out.ts';

const setting = (name: string, otherwise: number): number => {
  const value = process.env[`GEARTRAIN_DIFF_${name}`];
  return value === undefined || value === '' ? otherwise : Number.parseInt(value, 10);
};

const dialogueCount = setting('DIALOGUES', 100);
const stepCount = setting('STEPS', 120);
const firstSeed = setting('SEED', 1);
const onlyThreads = setting('THREADS', -1);
const isSelf = process.env.GEARTRAIN_DIFF_SELF === '1';
const isOnlyMulti = process.env.GEARTRAIN_DIFF_MULTI === '1';
const secondsPerDialogue = 10;

interface Mode extends ArenaOptions {
  readonly name: string;
}

const single = (threads: number): Mode => ({
  name: `${threads} shards, one function a worker`,
  kind: 'geartrain',
  threads,
  isMulti: false,
});
const multi = (threads: number): Mode => ({
  name: `${threads} shards, several functions a worker, order of 1.1.20`,
  kind: 'geartrain',
  threads,
  isMulti: true,
});

function modes(): Mode[] {
  if (isSelf) {
    return [false, true].map((isMulti) => ({
      name: `gearmand against itself, ${isMulti ? 'several functions' : 'one function'} a worker`,
      kind: 'gearmand' as const,
      threads: 1,
      isMulti,
    }));
  }
  const all = [single(0), single(1), single(2), single(4), multi(0), multi(1)];
  return all.filter(
    (mode) => (onlyThreads < 0 || mode.threads === onlyThreads) && (!isOnlyMulti || mode.isMulti),
  );
}

describe.skipIf(!requirePeer('gearmand'))('random dialogues with gearmand and with ours', () => {
  const chosen = modes();
  const each = setting('EACH', Math.ceil(dialogueCount / chosen.length));
  it.each(chosen)('agree: $name', { timeout: each * secondsPerDialogue * 1000 }, async (mode) => {
    const arena = new Arena(mode);
    const failures: Failure[] = [];
    const startMs = performance.now();
    try {
      for (let i = 0; i < each && failures.length < 3; i++) {
        const failure = await arena.play(firstSeed + i, stepCount);
        if (failure !== null) failures.push(failure);
      }
    } finally {
      await arena.stop();
    }
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    console.info(`${each} dialogues of ${stepCount} steps, ${mode.name}: ${seconds} s`);
    if (failures.length > 0) throw new Error(failures.map((f) => f.report).join('\n\n'));
  });
});

describe('what the dialogues leave out', () => {
  it('is named once each', () => {
    expect(new Set(LEFT_OUT.map((row) => row.name)).size).toBe(LEFT_OUT.length);
    expect(new Set(EVENED_OUT.map((row) => row.name)).size).toBe(EVENED_OUT.length);
  });

  const textOf = (folder: URL, end: string): string =>
    readdirSync(folder)
      .filter((name) => name.endsWith(end))
      .map((name) => readFileSync(new URL(name, folder), 'utf8'))
      .join('\n');
  const tests = textOf(new URL('../wire/', import.meta.url), '.test.ts');
  const dialogues = textOf(new URL('../../dialogues/', import.meta.url), '.txt');

  it.each(LEFT_OUT)('has a test of its own: $name', ({ test }) => {
    expect(dialogues.includes(`\n=== ${test}`) || tests.includes(`'${test}`)).toBe(true);
  });
});
