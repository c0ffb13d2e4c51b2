/** docs/library.md names every option that a program can give, and every error code that it can meet. */
import ts from 'typescript';
import { expect, it } from 'vitest';
import { textOf } from '../../support/markdown.ts';

const guide = textOf('docs/library.md');

/** Where the options of the library are declared. */
const DECLARED: Readonly<Record<string, readonly string[]>> = {
  'src/link/settings.ts': ['ConnectionOptions'],
  'src/link/within.ts': ['RequestOptions'],
  'src/client/types.ts': ['ClientOptions', 'SubmitOptions'],
  'src/client/submit-many.ts': ['ManyOptions'],
  'src/worker/types.ts': ['WorkerOptions', 'FunctionOptions', 'ThreadHandler'],
  'src/worker/stop-signals.ts': ['StopOptions'],
};

/** Names of the members of an interface. */
function membersOf(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest, true);
  const found = source.statements.filter(ts.isInterfaceDeclaration);
  const members = found.find((one) => one.name.text === name)?.members ?? [];
  return [...members].map((member) => (member.name as ts.Identifier).text);
}

const rows = Object.entries(DECLARED).flatMap(([file, names]) =>
  names.map((name) => [name, membersOf(file, name)] as const),
);

it.each(rows)('names the options of %s', (_, members) => {
  expect(members.length).toBeGreaterThan(0);
  const unnamed = members.filter(
    (name) => !new RegExp(`\`[^\`]*\\b${name}\\b[^\`]*\``).test(guide),
  );
  expect(unnamed).toEqual([]);
});

it('has a row for every error code, and no other', () => {
  const codes = new Set<string>();
  const files = ['src/link/errors.ts', 'src/option/error.ts', 'src/native/addon-errors.ts'];
  files.push('src/server/closed-error.ts', 'src/server/tls-files.ts', 'src/server/token-file.ts');
  for (const file of files)
    for (const [code] of textOf(file).matchAll(/ERR_[A-Z]+_[A-Z]+(?:_[A-Z]+)*/g)) codes.add(code);
  codes.delete('ERR_GEARTRAIN_REACTOR'); // a mistake of ours, never of the caller
  const named = new Set(
    [...guide.matchAll(/^\|.*$/gm)].flatMap(([row]) => row.match(/ERR_[A-Z_]+/g) ?? []),
  );
  expect([...named].sort()).toEqual([...codes].sort());
});
