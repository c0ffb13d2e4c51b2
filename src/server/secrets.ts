/**
 * Files that may change while the server runs: certificates, keys and tokens. They are read when the server is made, or
 * before that by a user who may read them, and again on request. Rule: all of them are valid, or nothing changes.
 */
import { type Logger, LogLevel } from '../base/logger.ts';
import type { TokenHash } from '../shard/token-table.ts';
import type { TlsMaterial } from '../transport/tls/material.ts';
import { usesTls } from '../transport/tls/options.ts';
import { ControlTokenError, readControlToken } from './control-token.ts';
import type { ResolvedOptions } from './options.ts';
import { certificateWarnings, readTlsFiles, TlsFileError } from './tls-files.ts';
import { readTokenFile, TokenFileError } from './token-file.ts';

/** The result of one reading. */
export interface SecretFiles {
  /** Null when no address uses TLS. */
  readonly tls: TlsMaterial | null;
  /** Null when the server has no tokens. */
  readonly tokens: readonly TokenHash[] | null;
  /** Null without a control port, or when it needs no token. */
  readonly controlToken: string | null;
}

/** Throws TlsFileError, TokenFileError and ControlTokenError. */
export function readSecretFiles(options: ResolvedOptions): SecretFiles {
  const { tokenFile, control, controlTokenFile } = options;
  const asksForToken = control !== null && controlTokenFile !== null;
  return {
    tls: usesTls(options) ? readTlsFiles(options) : null,
    tokens: tokenFile === null ? null : readTokenFile(tokenFile),
    controlToken: asksForToken ? readControlToken(controlTokenFile) : null,
  };
}

/** Whether the error is about one of these files. */
export function isSecretFileError(error: unknown): error is Error {
  return (
    error instanceof TlsFileError ||
    error instanceof TokenFileError ||
    error instanceof ControlTokenError
  );
}

export class Secrets {
  readonly #options: ResolvedOptions;
  readonly #log: Logger;
  #files: SecretFiles;

  /** `files`: the result of an earlier reading; without it the constructor throws as readSecretFiles does. */
  constructor(options: ResolvedOptions, log: Logger, files = readSecretFiles(options)) {
    this.#options = options;
    this.#log = log;
    this.#files = files;
    this.#warn();
  }

  /** Reads the files again. Throws like readSecretFiles; then the earlier result stays in use. */
  read(): void {
    this.#files = readSecretFiles(this.#options);
    this.#warn();
  }

  get tls(): TlsMaterial | null {
    return this.#files.tls;
  }

  get tokens(): readonly TokenHash[] | null {
    return this.#files.tokens;
  }

  get controlToken(): string | null {
    return this.#files.controlToken;
  }

  /** The kinds of files that were read, in words. */
  get kinds(): string {
    const kinds = [
      this.tls === null ? [] : ['TLS'],
      this.tokens === null ? [] : ['tokens'],
      this.controlToken === null ? [] : ['the control port'],
    ];
    return kinds.flat().join(' and ');
  }

  #warn(): void {
    if (this.tls === null) return;
    for (const text of certificateWarnings(this.tls, Date.now()))
      this.#log.log(LogLevel.WARNING, text);
  }
}
