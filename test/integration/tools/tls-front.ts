/** A job server behind TLS: certificates that a test makes for itself, and a front that passes bytes on in clear. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterAll, beforeAll } from 'vitest';

export interface Certificates {
  /** Path of `cert.pem` or `key.pem`. */
  file(name: string): string;
}

/** Makes a certificate for localhost before the tests of a `describe`, and takes it away behind them. */
export function useCertificates(): Certificates {
  let folder = '';
  const file = (name: string): string => join(folder, name);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'geartrain-tls-'));
    const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const what = ['-x509', '-days', '2', '-subj', '/CN=localhost', '-addext', names];
    const files = ['-keyout', file('key.pem'), '-out', file('cert.pem')];
    execFileSync('openssl', ['req', ...what, ...key, ...files], { stdio: 'ignore' });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return { file };
}

/** Listens with TLS before the server on `port`; `asksClient`: it wants a certificate too. */
export async function tlsFront(
  { file }: Certificates,
  port: number,
  asksClient = false,
): Promise<{ port: number; close(): void }> {
  const settings = {
    key: readFileSync(file('key.pem')),
    cert: readFileSync(file('cert.pem')),
    ca: readFileSync(file('cert.pem')),
    requestCert: asksClient,
    rejectUnauthorized: asksClient,
  };
  const front = createServer(settings, (socket) => {
    const back = connect(port, '127.0.0.1');
    for (const end of [socket, back]) end.on('error', () => undefined);
    socket.pipe(back).pipe(socket);
  });
  front.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  return { port: (front.address() as { port: number }).port, close: () => front.close() };
}
