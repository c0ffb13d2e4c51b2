/**
 * `npm run diff -- [--dialogues N] [--steps N] [--seed S] [--threads N] [--multi] [--self]`: random dialogues on the C
 * gearmand and on ours. N dialogues for each mode that is played; a failing one is printed small, with its seed.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    dialogues: { type: 'string', default: '1000' },
    steps: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '' },
    multi: { type: 'boolean', default: false },
    self: { type: 'boolean', default: false },
  },
});

const root = fileURLToPath(new URL('../../../', import.meta.url));
const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
);
const result = spawnSync(
  process.execPath,
  [vitest, 'run', 'test/integration/differential/differential.test.ts'],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      GEARTRAIN_REQUIRE_PEERS: '1',
      GEARTRAIN_DIFF_EACH: values.dialogues,
      GEARTRAIN_DIFF_STEPS: values.steps,
      GEARTRAIN_DIFF_SEED: values.seed,
      GEARTRAIN_DIFF_THREADS: values.threads,
      GEARTRAIN_DIFF_MULTI: values.multi ? '1' : '',
      GEARTRAIN_DIFF_SELF: values.self ? '1' : '',
    },
  },
);
process.exitCode = result.status ?? 1;
