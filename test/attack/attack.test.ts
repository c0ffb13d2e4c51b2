/**
 * A tenth of every attack of `npm run attack`: no server ends, none takes more memory than it may, none obeys what it
 * must refuse, and an honest peer is served afterwards. How long it waits meanwhile is for `npm run attack` to say.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { loadNative } from '../../src/native/load.ts';
import { ATTACKS } from './attacks.mjs';
import { play } from './play.mjs';

const SCALE = 0.1;
const isNative = loadNative().kind === 'addon';

for (const attack of ATTACKS)
  it.each([0, 2])(
    `outlives ${attack.name}: ${attack.about}; -t %i`,
    async (threads) => {
      const result = await play(attack, { threads, isNative, scale: SCALE, seed: 1 });
      const { ending, fault, growthMib, allowedMib } = result;
      expect({ ending, fault }).toEqual({ ending: null, fault: null });
      expect(growthMib).toBeLessThanOrEqual(allowedMib);
    },
    300_000,
  );

it('knows every attack that SECURITY.md names', () => {
  const security = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8');
  const words = [...security.matchAll(/`npm run attack -- ([a-z][^`]*)`/g)].flatMap(([, text]) =>
    (text as string).split(' '),
  );
  expect(words.length).toBeGreaterThan(10);
  const isKnown = (word: string) => ATTACKS.some(({ name }) => name.includes(word));
  expect(words.filter((word) => !isKnown(word))).toEqual([]);
});
