/** Manual pages: text that troff would misread, and completeness. */
import { expect, it } from 'vitest';
import { GEARADMIN } from '../../../src/cli/gearadmin/options.ts';
import { GEARMAN } from '../../../src/cli/gearman/options.ts';
import { OPTIONS } from '../../../src/cli/gearmand-options.ts';
import { gearmandPage } from '../../../src/packaging/gearmand-page.ts';
import { escapeRoff, renderManPage } from '../../../src/packaging/man-page.ts';
import { toolPage } from '../../../src/packaging/tool-page.ts';

it('writes out what troff would take for an instruction', () => {
  expect(escapeRoff('.so /etc/passwd')).toBe('\\&.so /etc/passwd');
  expect(escapeRoff("it's -p\\x")).toBe('it\\(aqs \\-p\\ex');
});

it('shows every option that is not hidden once', () => {
  const page = renderManPage(gearmandPage());
  for (const row of OPTIONS) {
    const shown = page.split(`${escapeRoff(`--${row.name}`)}\\fR`).length - 1;
    expect(shown, row.name).toBe(row.isHidden === true ? 0 : 1);
  }
});

it.each([GEARMAN, GEARADMIN])(
  'shows every option of $manual.name once, and its exit codes',
  (tool) => {
    const page = renderManPage(toolPage(tool));
    const options = page.slice(0, page.indexOf('.SH ENVIRONMENT'));
    for (const row of tool.options)
      expect(options.split(`${escapeRoff(`--${row.name}`)}\\fR`).length - 1, row.name).toBe(1);
    for (const [code] of tool.manual.exitCodes) expect(page).toContain(`\\fB${code}\\fR`);
    expect(page).toContain('.SH EXAMPLES');
  },
);
