/**
 * Builds the package where npm packs a clone that nobody has built: `npm install git+https://...`.
 * Rule: does nothing in a checkout, which `npm run build` builds, nor where dist/ is there. The native core is for this
 * machine alone; where it cannot be built, one line says so and the TypeScript core takes over. A tarball that `npm pack`
 * makes has no such script (prepack takes it out, postpack puts it back): npm would ask its users to approve it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

// npm sets it while it makes a package of a folder, and not when it installs what the folder needs.
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
