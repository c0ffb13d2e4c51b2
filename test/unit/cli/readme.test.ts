/** The README's tables of the tools are derived: options from the tables in src, differences from the rules of the comparison. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { GEARADMIN } from '../../../src/cli/gearadmin/options.ts';
import { GEARMAN } from '../../../src/cli/gearman/options.ts';
import { renderToolTable } from '../../../src/packaging/option-tables.ts';
import { renderDifferences } from '../../integration/tools/differences.ts';

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

/** What stands between the two marks. */
function between(start: string, end: string): string | undefined {
  return new RegExp(`<!-- ${start}: [^\\n]*-->\\n\\n([\\s\\S]*)\\n\\n<!-- ${end} -->`).exec(
    readme,
  )?.[1];
}

it('shows every option of the tools in the README as the tables have it', () => {
  const tables = [GEARMAN, GEARADMIN].map(renderToolTable).join('\n').trim();
  expect(between('commands', 'end of commands')).toBe(tables);
});

it('shows every difference from the C tools in the README as the comparison has it', () => {
  expect(between('differences', 'end of differences')).toBe(renderDifferences().trim());
});
