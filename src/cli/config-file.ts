/**
 * gearmand's config file: plain words of a command line between blanks, LF or CR. A tab is part of a word; there are
 * no quotes and no comments, but words that are no options have no effect.
 */
import { readFileSync } from 'node:fs';

/** Bytes of a file as Latin-1, or UTF-8 text; throws the system's error. */
export type ReadFile = (path: string) => string;

const readUtf8: ReadFile = (path) => readFileSync(path, 'utf8');

/** The words in the text of a config file. */
export function splitWords(text: string): string[] {
  return text.split(/[ \r\n]+/).filter((word) => word !== '');
}

/**
 * Words of a config file. A missing file has none unless it was asked for (`isRequired`); every other failure, and a
 * missing file that is required, throws Error with what was tried.
 */
export function readConfigFile(path: string, isRequired: boolean, read = readUtf8): string[] {
  try {
    return splitWords(read(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !isRequired) return [];
    throw new Error(`read the config file ${path}: ${code ?? message}`, { cause: error });
  }
}
