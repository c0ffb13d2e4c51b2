/**
 * TLS options as settings of `node:tls` and of the library. Rule: an unreadable file is reported before connecting.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { OptionValues } from '../../option/row.ts';
import { fileReason } from '../../store/file-reason.ts';

/** Settings of a TLS connection, named as in `node:tls`. */
export interface TlsSettings {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly rejectUnauthorized: boolean;
}

const FILES = [
  { key: 'tlsCa', as: 'ca', label: '--tls-ca', variable: 'GEARMAND_CA_CERTIFICATE' },
  { key: 'tlsCert', as: 'cert', label: '--tls-cert', variable: 'GEARMAN_CLIENT_PEM' },
  { key: 'tlsKey', as: 'key', label: '--tls-key', variable: 'GEARMAN_CLIENT_KEY' },
] as const;

function read(path: string, label: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${label}: read ${path}: ${fileReason(error)}`, { cause: error });
  }
}

/** PEM blocks of certificates; other text around them is a comment. */
const CERTIFICATES =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** Throws for a file without a certificate. OpenSSL ignores such files, so the server would not be verified. */
function checkCertificates(bytes: Buffer, path: string, label: string): void {
  const blocks = bytes.toString('latin1').match(CERTIFICATES) ?? [];
  if (blocks.length === 0) throw new Error(`${label}: read ${path}: it has no certificate in PEM`);
  for (const [i, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch (error) {
      const reason = (error as Error).message;
      throw new Error(`${label}: read ${path}: certificate ${i + 1} is broken: ${reason}`, {
        cause: error,
      });
    }
  }
}

/** TLS settings, or null without TLS. Throws Error that names a file which cannot be read or has other content. */
export function tlsSettings(values: OptionValues, env: NodeJS.ProcessEnv): TlsSettings | null {
  const isOn = values.ssl === true || values.tlsInsecure === true;
  if (!isOn && FILES.every(({ key }) => values[key] === null)) return null;
  const files: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  for (const { key, as, label, variable } of FILES) {
    const given = values[key] as string | null;
    const path = given ?? env[variable];
    if (!path) continue;
    const source = given === null ? variable : `option ${label}`;
    const bytes = read(path, source);
    if (as !== 'key') checkCertificates(bytes, path, source);
    files[as] = bytes;
  }
  return { ...files, rejectUnauthorized: values.tlsInsecure !== true };
}

/** What to try when a server closes the connection before its first answer. */
export function closedHint(tls: TlsSettings | null): string {
  if (tls === null) return 'if it expects TLS, use --ssl';
  return tls.cert === undefined
    ? 'if it asks for a certificate, name one with --tls-cert and --tls-key'
    : 'it may not accept the certificate of --tls-cert';
}
