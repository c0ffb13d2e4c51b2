/** docs/troubleshooting.md has an entry for every grave message of the program, and none that no message is left for. */
import { expect, it } from 'vitest';
import { textOf } from '../support/markdown.ts';
import { messagesOf } from '../support/messages.ts';

const SOURCES = [
  'admin',
  'cli',
  'http',
  'native',
  'option',
  'server',
  'session',
  'shard',
  'store',
  'link/listings.ts',
].map((place) => `src/${place}`);
/** Errors that only a mistake of ours makes, so nobody can mend their cause. */
const OURS = ['src/native/disk.ts', 'src/native/first-message-queue.ts', 'src/shard/in-process.ts'];

const messages = messagesOf(SOURCES, OURS);
const rows = textOf('docs/troubleshooting.md')
  .split('\n')
  .filter((line) => line.startsWith('| `'));
const entries = rows.flatMap((row) =>
  [...(row.split(' | ')[0] as string).matchAll(/`([^`]+)`/g)].map(([, text]) => text as string),
);

it('collects messages of every kind', () => {
  const texts = messages.map(({ text }) => text);
  // A log line, a note, an incident, an error, a text that a function makes, one in a table.
  for (const text of [
    'function … has … jobs and no worker',
    '--file-descriptors … has no effect without the native core',
    'refuse …: … connections, the limit',
    'option --export: …: it exists already',
    'the certificate … has expired on …',
    'packet is too large',
  ])
    expect(texts).toContain(text);
});

it('has an entry for every message', () => {
  const missing = messages.filter(({ text }) => !entries.includes(text));
  expect(missing.map(({ text, place }) => `${place}: ${text}`)).toEqual([]);
});

it('has no entry without a message', () => {
  const texts = new Set(messages.map(({ text }) => text));
  expect(entries.filter((entry) => !texts.has(entry))).toEqual([]);
});

it('says the cause of each, in three columns', () => {
  const bad = rows.filter((row) => !/^\| .+ \| .+ \|( .+)? \|$/.test(row));
  expect(bad).toEqual([]);
});
