/** Certificates that tests make for themselves with openssl: two authorities, servers and clients that they sign. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { requirePeer } from './peers.ts';

/** Whether certificates can be made here; says why not. */
export const hasOpenssl = requirePeer('openssl');
/** `describe` and `it` that are skipped where no certificates can be made. */
export const describeTls = describe.skipIf(!hasOpenssl);
export const itTls = it.skipIf(!hasOpenssl);

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), 'geartrain-ca-'));
  readonly certificate = this.file('ca.pem');

  constructor(name = 'Test authority') {
    const what = ['-x509', '-days', '2', '-subj', `/CN=${name}`];
    openssl('req', ...what, ...KEY, '-keyout', this.file('ca.key'), '-out', this.certificate);
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): Buffer {
    return readFileSync(this.file(name));
  }

  /** Makes NAME.pem and NAME.key for a common name; servers are good for localhost and 127.0.0.1. */
  sign(name: string, commonName: string, days = 2): { cert: string; key: string } {
    const [cert, key] = [this.file(`${name}.pem`), this.file(`${name}.key`)];
    const request = this.file(`${name}.csr`);
    openssl('req', '-new', '-subj', `/CN=${commonName}`, ...KEY, '-keyout', key, '-out', request);
    writeFileSync(this.file('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1');
    const by = ['-CA', this.certificate, '-CAkey', this.file('ca.key'), '-CAcreateserial'];
    const how = ['-days', String(days), '-extfile', this.file('names')];
    openssl('x509', '-req', '-in', request, ...by, ...how, '-out', cert);
    return { cert, key };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function openssl(...argv: string[]): void {
  execFileSync('openssl', argv, { stdio: 'ignore' });
}
