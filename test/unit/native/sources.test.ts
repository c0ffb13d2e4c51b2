/** The shape of native/: which folder may include which, and that binding.gyp names each source once. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** A folder includes itself and the folders of lower levels. */
const LEVELS = [['base'], ['codec'], ['disk', 'first-message', 'reactor'], ['binding']];

const files = readdirSync(`${ROOT}native`, { recursive: true, encoding: 'utf8' });
const read = (file: string) => readFileSync(`${ROOT}${file}`, 'utf8');

it('includes point to lower levels', () => {
  const levelOf = (folder: string) => LEVELS.findIndex((level) => level.includes(folder));
  for (const file of files.filter((name) => /\.(cc|h)$/.test(name))) {
    const folder = dirname(file);
    expect(levelOf(folder), file).toBeGreaterThanOrEqual(0);
    for (const [, included] of read(`native/${file}`).matchAll(/#include "(.+)"/g)) {
      const other = dirname(included as string);
      const isAllowed = other === folder || levelOf(other) < levelOf(folder);
      expect(isAllowed, `${file} includes ${included}`).toBe(true);
    }
  }
});

it('binding.gyp names each source once', () => {
  const named = [...read('binding.gyp').matchAll(/'native\/(.+\.cc)'/g)].map(([, name]) => name);
  expect(named).toEqual(files.filter((name) => name.endsWith('.cc')).sort());
});
