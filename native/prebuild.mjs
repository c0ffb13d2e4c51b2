/**
 * Builds the addon for the platforms of the package: `node native/prebuild.mjs [PLATFORM ...]`, or GEARTRAIN_PREBUILDS
 * with names separated by blanks (`linux-x64`, `none`). Rule: a named platform fails without its compiler, so that no
 * published package lacks a binary; without names, as in `npm pack`, platforms that cannot be built here are skipped,
 * with a line for each. Dynamic libstdc++ and N-API make one binary work with Node.js 20 and later on glibc; elsewhere
 * the TypeScript core runs.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = ['package.json', 'binding.gyp', 'native'];
const LOG_LINES = 40;

/** Processor by platform, and Debian's names of the tools that build for it elsewhere. */
const TARGETS = {
  'linux-x64': { arch: 'x64', cross: 'x86_64-linux-gnu-', debian: 'g++-x86-64-linux-gnu' },
  'linux-arm64': { arch: 'arm64', cross: 'aarch64-linux-gnu-', debian: 'g++-aarch64-linux-gnu' },
};

const named = [...process.argv.slice(2), ...(process.env.GEARTRAIN_PREBUILDS ?? '').split(' ')];
const wanted = named.filter((word) => word !== '');
const names = wanted.length === 0 ? Object.keys(TARGETS) : wanted;
for (const name of names.filter((word) => word !== 'none')) {
  const missing = whatIsMissing(name);
  if (missing !== null && wanted.length === 0) {
    console.error(`prebuild ${name}: left out, ${missing}; the TypeScript core is used there`);
    continue;
  }
  const problem = missing ?? prebuild(name);
  if (problem === null) continue;
  console.error(`prebuild ${name}: ${problem}`);
  process.exitCode = 1;
  break;
}

/** The prefix of a platform's compiler tools. */
function prefixOf(name) {
  return `${process.platform}-${process.arch}` === name ? '' : TARGETS[name].cross;
}

function folderOf(name) {
  return join(ROOT, 'prebuilds', name);
}

/** Why a platform cannot be built here; null when it can, or has been. */
function whatIsMissing(name) {
  const target = TARGETS[name];
  if (target === undefined) return `no such target, there are ${Object.keys(TARGETS).join(', ')}`;
  const prefix = prefixOf(name);
  if (isFresh(folderOf(name))) return null;
  const tools = { [`${prefix}g++`]: prefix === '' ? 'g++' : target.debian, make: 'make' };
  const tool = Object.keys(tools).find((one) => spawnSync(one, ['--version']).status !== 0);
  if (tool === undefined) return null;
  return `there is no ${tool} (on Debian: apt-get install ${tools[tool]})`;
}

/** Returns null, or the problem. */
function prebuild(name) {
  if (isFresh(folderOf(name))) return null;
  console.log(`prebuild: compiling for ${name}`);
  // A folder of its own, so that build/Release keeps the addon of the checkout.
  const stage = join(ROOT, 'build', `prebuild-${name}`);
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  for (const source of SOURCES)
    cpSync(join(ROOT, source), join(stage, source), { recursive: true });
  const problem = run(stage, TARGETS[name].arch, prefixOf(name));
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
  // Without local headers node-gyp downloads them, which fails offline.
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

/** Whether the binary is newer than all of its sources. */
function isFresh(folder) {
  const binary = existsSync(folder) && readdirSync(folder).find((file) => file.endsWith('.node'));
  if (!binary) return false;
  const builtMs = statSync(join(folder, binary)).mtimeMs;
  const sources = readdirSync(join(ROOT, 'native'), { recursive: true }).filter((file) =>
    /\.(cc|h)$/.test(file),
  );
  return [join(ROOT, 'binding.gyp'), ...sources.map((file) => join(ROOT, 'native', file))].every(
    (file) => statSync(file).mtimeMs < builtMs,
  );
}
