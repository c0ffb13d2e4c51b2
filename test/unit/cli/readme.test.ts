/** The documents' tables of the tools are derived: options from the tables in src, differences from the rules of the comparison. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { GEARADMIN } from '../../../src/cli/gearadmin/options.ts';
import { GEARMAN } from '../../../src/cli/gearman/options.ts';
import { renderToolTable } from '../../../src/packaging/option-tables.ts';
import { renderDifferences } from '../../integration/tools/differences.ts';

const textOf = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8');

/** What stands between the two marks of a document. */
function between(name: string, start: string, end: string): string | undefined {
  return new RegExp(`<!-- ${start}: [^\\n]*-->\\n\\n([\\s\\S]*)\\n\\n<!-- ${end} -->`).exec(
    textOf(name),
  )?.[1];
}

it('shows every option of the tools in docs/cli.md as the tables have it', () => {
  const tables = [GEARMAN, GEARADMIN].map(renderToolTable).join('\n').trim();
  expect(between('cli', 'commands', 'end of commands')).toBe(tables);
});

it('shows every difference from the C tools in docs/differences.md as the comparison has it', () => {
  expect(between('differences', 'differences', 'end of differences')).toBe(
    renderDifferences().trim(),
  );
});
