/**
 * Builds the addon for this machine: `node native/build.mjs`. Prints nothing when nothing changed. Rule: where it
 * cannot be built, it prints one line and exits with 0, because the TypeScript core takes over; GEARTRAIN_NATIVE=0
 * skips the build, GEARTRAIN_NATIVE=1 turns a failure into status 1. The compiler's output is kept in LOG.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const RESULT = join(ROOT, 'build', 'Release', 'geartrain.node');
const LOG = join(ROOT, 'build', 'native.log');
const wish = process.env.GEARTRAIN_NATIVE;

process.exitCode = main();

function main() {
  if (wish === '0') return say('native: skipped, GEARTRAIN_NATIVE=0: the TypeScript core is used');
  if (isFresh()) return 0;
  const missing = whatIsMissing();
  if (missing !== null) return giveUp(missing);
  const problem = build();
  if (problem !== null) return giveUp(problem);
  return say(`native: built ${relative(ROOT, RESULT)}`);
}

function say(line) {
  console.log(line);
  return 0;
}

/** An addon older than its sources would not fit the TypeScript code, so it is deleted. */
function giveUp(reason) {
  rmSync(RESULT, { force: true });
  console.log(`native: not built, ${reason}: the TypeScript core is used`);
  return wish === '1' ? 1 : 0;
}

/** Whether the result is newer than all of its sources. */
function isFresh() {
  if (!existsSync(RESULT)) return false;
  const builtMs = statSync(RESULT).mtimeMs;
  const native = join(ROOT, 'native');
  const sources = readdirSync(native, { recursive: true })
    .filter((name) => /\.(cc|h)$/.test(name))
    .map((name) => join(native, name));
  return [join(ROOT, 'binding.gyp'), ...sources].every((file) => statSync(file).mtimeMs < builtMs);
}

function whatIsMissing() {
  if (process.platform !== 'linux') return `no addon for ${process.platform}`;
  if (find('node-gyp/bin/node-gyp.js') === null) return 'node-gyp is not installed';
  if (find('node-addon-api') === null) return 'node-addon-api is not installed';
  if (!canRun(process.env.CXX?.split(' ')[0] ?? 'g++')) return 'no C++ compiler';
  if (!canRun('make')) return 'no make';
  const pythons = [process.env.PYTHON, process.env.npm_config_python, 'python3', 'python'];
  return pythons.some((python) => python && canRun(python)) ? null : 'no python';
}

function canRun(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

function find(module) {
  try {
    return createRequire(import.meta.url).resolve(module);
  } catch {
    return null;
  }
}

/** Runs node-gyp. Returns null or the problem. Never uses `rebuild`, which deletes the last build first. */
function build() {
  console.log('native: compiling, which takes a quarter of a minute on one core');
  const isConfigured = isYounger(join(ROOT, 'build', 'Makefile'), join(ROOT, 'binding.gyp'));
  const problem = isConfigured ? runGyp(['build']) : null;
  // The Makefile's path of the headers is wrong after the checkout, or Node.js, has moved.
  return isConfigured && problem === null ? null : runGyp(['configure', 'build']);
}

function runGyp(steps) {
  const prefix = dirname(dirname(process.execPath));
  // Without local headers node-gyp downloads them, which fails offline.
  const hasHeaders = existsSync(join(prefix, 'include', 'node', 'node.h'));
  const nodedir = hasHeaders ? [`--nodedir=${prefix}`] : [];
  const run = spawnSync(
    process.execPath,
    [find('node-gyp/bin/node-gyp.js'), ...steps, ...nodedir],
    {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    },
  );
  const output = `${run.stdout}${run.stderr}`;
  mkdirSync(dirname(LOG), { recursive: true });
  writeFileSync(LOG, output);
  if (run.status !== 0) return `node-gyp failed, see ${relative(ROOT, LOG)}`;
  const warning = output.split('\n').find((line) => line.includes('warning:'));
  if (warning !== undefined) console.log(warning);
  return existsSync(RESULT) ? null : `node-gyp made nothing, see ${relative(ROOT, LOG)}`;
}

function isYounger(file, than) {
  return existsSync(file) && statSync(file).mtimeMs > statSync(than).mtimeMs;
}
