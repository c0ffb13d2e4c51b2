/**
 * `npm run sim -- [SEED] [--seeds N] [--from N]`: one seed is replayed and prints everything that happened; without it
 * N servers are simulated (default 200), from seed --from (default 1) on. `npm run sim:cluster` does the same with clusters;
 * with --broken it takes one rule after the other away, to see that the simulation notices.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    cluster: { type: 'boolean', default: false },
    broken: { type: 'boolean', default: false },
  },
});

const root = fileURLToPath(new URL('../../', import.meta.url));
const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
);
const file = values.cluster ? 'test/sim/cluster/cluster.test.ts' : 'test/sim/sim.test.ts';
const result = spawnSync(process.execPath, [vitest, 'run', file], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    GEARTRAIN_SIM_SEED: positionals[0] ?? '',
    GEARTRAIN_SIM_SEEDS: values.seeds,
    GEARTRAIN_SIM_FROM: values.from,
    GEARTRAIN_SIM_BROKEN: values.broken ? '1' : '',
  },
});
process.exitCode = result.status ?? 1;
