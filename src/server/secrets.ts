/**
 * What a server reads from files that may change while it runs: certificates and keys. Read with the server, and again
 * when it is asked to. Rule: all of it is good, or nothing changes.
 */
import { type Logger, LogLevel } from '../base/logger.ts';
import type { TlsMaterial } from '../transport/tls/material.ts';
import { usesTls } from './options/tls-rows.ts';
import type { ResolvedOptions } from './options.ts';
import { certificateWarnings, readTlsFiles } from './tls-files.ts';

export class Secrets {
  readonly #options: ResolvedOptions;
  readonly #log: Logger;
  /** Null when no address is served with TLS. */
  tls: TlsMaterial | null = null;

  /** Throws TlsFileError. */
  constructor(options: ResolvedOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.read();
  }

  /** Throws TlsFileError; then what was read before stays. */
  read(): void {
    if (usesTls({ ...this.#options })) this.tls = this.#readTls();
  }

  #readTls(): TlsMaterial {
    const material = readTlsFiles(this.#options);
    for (const text of certificateWarnings(material, Date.now()))
      this.#log.log(LogLevel.WARNING, text);
    return material;
  }
}
