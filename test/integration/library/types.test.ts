/** What the types of the library allow and refuse, checked by the compiler over a file of right and wrong lines. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

it('accept every right use and refuse every wrong one', { timeout: 60_000 }, () => {
  const file = fileURLToPath(new URL('../../support/library-types.ts', import.meta.url));
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram([file], {
    ...options,
    rootDir: root,
    noEmit: true,
    noUnusedLocals: false,
  });
  const found = ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const line = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? -1;
    return `${diagnostic.file?.fileName}:${line + 1} ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`;
  });
  expect(found).toEqual([]);
});
