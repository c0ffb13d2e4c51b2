/** Reads the file of `--control-token-file`. Rule: no message contains the token. */
import { readFileSync } from 'node:fs';
import { readReason } from '../store/file-reason.ts';

const TOKEN_CHARS_MIN = 16;

/** The token file is unusable. `code` is `ERR_GEARMAN_TOKENS`. */
export class ControlTokenError extends Error {
  override readonly name = 'ControlTokenError';
  readonly code = 'ERR_GEARMAN_TOKENS';

  constructor(file: string, reason: string, cause?: unknown) {
    super(`--control-token-file ${file}: ${reason}`, { cause });
  }
}

/** Throws ControlTokenError. */
export function readControlToken(file: string): string {
  const text = read(file);
  if (text.length >= TOKEN_CHARS_MIN && !/\s/.test(text)) return text;
  throw new ControlTokenError(
    file,
    `it has ${text.length} characters, needed are at least ${TOKEN_CHARS_MIN} without blanks`,
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new ControlTokenError(file, readReason(error), error);
  }
}
