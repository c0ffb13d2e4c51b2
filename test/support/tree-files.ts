/** The files of the source tree, without those that a build, an installation or a run makes. No git is needed. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './markdown.ts';

const MADE = /(^|\/)(node_modules|dist|build|prebuilds|coverage|results)(\/|$)/;

/** Paths, relative to the root, of all files in `places`: folders and files. */
export function filesIn(...places: string[]): string[] {
  return places.flatMap((place) => {
    if (statSync(join(root, place)).isFile()) return [place];
    return readdirSync(join(root, place), { recursive: true, encoding: 'utf8' })
      .map((name) => `${place}/${name}`)
      .filter((path) => !MADE.test(path) && statSync(join(root, path)).isFile());
  });
}
