/**
 * Builds the package where npm packs a fresh clone: `npm install git+https://...`. Rule: does nothing in a checkout,
 * which `npm run build` builds, nor where dist/ exists. The native core is built for this machine only; where that
 * fails, one line says so and the TypeScript core takes over. A tarball of `npm pack` has no such script (prepack
 * removes it, postpack restores it): npm would ask its users to approve it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

// npm sets it when it packs a folder, and not when it installs the folder's dependencies.
const isPacked = process.env.npm_package_resolved !== undefined;
if (isPacked && !existsSync(join(ROOT, 'dist'))) {
  process.exitCode = run('npm', ['run', 'build'], { GEARTRAIN_NATIVE: '0' });
  const own = `${process.platform}-${process.arch}`;
  if (process.env.GEARTRAIN_NATIVE !== '0' && process.exitCode === 0)
    run(process.execPath, [join(ROOT, 'native', 'prebuild.mjs'), own], {});
}

function run(command, args, variables) {
  const env = { ...process.env, ...variables };
  return spawnSync(command, args, { cwd: ROOT, env, stdio: 'inherit' }).status ?? 1;
}
