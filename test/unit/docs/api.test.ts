/** docs/api.md is what the doc comments of the public declarations make; `npm run docs` writes it. */
import ts from 'typescript';
import { expect, it } from 'vitest';
import { apiReference } from '../../support/api-reference.ts';
import { root } from '../../support/markdown.ts';

/** Every name that the package exports. */
function exportedNames(): string[] {
  const source = ts.createSourceFile(
    'index.ts',
    ts.sys.readFile(`${root}src/index.ts`) as string,
    ts.ScriptTarget.Latest,
  );
  return source.statements.flatMap((statement) => {
    const clause = ts.isExportDeclaration(statement) ? statement.exportClause : undefined;
    return clause !== undefined && ts.isNamedExports(clause)
      ? clause.elements.map(({ name }) => name.text)
      : [];
  });
}

it('docs/api.md is what its sources make, and has every name', { timeout: 180_000 }, async () => {
  const page = await apiReference();
  const names = exportedNames();
  expect(names.length).toBeGreaterThan(40);
  const headings = new Set([...page.matchAll(/^### (\w+)(?:\(\))?$/gm)].map(([, name]) => name));
  expect(names.filter((name) => !headings.has(name))).toEqual([]);
  await expect(page).toMatchFileSnapshot(`${root}docs/api.md`);
});
