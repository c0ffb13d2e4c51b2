/** Manual pages: text that troff would misread, and completeness. */
import { expect, it } from 'vitest';
import { GEARADMIN } from '../../../src/cli/gearadmin/options.ts';
import { GEARMAN } from '../../../src/cli/gearman/options.ts';
import { GEARMAND } from '../../../src/cli/gearmand-manual.ts';
import { helpText } from '../../../src/option/manual.ts';
import { flagsOf } from '../../../src/option/row.ts';
import { escapeRoff, renderManPage } from '../../../src/packaging/man-page.ts';
import { toolPage } from '../../../src/packaging/tool-page.ts';

it('writes out what troff would take for an instruction', () => {
  expect(escapeRoff('.so /etc/passwd')).toBe('\\&.so /etc/passwd');
  expect(escapeRoff("it's -p\\x")).toBe('it\\(aqs \\-p\\ex');
});

const TOOLS = [GEARMAND, GEARMAN, GEARADMIN];

it.each(TOOLS)(
  'shows every option of $manual.name once unless it is hidden, and its exit codes',
  (tool) => {
    const page = renderManPage(toolPage(tool));
    const options = page.slice(page.indexOf('.SH OPTIONS'), page.indexOf('.SH ENVIRONMENT'));
    for (const row of tool.options) {
      const shown = options.split(`\\fB${escapeRoff(flagsOf(row))}\\fR`).length - 1;
      expect(shown, row.name).toBe(row.isHidden === true ? 0 : 1);
    }
    for (const [code] of tool.manual.exitCodes) expect(page).toContain(`\\fB${code}\\fR`);
  },
);

it.each(TOOLS)(
  'begins with the three examples of $manual.name that its help begins with',
  (tool) => {
    const page = renderManPage(toolPage(tool));
    const headings = page.split('\n').filter((line) => line.startsWith('.SH'));
    expect(headings.slice(0, 4)).toEqual([
      '.SH NAME',
      '.SH SYNOPSIS',
      '.SH EXAMPLES',
      '.SH DESCRIPTION',
    ]);
    const help = helpText(tool).slice(0, helpText(tool).indexOf('Usage:'));
    const examples = page.slice(page.indexOf('.SH EXAMPLES'), page.indexOf('.SH DESCRIPTION'));
    expect(tool.manual.examples).toHaveLength(3);
    for (const [command] of tool.manual.examples) {
      expect(help).toContain(`\n    ${command}\n`);
      expect(examples).toContain(`\\fB${escapeRoff(command)}\\fR\n`);
    }
  },
);
