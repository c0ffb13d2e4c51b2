/**
 * What a server reads from files that may change while it runs: certificates, keys and tokens. Read with the server or
 * before it, by a user who may, and again when it is asked to. Rule: all of it is good, or nothing changes.
 */
import { type Logger, LogLevel } from '../base/logger.ts';
import type { TokenHash } from '../shard/token-table.ts';
import type { TlsMaterial } from '../transport/tls/material.ts';
import { usesTls } from '../transport/tls/options.ts';
import { ControlTokenError, readControlToken } from './control-token.ts';
import type { ResolvedOptions } from './options.ts';
import { certificateWarnings, readTlsFiles, TlsFileError } from './tls-files.ts';
import { readTokenFile, TokenFileError } from './token-file.ts';

/** Everything that was read at one time. */
export interface SecretFiles {
  /** Null when no address is served with TLS. */
  readonly tls: TlsMaterial | null;
  /** Null when tokens mean nothing. */
  readonly tokens: readonly TokenHash[] | null;
  /** Null without a control port, and when it asks for none. */
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

/** Whether a file of a secret is what is wrong. */
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

  /** `files` were read before; without them the errors of readSecretFiles. */
  constructor(options: ResolvedOptions, log: Logger, files = readSecretFiles(options)) {
    this.#options = options;
    this.#log = log;
    this.#files = files;
    this.#warn();
  }

  /** Throws as readSecretFiles does; then what was read before stays. */
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

  /** Which files were read, in words. */
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
