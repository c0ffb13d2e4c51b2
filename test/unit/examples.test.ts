/** Every example says what it shows and how to run it, and the list of examples is complete. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commandsOf, exampleFiles, headOf } from '../support/examples.ts';
import { root } from '../support/package-folder.ts';

const programs = exampleFiles.filter((file) => !/\.(md|json)$/.test(file));

it('lists every file and no other', () => {
  const list = readFileSync(join(root, 'examples/README.md'), 'utf8');
  const linked = [...list.matchAll(/\]\(([^)]+)\)/g)].map(([, place]) => place as string);
  const own = linked.filter((place) => !place.startsWith('../'));
  expect(own.sort()).toEqual(exampleFiles.filter((file) => file !== 'README.md'));
});

it.each(programs)('%s has a head', (file) => {
  expect(headOf(file)).not.toBe('');
});

/** What is loaded by another file of its example, and is not run by itself. */
const PARTS = [
  'testing/jobs.mjs',
  'thumbnails/thumbnail.mjs',
  'typed/client.mts',
  'typed/functions.mts',
];

it.each(programs.filter((file) => !PARTS.includes(file)))('%s says how to run it', (file) => {
  expect(commandsOf(file)).not.toEqual([]);
});

it.each(programs)(
  '%s uses the package by its name and nothing else that is not of Node.js',
  (file) => {
    const source = readFileSync(join(root, 'examples', file), 'utf8');
    const imported = [...source.matchAll(/ from '([^']+)'/g)].map(([, name]) => name as string);
    const allowed = /^(node:[\w/]+|geartrain|\.\/[\w.]+)$/;
    const others = imported.filter((name) => !allowed.test(name));
    expect(others).toEqual(file === 'thumbnails/thumbnail.mjs' ? ['pngjs'] : []);
  },
);
