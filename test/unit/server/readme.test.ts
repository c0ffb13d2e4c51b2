/** The README's tables are derived from the options table; this keeps them equal. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderOptionsTable } from '../../../src/packaging/option-tables.ts';

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

it('shows every option in the README as the table has it', () => {
  const shown = /<!-- options: [^\n]*-->\n\n([\s\S]*)\n\n<!-- end of options -->/.exec(readme)?.[1];
  expect(shown).toBe(renderOptionsTable().trim());
});
