/**
 * Builds the addon for every platform that the package ships it for: `node native/prebuild.mjs`.
 * Rule: a package without one of its binaries must not come about unseen, so here a missing compiler is a failure;
 * GEARTRAIN_PREBUILDS names the platforms that are wanted (`linux-x64`, separated by blanks, or `none`).
 * Dynamic libstdc++ and N-API make one binary good for Node.js 20 and later on glibc; elsewhere the twin runs.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = ['package.json', 'binding.gyp', 'native'];
const LOG_LINES = 40;

/** Processor by platform, and how Debian calls the tools that build for it from elsewhere. */
const TARGETS = {
  'linux-x64': { arch: 'x64', cross: 'x86_64-linux-gnu-', debian: 'g++-x86-64-linux-gnu' },
  'linux-arm64': { arch: 'arm64', cross: 'aarch64-linux-gnu-', debian: 'g++-aarch64-linux-gnu' },
};

const wish = process.env.GEARTRAIN_PREBUILDS ?? Object.keys(TARGETS).join(' ');
for (const name of wish.split(' ').filter((word) => word !== 'none')) {
  const problem = prebuild(name);
  if (problem === null) continue;
  console.error(`prebuild ${name}: ${problem}`);
  process.exitCode = 1;
  break;
}

/** Returns null, or what went wrong. */
function prebuild(name) {
  const target = TARGETS[name];
  if (target === undefined) return `no such target, there are ${Object.keys(TARGETS).join(', ')}`;
  const folder = join(ROOT, 'prebuilds', name);
  if (isFresh(folder)) return null;
  const isCross = `${process.platform}-${process.arch}` !== name;
  const prefix = isCross ? target.cross : '';
  if (spawnSync(`${prefix}g++`, ['--version']).status !== 0) {
    return `there is no ${prefix}g++ (on Debian: apt-get install ${isCross ? target.debian : 'g++'})`;
  }
  // A folder of its own, so that build/Release stays what the checkout uses.
  const stage = join(ROOT, 'build', `prebuild-${name}`);
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  for (const source of SOURCES)
    cpSync(join(ROOT, source), join(stage, source), { recursive: true });
  const problem = run(stage, target.arch, prefix);
  rmSync(stage, { recursive: true, force: true });
  if (problem === null) console.log(`prebuild: built prebuilds/${name}`);
  return problem;
}

function run(stage, arch, prefix) {
  const prebuildify = createRequire(import.meta.url).resolve('prebuildify/bin.js');
  const flags = ['--napi', '--strip', '--tag-libc', '--arch', arch, '--cwd', stage, '--out', ROOT];
  const env = {
    ...process.env,
    CC: `${prefix}gcc`,
    CXX: `${prefix}g++`,
    PREBUILD_STRIP_BIN: `${prefix}strip`,
    JOBS: 'max',
  };
  // Without headers of its own node-gyp downloads them, which fails offline.
  const home = dirname(dirname(process.execPath));
  if (existsSync(join(home, 'include', 'node', 'node.h'))) env.npm_config_nodedir = home;
  const target = ['--target', `node@${process.versions.node}`];
  const built = spawnSync(process.execPath, [prebuildify, ...target, ...flags], {
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (built.status === 0) return null;
  return `${built.stdout}${built.stderr}`.split('\n').slice(-LOG_LINES).join('\n');
}

/** The binary is younger than everything that it is made of. */
function isFresh(folder) {
  const binary = existsSync(folder) && readdirSync(folder).find((file) => file.endsWith('.node'));
  if (!binary) return false;
  const builtMs = statSync(join(folder, binary)).mtimeMs;
  const sources = readdirSync(join(ROOT, 'native')).filter((file) => /\.(cc|h)$/.test(file));
  return [join(ROOT, 'binding.gyp'), ...sources.map((file) => join(ROOT, 'native', file))].every(
    (file) => statSync(file).mtimeMs < builtMs,
  );
}
