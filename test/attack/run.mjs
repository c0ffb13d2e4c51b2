/**
 * `npm run attack -- [WORD...] [--threads 0,2] [--core addon,fallback] [--scale 1] [--seed 1] [--tries 3] [--list]`:
 * attacks whose name contains one of the words, each against a fresh server, as a table. Fails when a server ended,
 * took more memory than allowed or answered wrongly, or when an honest peer waited for more than 100 ms in every try.
 * GEARTRAIN_DAEMON names another build's `gearmand.js`.
 */
import { parseArgs } from 'node:util';
import { ATTACKS } from './attacks.mjs';
import { play } from './play.mjs';

const LONGEST_MS = 100;

const { values, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '0,2' },
    core: { type: 'string', default: 'addon,fallback' },
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    tries: { type: 'string', default: '3' },
    list: { type: 'boolean', default: false },
  },
});

const chosen = ATTACKS.filter(
  ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
);
if (chosen.length === 0) {
  console.error(`no attack is named like ${words.join(', ')}; --list shows all`);
  process.exit(1);
}
if (values.list) {
  for (const { name, about } of chosen) console.log(`${name.padEnd(22)} ${about}`);
  process.exit(0);
}

const HEAD = [
  'attack',
  'threads',
  'core',
  'ended',
  'growth MiB',
  'allowed',
  'echo ms',
  'quiet ms',
  's',
];
const WIDTHS = [22, 7, 8, 9, 10, 7, 8, 8, 6];
const line = (cells) =>
  cells
    .map((cell, i) => `${cell}`.padEnd(WIDTHS[i]))
    .join('  ')
    .trimEnd();

/** Plays an attack until its echo is short enough, at most --tries times. */
async function judge(attack, options) {
  const tries = Number(values.tries);
  for (let i = 1; ; i++) {
    const result = await play(attack, options);
    const isSlow = result.longestMs > LONGEST_MS;
    const faults = [];
    if (result.fault !== null) faults.push(result.fault);
    if (result.growthMib > result.allowedMib) faults.push('took more memory than allowed');
    if (isSlow && i === tries)
      faults.push(`an honest peer waited too long in ${tries} of ${tries}`);
    if (faults.length > 0 || !isSlow || i === tries) return { ...result, faults };
  }
}

console.log(line(HEAD));
let failures = 0;
let ended = 0;
for (const attack of chosen)
  for (const threads of values.threads.split(',').map(Number))
    for (const core of values.core.split(',')) {
      const isNative = core === 'addon';
      const options = { threads, isNative, scale: Number(values.scale), seed: Number(values.seed) };
      const result = await judge(attack, options);
      if (result.ending !== null) ended++;
      console.log(
        line([
          attack.name,
          threads,
          core,
          result.ending ?? 'no',
          result.growthMib.toFixed(0),
          result.allowedMib.toFixed(0),
          result.longestMs.toFixed(0),
          result.quietMs.toFixed(0),
          result.seconds.toFixed(1),
        ]),
      );
      for (const fault of result.faults) console.log(`  FAILED: ${fault}`);
      if (result.faults.length > 0) failures++;
    }
console.log(`${ended} servers ended, ${failures} attacks succeeded`);
process.exitCode = failures === 0 ? 0 : 1;
