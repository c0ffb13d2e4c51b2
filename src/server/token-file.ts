/**
 * Reads the file of `--token-file`: one token a line, with its name. Rule: no message contains a token; only its hash
 * is kept.
 *
 *   # comment
 *   NAME TOKEN
 *   NAME sha256:HEX      printf %s "$TOKEN" | sha256sum
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { TokenHash } from '../shard/token-table.ts';
import { readReason } from '../store/file-reason.ts';

const TOKEN = /^[\x21-\x7e]{16,256}$/;
const NAME = /^[\w.-]{1,64}$/;
const HASH = /^sha256:([0-9a-f]{64})$/i;

/** The token file is unusable. `code` is `ERR_GEARMAN_TOKENS`. */
export class TokenFileError extends Error {
  override readonly name = 'TokenFileError';
  readonly code = 'ERR_GEARMAN_TOKENS';

  constructor(file: string, reason: string, cause?: unknown) {
    super(`--token-file ${file}: ${reason}`, { cause });
  }
}

/** Throws TokenFileError. */
export function readTokenFile(file: string): TokenHash[] {
  const tokens: TokenHash[] = [];
  for (const [i, line] of read(file).split('\n').entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '' || words[0]?.startsWith('#')) continue;
    const [name, token, ...rest] = words as [string, string | undefined];
    const where = `line ${i + 1}`;
    if (token === undefined || rest.length > 0)
      throw new TokenFileError(file, `${where} is not NAME TOKEN`);
    if (!NAME.test(name))
      throw new TokenFileError(
        file,
        `${where}: a name has 1 to 64 letters, digits, ".", "_" and "-"`,
      );
    const hash = HASH.exec(token)?.[1];
    if (hash === undefined && !TOKEN.test(token))
      throw new TokenFileError(
        file,
        `${where}: a token has 16 to 256 characters of ASCII, no blanks`,
      );
    tokens.push({ name, sha256: hash?.toLowerCase() ?? sha256Of(token) });
  }
  if (tokens.length === 0) throw new TokenFileError(file, 'there is no token in it');
  return tokens;
}

function sha256Of(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new TokenFileError(file, readReason(error), error);
  }
}
