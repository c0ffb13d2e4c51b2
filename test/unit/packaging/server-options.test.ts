/** The typed options of `createServer` are generated: the file in src is what the rows make. */
import { expect, it } from 'vitest';
import { serverOptionsText } from '../../../src/packaging/server-options-text.ts';

it('the typed options of a program are those of the rows', async () => {
  const path = new URL('../../../src/server/options/server-options.ts', import.meta.url);
  await expect(serverOptionsText()).toMatchFileSnapshot(path.pathname);
});
