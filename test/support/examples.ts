/**
 * The files of examples/ and the commands that their heads name. A command is a line of the head comment that is
 * indented by three blanks more than its text.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './package-folder.ts';

const folder = join(root, 'examples');
const HEAD = /^(?:<\?php\n)?\/\*[\s\S]*?\*\/|^(?:#.*\n)+/;
const COMMAND = /^(?: \*|#) {3}(\S.*)$/gm;

/** All files, by path below examples/. */
export const exampleFiles: readonly string[] = readdirSync(folder, {
  recursive: true,
  withFileTypes: true,
})
  .filter((entry) => entry.isFile())
  .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  .sort();

/** The head comment of a file, or an empty text. */
export function headOf(file: string): string {
  return HEAD.exec(readFileSync(join(folder, file), 'utf8'))?.[0] ?? '';
}

/** The commands in it, without the `&` of those that go on. */
export function commandsOf(file: string): string[] {
  return [...headOf(file).matchAll(COMMAND)].map(([, command = '']) => command.replace(/ &$/, ''));
}

/** The one of them that starts the file itself. */
export function commandOf(file: string): string {
  const own = commandsOf(file).find((command) => command.includes(`examples/${file}`));
  if (own === undefined) throw new Error(`examples/${file}: its head does not say how to run it`);
  return own;
}
