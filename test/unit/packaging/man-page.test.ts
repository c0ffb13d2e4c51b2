/** Manual pages: text that troff would misread, and completeness. */
import { expect, it } from 'vitest';
import { gearmandPage } from '../../../src/packaging/gearmand-page.ts';
import { escapeRoff, renderManPage } from '../../../src/packaging/man-page.ts';
import { OPTIONS } from '../../../src/server/options.ts';

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
