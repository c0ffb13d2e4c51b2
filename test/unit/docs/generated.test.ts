/**
 * What is made from its one source and checked in: parts of documents between two marks, and the typed options of
 * programs. Rule: the file is equal to what would be made now; `npm run docs` writes all of them.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { GEARADMIN } from '../../../src/cli/gearadmin/options.ts';
import { GEARMAN } from '../../../src/cli/gearman/options.ts';
import { renderProblems, renderRoutes } from '../../../src/packaging/api-tables.ts';
import { renderAlertsTable, renderMetricsTables } from '../../../src/packaging/metrics-table.ts';
import { renderOptionsTable, renderToolTables } from '../../../src/packaging/option-tables.ts';
import { serverOptionsText } from '../../../src/packaging/server-options-text.ts';
import { renderDifferences } from '../../integration/tools/differences.ts';
import { root, textOf } from '../../support/markdown.ts';

/** By the name of their marks: the document, and what makes the part. */
const PARTS: Readonly<Record<string, readonly [path: string, make: () => string]>> = {
  options: ['docs/options.md', renderOptionsTable],
  commands: ['docs/cli.md', () => [GEARMAN, GEARADMIN].map(renderToolTables).join('\n')],
  metrics: ['docs/metrics.md', renderMetricsTables],
  alerts: [
    'docs/metrics.md',
    () => renderAlertsTable(textOf('src/packaging/prometheus-alerts.yml')),
  ],
  routes: ['docs/http-api.md', renderRoutes],
  problems: ['docs/http-api.md', renderProblems],
  differences: ['docs/differences.md', renderDifferences],
};

/** `text` with `made` between the two marks of `name`; throws where it has not both of them once. */
function withPart(text: string, name: string, made: string): string {
  const pattern = new RegExp(
    `(<!-- ${name}: [^\\n]* -->\\n\\n)[\\s\\S]*?(\\n\\n<!-- end of ${name} -->)`,
    'g',
  );
  const found = text.match(pattern)?.length ?? 0;
  if (found !== 1) throw new Error(`${found} parts have the marks of ${name}`);
  return text.replace(pattern, (_, start: string, end: string) => start + made.trim() + end);
}

it.each([...new Set(Object.values(PARTS).map(([path]) => path))])(
  '%s is what its sources make',
  async (path) => {
    const parts = Object.entries(PARTS).filter(([, part]) => part[0] === path);
    const text = parts.reduce(
      (before, [name, [, make]]) => withPart(before, name, make()),
      textOf(path),
    );
    await expect(text).toMatchFileSnapshot(root + path);
  },
);

it('the typed options of a program are those of the rows', async () => {
  await expect(serverOptionsText()).toMatchFileSnapshot(
    `${root}src/server/options/server-options.ts`,
  );
});

it('finds a part that is not up to date, and marks that are missing', () => {
  const text = readFileSync(`${root}docs/options.md`, 'utf8');
  expect(withPart(text, 'options', 'other')).not.toContain('--port');
  expect(() => withPart(text, 'metrics', 'other')).toThrow('0 parts have the marks of metrics');
  expect(() => withPart(text + text, 'options', 'other')).toThrow('2 parts');
});
