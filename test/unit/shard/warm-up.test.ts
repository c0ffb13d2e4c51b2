import { describe, expect, it } from 'vitest';
import type { Logger } from '../../../src/base/logger.ts';
import { loadNative } from '../../../src/native/load.ts';
import { createState } from '../../../src/server/create-state.ts';
import { resolveOptions } from '../../../src/server/options.ts';
import type { Secrets } from '../../../src/server/secrets.ts';
import { configMaker } from '../../../src/server/thread-config.ts';
import { chooseNative } from '../../../src/shard/choose-native.ts';
import { warmUp } from '../../../src/shard/warm-up.ts';

const addon = loadNative();
if (addon.kind === 'twin') console.log(`warm-up: the twin alone, because: ${addon.reason}`);
const kinds = addon.kind === 'addon' ? (['on', 'off'] as const) : (['off'] as const);
const secrets = { tokens: null, tls: null } as unknown as Secrets;

function setup(kind: 'on' | 'off', threads: number) {
  const lines: string[] = [];
  const log: Logger = { level: 7, log: (_level, text) => lines.push(text) };
  const options = resolveOptions({ threads, maxConnections: 1, maxPacketRate: 1 });
  const native = chooseNative(kind);
  const config = configMaker(
    options,
    native.kind,
    createState(options, log, () => {}),
    secrets,
    () => [],
  )(0);
  const counts = { reactors: 0, turns: 0, rows: 0 };
  const counted = {
    ...native,
    createReactor(reactorOptions: Parameters<typeof native.createReactor>[0]) {
      counts.reactors++;
      return native.createReactor({
        ...reactorOptions,
        onTurn: (rowCount) => {
          counts.turns++;
          counts.rows += rowCount;
          reactorOptions.onTurn(rowCount);
        },
      });
    },
  };
  return { native: counted, config, log, lines, counts };
}

describe.each(kinds.flatMap((kind) => [0, 2].map((threads) => ({ kind, threads }))))(
  'the warm-up, native $kind, threads $threads',
  ({ kind, threads }) => {
    it('plays rounds of jobs on reactors of its own, whatever the limits are, and says nothing', async () => {
      const { native, config, log, lines, counts } = setup(kind, threads);
      await warmUp(native, config, 60_000, log);
      expect(lines).toEqual([]);
      expect(counts.reactors).toBe(threads === 0 ? 1 : 2);
      // A hundred rounds of 40 jobs: at least a submit, a grab and a result each.
      expect(counts.rows).toBeGreaterThan(100 * 40 * 3);
      expect(config.core.memoryWords.every((word) => word === 0)).toBe(true);
      expect(config.core.broker.measured?.[0]).toBe(0);
    });

    it('does nothing when it has no time', async () => {
      const { native, config, log, counts } = setup(kind, threads);
      await warmUp(native, config, 0, log);
      expect(counts.reactors).toBe(0);
    });

    it('ends with its time, in the middle of a round', async () => {
      const { native, config, log, lines, counts } = setup(kind, threads);
      await warmUp(native, config, 1, log);
      expect(lines).toEqual([]);
      expect(counts.rows).toBeLessThan(100 * 40 * 3);
    });
  },
);

it('that cannot have a reactor is logged, and the start goes on', async () => {
  const { native, config, log, lines } = setup('off', 0);
  const broken = {
    ...native,
    createReactor: () => {
      throw new Error('EMFILE: no descriptor is left');
    },
  };
  await warmUp(broken, config, 1000, log);
  expect(lines).toEqual(['warm up: EMFILE: no descriptor is left; the first jobs are slower']);
});
