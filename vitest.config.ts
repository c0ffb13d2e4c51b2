import { defineConfig } from 'vitest/config';
import { LongFirst } from './test/support/long-first.ts';
import SkipReasons from './test/support/skip-reasons.ts';

/** No clock, no socket, nothing of Node.js: nothing that one file could leave behind for the next in its process. */
const PURE = ['admin', 'base', 'broker', 'protocol', 'session'].map(
  (folder) => `test/unit/${folder}/**/*.test.ts`,
);

/** What `npm run check` leaves to `npm test`: measures of memory, and what reads the whole program. */
const SLOW =
  process.env.GEARTRAIN_CHECK === '1'
    ? [
        'unit/docs/api',
        'unit/documented',
        'unit/session/memory',
        'unit/client/memory',
        'unit/store/slow-journal',
      ].map((name) => `test/${name}.test.ts`)
    : [];

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    setupFiles: ['test/support/byte-equality.ts'],
    reporters: ['default', new SkipReasons()],
    sequence: { sequencer: LongFirst },
    projects: [
      {
        extends: true,
        test: { name: 'own process', include: ['test/**/*.test.ts'], exclude: [...PURE, ...SLOW] },
      },
      { extends: true, test: { name: 'pure', include: PURE, exclude: SLOW, isolate: false } },
    ],
  },
});
