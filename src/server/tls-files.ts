/**
 * Reads the files of the TLS options for the threads. Rule: every error in a file is found here, before anything
 * listens and before certificates in use are replaced, and is reported with the option, the file and the reason.
 */

import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readReason } from '../store/file-reason.ts';
import { contextOf, type TlsMaterial } from '../transport/tls/material.ts';
import type { ResolvedOptions } from './options.ts';

const TICKET_KEYS_BYTES = 48;
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** A TLS file is unusable. `code` is `ERR_GEARMAN_TLS`. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError';
  readonly code = 'ERR_GEARMAN_TLS';

  constructor(option: string, file: string, reason: string, cause?: unknown) {
    super(`--${option} ${file}: ${reason}`, { cause });
  }
}

/**
 * Reads and checks all files. Throws TlsFileError. Makes new keys for session tickets, so earlier sessions cannot be
 * resumed.
 */
export function readTlsFiles(options: ResolvedOptions): TlsMaterial {
  const { sslCertificate, sslKey, sslCaFile, tlsClientCa, tlsClientAuth, tlsMinVersion } = options;
  const own = readCertificates('ssl-certificate', sslCertificate);
  const key = readKey('ssl-key', sslKey);
  const leaf = own[0] as X509Certificate;
  if (!leaf.checkPrivateKey(createPrivateKey(key)))
    throw new TlsFileError('ssl-key', sslKey, `is not the key of ${sslCertificate}`);
  const others = sslCaFile === null ? [] : readCertificates('ssl-ca-file', sslCaFile);
  const clientCa = tlsClientCa === null ? null : readCertificates('tls-client-ca', tlsClientCa);
  const material: TlsMaterial = {
    cert: complete(own, others).map(String).join(''),
    key,
    clientCa: clientCa === null ? null : clientCa.map(String).join(''),
    isClientCertRequired: tlsClientAuth === 'required',
    minVersion: tlsMinVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
    ticketKeys: randomBytes(TICKET_KEYS_BYTES),
  };
  try {
    contextOf(material);
  } catch (error) {
    throw new TlsFileError('ssl-certificate', sslCertificate, reasonOf(error), error);
  }
  return material;
}

/** Warnings about certificates that are expired or not valid yet. */
export function certificateWarnings(material: TlsMaterial, nowMs: number): string[] {
  const { subject, validFrom, validTo } = new X509Certificate(material.cert);
  const name = subject.replaceAll('\n', ', ');
  if (nowMs > Date.parse(validTo)) return [`the certificate ${name} has expired on ${validTo}`];
  if (nowMs < Date.parse(validFrom))
    return [`the certificate ${name} is not valid before ${validFrom}`];
  return [];
}

function readCertificates(option: string, file: string): X509Certificate[] {
  const blocks = read(option, file).match(BLOCK) ?? [];
  if (blocks.length === 0)
    throw new TlsFileError(option, file, 'there is no PEM certificate in it');
  return blocks.map((block, i) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw new TlsFileError(
        option,
        file,
        `certificate ${i + 1} is broken: ${reasonOf(error)}`,
        error,
      );
    }
  });
}

function readKey(option: string, file: string): string {
  const text = read(option, file);
  try {
    createPrivateKey(text);
  } catch (error) {
    const isEncrypted = text.includes('ENCRYPTED');
    const reason = isEncrypted ? 'the key is encrypted' : `no private key: ${reasonOf(error)}`;
    throw new TlsFileError(option, file, reason, error);
  }
  return text;
}

function read(option: string, file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    throw new TlsFileError(option, file, readReason(error), error);
  }
}

/**
 * The chain of the server: its own certificates, and those of `others` that sign them. Roots are left out, because
 * peers have them.
 */
function complete(own: X509Certificate[], others: readonly X509Certificate[]): X509Certificate[] {
  const chain = [...own];
  for (;;) {
    const last = chain.at(-1) as X509Certificate;
    const next = others.find(
      (other) =>
        !isRoot(other) &&
        !chain.some((one) => one.raw.equals(other.raw)) &&
        last.checkIssued(other),
    );
    if (next === undefined) return chain;
    chain.push(next);
  }
}

function isRoot(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer;
}

/** OpenSSL's words without its codes: `error:0480006C:PEM routines::no start line`. */
function reasonOf(error: unknown): string {
  const { message } = error as Error;
  return message.split('::').at(-1) as string;
}
