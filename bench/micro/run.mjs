// Runs the micro benches, each in a process of its own: `npm run bench:micro -- [words]`.
// Rule: a word chooses benches by a part of their path; without words all of them run.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';

const here = new URL('.', import.meta.url).pathname;
const words = process.argv.slice(2);
const files = readdirSync(here, { recursive: true })
  .filter((name) => name.endsWith('.bench.mjs'))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`no micro bench is called ${words.join(' ')}`);
  process.exit(2);
}
console.log(`${os.cpus()[0]?.model}, Node ${process.version}`);
for (const file of files) {
  console.log(`\n== ${file.replace('.bench.mjs', '')}`);
  const { status, signal } = spawnSync(process.execPath, [join(here, file)], { stdio: 'inherit' });
  if (status === 0) continue;
  console.error(`${file}: exit ${status ?? signal}`);
  process.exitCode = 1;
}
