/**
 * The arithmetic of the benchmark suite: medians, ratios, disturbed rounds, generators that ran at once, words.
 */
import { describe, expect, it } from 'vitest';
import { merge } from '../../../bench/load/generators.mjs';
import { choose, readOptions, UsageError } from '../../../bench/load/options.mjs';
import { median, ratio, summarise } from '../../../bench/load/report/summary.mjs';
import { disturbedRound } from '../../../bench/load/rounds.mjs';
import { optionsOf, trials } from '../../../bench/load/trials.mjs';

const asked = { scenario: 'rtt', jobs: 100 };

function sample(server: string, round: number, costUs: number) {
  const cpu = { cpuNsPerJob: costUs * 1000, busy: 0.5 };
  const result = { jobs: 100, jobsPerSecond: 1000, server: cpu, load: { busy: 0.5 } };
  return { trial: 'rtt-8x1', server, round, asked, result };
}

const named = (words: string[]) => choose(readOptions(words));

describe('medians and ratios', () => {
  it('takes the middle, or the mean of the two', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it('divides medians, and single rounds for the spread', () => {
    const samples = [
      ...[sample('c-tuned', 1, 10), sample('geartrain', 1, 5)],
      ...[sample('c-tuned', 2, 30), sample('geartrain', 2, 10)],
      ...[sample('c-tuned', 3, 20), sample('geartrain', 3, 20)],
    ];
    const servers = [{ name: 'c-tuned' }, { name: 'geartrain' }];
    const rows = summarise({ name: 'rtt-8x1' }, servers, samples);
    expect(ratio(rows, samples, 'c-tuned', 'geartrain')).toEqual({ value: 2, min: 1, max: 3 });
    expect(rows.map((row: { reference?: string }) => row.reference)).toEqual([
      'c-tuned',
      'c-tuned',
    ]);
    expect(ratio(rows, samples, 'c-default', 'geartrain')).toBeUndefined();
  });

  it('says when the load generator was the limit', () => {
    const slow = sample('geartrain', 1, 5);
    slow.result.load.busy = 0.99;
    const [row] = summarise({ name: 'rtt-8x1' }, [{ name: 'geartrain' }], [slow]);
    expect(row?.isLoadTheLimit).toBe(true);
  });
});

describe('rounds', () => {
  it('are disturbed when their yardstick is more than a tenth off the median', () => {
    const rounds = [10, 10.5, 12, 9.5, 10].map((costUs, i) => [sample('yardstick', i + 1, costUs)]);
    expect(disturbedRound(rounds)).toBe(2);
    expect(disturbedRound(rounds.filter((_, i) => i !== 2))).toBe(-1);
  });

  it('without a yardstick are never disturbed', () => {
    const rounds = [1, 50, 100].map((costUs, i) => [sample('geartrain', i + 1, costUs)]);
    expect(disturbedRound(rounds)).toBe(-1);
  });
});

describe('generators that ran at once', () => {
  it('add up jobs and take the clock from the first start to the last end', () => {
    const one = (startedNs: number, endedNs: number, cpuStartedNs: number, cpuEndedNs: number) => ({
      ...{ jobs: 100, isCut: false, startedNs, endedNs },
      load: { cpuSeconds: 1, busy: 0.5 },
      latencyUs: { p50: endedNs, p99: 2, p999: 3, max: 4 },
      counts: { answered: 100, executed: 100 },
      server: { cpuStartedNs, cpuEndedNs },
    });
    const merged = merge([one(0, 1e9, 5000, 15000), one(1e9, 2e9, 10000, 25000)]);
    expect(merged).toMatchObject({ jobs: 200, wallSeconds: 2, jobsPerSecond: 100 });
    expect(merged.server.cpuNsPerJob).toBe(100);
    expect(merged.latencyUs.p50).toBe(2e9);
    expect(merged.counts).toEqual({ answered: 200, executed: 200 });
  });
});

describe('words', () => {
  it('choose a trial by its whole name, else by a part of names and by tags', () => {
    expect(named(['submit']).map(({ trial }) => trial.name)).toEqual(['submit']);
    expect(named(['deep']).every(({ trial }) => trial.name.startsWith('deep-'))).toBe(true);
    expect(named(['bytes']).map(({ trial }) => trial.name)).toContain('rtt-8x1');
  });

  it('choose servers as well', () => {
    const [drain] = named(['drain', 'typescript', 'shards-1']);
    expect(drain?.servers.map(({ name }: { name: string }) => name)).toEqual([
      'typescript',
      'shards-1',
    ]);
  });

  it('that mean nothing are refused', () => {
    expect(() => named(['nothing'])).toThrow(UsageError);
    expect(() => named(['--rounds', '0'])).toThrow(UsageError);
    expect(() => named(['--attach', 'nowhere'])).toThrow(UsageError);
  });

  it('let another build take the place of the C gearmand', () => {
    const [drain] = named(['drain', '--against', '.']);
    expect(drain?.servers.map(({ name }: { name: string }) => name)).toEqual([
      'geartrain',
      'yardstick',
      'against',
    ]);
  });
});

describe('trials', () => {
  it('have a name each', () => {
    expect(new Set(trials.map(({ name }) => name)).size).toBe(trials.length);
  });

  it('keep their depth in a quick run and lose counts only', () => {
    const deep = trials.find(({ name }) => name === 'deep-1m');
    expect(optionsOf(deep, { name: 'geartrain' }, 0.25)).toMatchObject({
      ...{ depth: 1_000_000, jobs: 25_000, warm: 25_000 },
    });
    expect(optionsOf(deep, { name: 'geartrain' }, 1)).toMatchObject({ jobs: 100_000, limit: 20 });
  });
});
