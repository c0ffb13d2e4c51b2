/**
 * Makes a folder and those above it. Rule: it always returns. Node's own recursive mkdir never returns if the system
 * reports ENOENT below an existing folder, as in /proc.
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const FOLDER_MODE = 0o700;

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Returns the folders that were made, the outermost first. Throws the system's error. */
export function makeFolder(path: string): string[] {
  if (isFolder(path)) return [];
  const parent = dirname(path);
  const made = parent === path ? [] : makeFolder(parent);
  try {
    mkdirSync(path, { mode: FOLDER_MODE });
  } catch (error) {
    // Another process may have made it.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && isFolder(path)) return made;
    throw error;
  }
  return [...made, path];
}
