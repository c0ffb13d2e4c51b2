/** The types of the package in the oldest TypeScript that docs/library.md names, library declarations checked as well. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { missing } from '../../support/peers.ts';
import { root, run, scratchPrefix } from './packed.ts';

const OLDEST = '5.0.4';
const project = mkdtempSync(scratchPrefix);
afterAll(() => rmSync(project, { recursive: true, force: true }));

const tsc = (...args: string[]) =>
  run('npx', ['--yes', '-p', `typescript@${OLDEST}`, 'tsc', ...args], { cwd: project });
const version = tsc('--version');
const isThere =
  version.stdout.includes(OLDEST) || missing(`no TypeScript ${OLDEST} from npm: ${version.stderr}`);

it('is named by docs/library.md', () => {
  const short = OLDEST.replace(/\.\d+$/, '');
  expect(readFileSync(join(root, 'docs/library.md'), 'utf8')).toContain(
    `TypeScript ${short} or later`,
  );
});

it.skipIf(!isThere).each([
  ['NodeNext', 'NodeNext'],
  ['ESNext', 'bundler'],
])(
  'takes right uses and refuses wrong ones, module %s',
  (module, moduleResolution) => {
    const modules = join(project, 'node_modules');
    mkdirSync(join(modules, '@types'), { recursive: true });
    const links = { geartrain: '.', '@types/node': 'node_modules/@types/node' };
    for (const [name, target] of Object.entries(links)) {
      rmSync(join(modules, name), { force: true });
      symlinkSync(join(root, target), join(modules, name));
    }
    const uses = readFileSync(join(root, 'test/support/library-types.ts'), 'utf8');
    writeFileSync(join(project, 'uses.ts'), uses.replace("'../../src/index.ts'", "'geartrain'"));
    writeFileSync(join(project, 'package.json'), '{"type":"module"}');
    const where = { module, moduleResolution, target: 'ES2022', lib: ['ES2023'] };
    const compilerOptions = { ...where, strict: true, noEmit: true, types: ['node'] };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const { code, stdout } = tsc('-p', '.');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  },
  120_000,
);
