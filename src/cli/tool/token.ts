/** The token of `--token-file`. Rule: no message contains it. */
import { readFileSync } from 'node:fs';
import type { OptionValues } from '../../option/row.ts';
import { fileReason } from '../../store/file-reason.ts';

const TOKEN = /^[\x21-\x7e]{16,256}$/;

/** Throws Error that names the file. Null when none was given. */
export function tokenOf(values: OptionValues): string | null {
  const path = values.tokenFile as string | null;
  if (path === null) return null;
  const token = read(path).split('\n', 1)[0]?.trim() ?? '';
  if (TOKEN.test(token)) return token;
  throw new Error(
    `option --token-file: read ${path}: its first line is not a token of 16 to 256 characters`,
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`option --token-file: read ${path}: ${fileReason(error)}`, { cause: error });
  }
}
