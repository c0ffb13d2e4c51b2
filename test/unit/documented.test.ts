/** Whoever uses the package reads its declarations: everything public says what it is, at the place where it is declared. */
import ts from 'typescript';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
/** Their meaning is the language's. */
const KNOWN = new Set(['name', '__index', '__constructor', '__call']);

function openProgram(): ts.Program {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  return ts.createProgram([`${root}src/index.ts`], options);
}

/** Public, declared here, and no type parameter. */
function isOurs(member: ts.Symbol): boolean {
  const declarations = member.declarations ?? [];
  return (
    !KNOWN.has(member.name) &&
    declarations.some((one) => one.getSourceFile().fileName.startsWith(`${root}src/`)) &&
    declarations.every(
      (one) =>
        !ts.isTypeParameterDeclaration(one) &&
        !(ts.getCombinedModifierFlags(one) & ts.ModifierFlags.Private) &&
        !('name' in one && ts.isPrivateIdentifier(one.name as ts.Node)),
    )
  );
}

it('has a docstring at every public declaration', { timeout: 120_000 }, () => {
  const program = openProgram();
  const checker = program.getTypeChecker();
  const isSilent = (symbol: ts.Symbol): boolean =>
    symbol.getDocumentationComment(checker).length === 0;
  const source = program.getSourceFile(`${root}src/index.ts`) as ts.SourceFile;
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source) as ts.Symbol);
  expect(exported.length).toBeGreaterThan(40);
  const silent: string[] = [];
  for (const symbol of exported) {
    const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
    const target = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
    if (isSilent(target)) silent.push(symbol.name);
    for (const member of target.members?.values() ?? [])
      if (isOurs(member) && isSilent(member)) silent.push(`${symbol.name}.${member.name}`);
  }
  expect(silent).toEqual([]);
});
