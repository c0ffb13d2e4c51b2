/**
 * Finds programs by PATH only; other places do not count. The system folders beside those of PATH count too, because
 * PATH of an ordinary user leaves them out.
 */
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const folders = (): string[] => (process.env.PATH ?? '').split(delimiter).filter(Boolean);

/** Path of a program on PATH, or in the `sbin` beside one of its folders; null where there is none. */
export function findProgram(name: string): string | null {
  const places = [...folders(), ...folders().map((folder) => join(dirname(folder), 'sbin'))];
  return places.map((folder) => join(folder, name)).find(existsSync) ?? null;
}

/** As `findProgram`, for those of PostgreSQL, which Debian keeps beside its `bin`; the latest version. */
export function findPostgresProgram(name: string): string | null {
  for (const parent of new Set(folders().map((folder) => dirname(folder)))) {
    const versioned = join(parent, 'lib', 'postgresql');
    if (!existsSync(versioned)) continue;
    const versions = readdirSync(versioned).sort((a, b) => Number(b) - Number(a));
    const paths = versions.map((version) => join(versioned, version, 'bin', name));
    const found = paths.find(existsSync);
    if (found !== undefined) return found;
  }
  return findProgram(name);
}
