/**
 * What a server reads from files that may change while it runs: certificates, keys and tokens. Read with the server, and again
 * when it is asked to. Rule: all of it is good, or nothing changes.
 */
import { type Logger, LogLevel } from '../base/logger.ts';
import type { TokenHash } from '../shard/token-table.ts';
import type { TlsMaterial } from '../transport/tls/material.ts';
import { usesTls } from './options/tls-rows.ts';
import type { ResolvedOptions } from './options.ts';
import { certificateWarnings, readTlsFiles } from './tls-files.ts';
import { readTokenFile } from './token-file.ts';

export class Secrets {
  readonly #options: ResolvedOptions;
  readonly #log: Logger;
  /** Null when no address is served with TLS. */
  tls: TlsMaterial | null = null;
  /** Null when tokens mean nothing. */
  tokens: readonly TokenHash[] | null = null;

  /** Throws TlsFileError and TokenFileError. */
  constructor(options: ResolvedOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.read();
  }

  /** The same errors; then what was read before stays. */
  read(): void {
    const { tokenFile } = this.#options;
    const tls = usesTls({ ...this.#options }) ? this.#readTls() : null;
    const tokens = tokenFile === null ? null : readTokenFile(tokenFile);
    this.tls = tls;
    this.tokens = tokens;
  }

  /** Which files were read, in words. */
  get kinds(): string {
    const kinds = [this.tls === null ? [] : ['TLS'], this.tokens === null ? [] : ['tokens']];
    return kinds.flat().join(' and ');
  }

  #readTls(): TlsMaterial {
    const material = readTlsFiles(this.#options);
    for (const text of certificateWarnings(material, Date.now()))
      this.#log.log(LogLevel.WARNING, text);
    return material;
  }
}
