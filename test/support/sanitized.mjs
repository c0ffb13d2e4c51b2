/**
 * The addon's tests with its C++ compiled for AddressSanitizer and UndefinedBehaviorSanitizer: `npm run
 * test:sanitized` [vitest arguments]. Needs gcc. Rule: it is compiled in build/sanitized, so build/Release keeps the
 * addon of the checkout. Leaks are not reported, because Node.js itself leaves memory at its end. Tests get ten times
 * as long.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const STAGE = join(ROOT, 'build/sanitized');
const SUITES = ['test/unit/native', 'test/parity'];
const CHECKS = '-fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined';

function run(command, args, env) {
  const { status } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** Where gcc keeps a library that must be loaded before Node.js itself. */
function library(name) {
  return spawnSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim();
}

mkdirSync(STAGE, { recursive: true });
for (const source of ['package.json', 'binding.gyp', 'native'])
  cpSync(join(ROOT, source), join(STAGE, source), { recursive: true, preserveTimestamps: true });
const gyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
const prefix = dirname(dirname(process.execPath));
run(process.execPath, [gyp, 'configure', 'build', '-C', STAGE, `--nodedir=${prefix}`], {
  CXXFLAGS: `${CHECKS} -g -fno-omit-frame-pointer`,
  LDFLAGS: CHECKS,
});
const wanted = process.argv.length > 2 ? process.argv.slice(2) : SUITES;
run('npx', ['vitest', 'run', '--testTimeout=300000', ...wanted], {
  GEARTRAIN_PREBUILD: STAGE,
  LD_PRELOAD: `${library('libasan.so')} ${library('libubsan.so')}`,
  ASAN_OPTIONS: 'detect_leaks=0:handle_segv=0',
  UBSAN_OPTIONS: 'print_stacktrace=1',
});
