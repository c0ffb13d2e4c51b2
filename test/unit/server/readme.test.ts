/** The tables of docs/options.md are derived from the options table; this keeps them equal. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderOptionsTable } from '../../../src/packaging/option-tables.ts';

const document = readFileSync(new URL('../../../docs/options.md', import.meta.url), 'utf8');

it('shows every option in docs/options.md as the table has it', () => {
  const shown = /<!-- options: [^\n]*-->\n\n([\s\S]*)\n\n<!-- end of options -->/.exec(
    document,
  )?.[1];
  expect(shown).toBe(renderOptionsTable().trim());
});
