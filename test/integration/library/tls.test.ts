/** TLS of the library against a node:tls server that stands before a job server. Certificates are verified by default. */
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from '../../../dist/index.js';
import type { Server } from '../../../src/index.ts';
import { LibraryYard } from '../../support/library.ts';

const yard = new LibraryYard();
const read = (name: string): Buffer =>
  readFileSync(new URL(`../../support/tls/${name}`, import.meta.url));
const ca = read('localhost.crt');

describe('TLS', () => {
  let server: Server;
  let front: TlsServer;
  let port = 0;
  beforeAll(async () => {
    server = createServer({ host: '127.0.0.1', port: 0 });
    await server.listen();
    const target = (server.address as { port: number }).port;
    front = createTlsServer({ key: read('localhost.key'), cert: ca }, (socket) => {
      const plain = connect(target, '127.0.0.1');
      socket.pipe(plain).pipe(socket);
      for (const [one, other] of [
        [socket, plain],
        [plain, socket],
      ] as const) {
        one.on('error', () => undefined);
        one.on('close', () => other.destroy());
      }
    });
    front.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    port = (front.address() as AddressInfo).port;
  });
  afterAll(async () => {
    await new Promise((resolve) => front.close(resolve));
    await server.close();
  });

  it('carries jobs of a client and worker that know the certificate', async () => {
    const options = { servers: [`localhost:${port}`], tls: { ca } };
    const worker = yard.worker(options);
    worker.add('echo', (job) => job.data);
    await worker.start();
    const client = yard.client(options);
    const big = new Uint8Array(3 << 20).fill(9);
    expect(await client.submit('echo', 'secret').text()).toBe('secret');
    expect(Buffer.compare(await client.submit('echo', big), big)).toBe(0);
  });

  it.each([
    ['a certificate that nobody signed', 'localhost', true, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['a certificate of another name', '127.0.0.1', { ca }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const)('refuses %s, and sends nothing', async (_what, host, tls, code) => {
    const client = yard.client({ servers: [`${host}:${port}`], tls, whenOffline: 'fail' });
    await expect(client.submit('echo', 'secret')).rejects.toMatchObject({
      code: 'ERR_GEARMAN_OFFLINE',
      cause: { code: 'ERR_GEARMAN_CONNECT', cause: { code } },
    });
  });

  it('says what is wrong with a server that speaks no TLS', async () => {
    const { port: plain } = server.address as { port: number };
    const client = yard.client({
      servers: [`localhost:${plain}`],
      tls: { ca, minVersion: 'TLSv1.2' },
      whenOffline: 'fail',
      connectTimeoutMs: 2000,
    });
    await expect(client.connect()).rejects.toMatchObject({ code: 'ERR_GEARMAN_OFFLINE' });
  });
});
