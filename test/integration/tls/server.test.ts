/** TLS of the server against openssl, node:tls and the library: who is served, who is refused, and what is said of it. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { createServer } from '../../../dist/index.js';
import type { Server, ServerOptions } from '../../../src/index.ts';
import { Authority, describeTls as describe, itTls as it } from '../../support/certificates.ts';
import { LibraryYard } from '../../support/library.ts';
import { ask, connectSecurely, endingOf, sayPlain, sClient } from './peers.ts';

const yard = new LibraryYard();
const servers = new Set<Server>();
const lines: string[] = [];
let ours: Authority;
let strangers: Authority;

beforeAll(() => {
  ours = new Authority();
  strangers = new Authority('Strangers');
  ours.sign('server', 'localhost');
  ours.sign('client', 'billing');
  strangers.sign('client', 'billing');
});
afterEach(async () => {
  await Promise.all([...servers].map((server) => server.close()));
  servers.clear();
  lines.length = 0;
});
afterAll(() => {
  ours.remove();
  strangers.remove();
});

const log = { level: 7, log: (_level: number, text: string) => void lines.push(text) };

async function serve(options: ServerOptions = {}): Promise<{ server: Server; port: number }> {
  const server = createServer({
    listen: 'tls://127.0.0.1:0',
    sslCertificate: ours.file('server.pem'),
    sslKey: ours.file('server.key'),
    logger: log,
    ...options,
  });
  servers.add(server);
  await server.listen();
  return { server, port: (server.address as { port: number }).port };
}

const ca = (): Buffer => ours.read('ca.pem');
const client = (from: Authority) => ({
  ca: ca(),
  cert: from.read('client.pem'),
  key: from.read('client.key'),
});

/** Resolves as soon as a line was logged that matches. */
async function untilLogged(pattern: RegExp): Promise<string> {
  for (;;) {
    const line = lines.find((text) => pattern.test(text));
    if (line !== undefined) return line;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe.each([0, 2])('with threads: %i', (threads) => {
  it('carries jobs of any size in both directions', async () => {
    const { port } = await serve({ threads });
    const options = { servers: [`localhost:${port}`], tls: { ca: ca() } };
    const worker = yard.worker(options);
    worker.add('echo', (job) => job.data);
    await worker.start();
    const submitter = yard.client(options);
    const big = new Uint8Array(8 << 20).map((_, i) => i % 251);
    expect(await submitter.submit('echo', 'secret').text()).toBe('secret');
    expect(Buffer.compare(await submitter.submit('echo', big), big)).toBe(0);
  });

  it('serves plain peers beside, and shows them the same jobs', async () => {
    const { server, port } = await serve({
      threads,
      listen: ['tls://127.0.0.1:0', 'tcp://127.0.0.1:0'],
      ssl: true,
    });
    const [secure, plain] = server.addresses as readonly {
      readonly port: number;
      readonly isSecure?: boolean;
    }[];
    expect([secure?.isSecure, plain?.isSecure]).toEqual([true, undefined]);
    const worker = yard.worker({ servers: [`127.0.0.1:${plain?.port}`] });
    worker.add('reverse', async (job) => [...(await job.text())].reverse().join(''));
    await worker.start();
    const submitter = yard.client({ servers: [`localhost:${port}`], tls: { ca: ca() } });
    expect(await submitter.submit('reverse', 'abc').text()).toBe('cba');
  });

  it('resumes sessions of TLS 1.2 and 1.3, in any thread', async () => {
    const { port } = await serve({ threads });
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      let session: Buffer | undefined;
      const resumed: boolean[] = [];
      for (let i = 0; i < 3; i++) {
        const socket = await connectSecurely(port, { ca: ca(), maxVersion, session });
        resumed.push(socket.isSessionReused());
        socket.on('session', (ticket) => {
          session = ticket;
        });
        await ask(socket, 'version');
        session ??= socket.getSession();
        socket.destroy();
      }
      expect([maxVersion, ...resumed]).toEqual([maxVersion, false, true, true]);
    }
  });

  it('ends with its peers, also those in their handshake', async () => {
    const { server, port } = await serve({ threads });
    const socket = await connectSecurely(port, { ca: ca() });
    await ask(socket, 'version');
    const halfOpen = connect(port, '127.0.0.1');
    const ends = Promise.all([endingOf(socket), endingOf(halfOpen)]);
    halfOpen.write(Buffer.from([22, 3, 1]));
    await server.close();
    expect((await ends)[0].error).toBe(null);
  });
});

it('answers openssl s_client, whose certificate check passes', async () => {
  const { port } = await serve();
  const verify = ['-CAfile', ours.certificate, '-verify_return_error'];
  const { stdout } = await sClient(port, verify, 'version\n');
  expect(stdout).toMatch(/^OK 2\.0\.0\+geartrain/);
});

it('sends the certificates that complete its chain', async () => {
  const middle = new Authority('Middle');
  const signed = ours.sign('middle', 'unused');
  // The middle authority's own certificate, signed by ours, with the right to sign.
  execFileSync('openssl', [
    'req',
    '-new',
    '-key',
    middle.file('ca.key'),
    '-subj',
    '/CN=Middle',
    '-out',
    middle.file('m.csr'),
  ]);
  writeFileSync(middle.file('ext'), 'basicConstraints=critical,CA:true');
  execFileSync(
    'openssl',
    [
      'x509',
      '-req',
      '-in',
      middle.file('m.csr'),
      '-CA',
      ours.certificate,
      '-CAkey',
      ours.file('ca.key'),
      '-CAcreateserial',
      '-extfile',
      middle.file('ext'),
      '-days',
      '2',
      '-out',
      middle.file('m.pem'),
    ],
    { stdio: 'ignore' },
  );
  const { cert, key } = middle.sign('server', 'localhost');
  const { port } = await serve({
    sslCertificate: cert,
    sslKey: key,
    sslCaFile: middle.file('m.pem'),
  });
  const socket = await connectSecurely(port, { ca: ca() });
  expect(socket.authorized).toBe(true);
  socket.destroy();
  expect(signed.cert).toContain('middle');
  middle.remove();
});

describe('peers that are refused', () => {
  it.each([
    ['Gearman', '\0REQ\0\0\0\x10\0\0\0\0', 'Gearman in clear text'],
    ['a text command', 'status\n', 'a text command or HTTP in clear text'],
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n', 'a text command or HTTP in clear text'],
    ['noise', '\xff\xfe\xfd', 'bytes that are no TLS'],
    [
      'a ClientHello in pieces',
      '\x16\x03\x01\0\x04\x01\0\x01\0',
      'a ClientHello in several records',
    ],
  ])('%s in clear text gets a clean end, and a line says why', async (_what, bytes, reason) => {
    const { server, port } = await serve();
    expect(await sayPlain(port, bytes)).toEqual({ text: '', error: null });
    expect(await untilLogged(/refuse/)).toMatch(
      new RegExp(`^refuse 127\\.0\\.0\\.1:\\d+: ${reason} on a TLS port$`),
    );
    expect((await server.stats()).threads[0]?.incidents).toEqual({ not_tls: 1 });
  });

  it('a handshake that is nonsense', async () => {
    const { port } = await serve();
    const noise = Buffer.concat([
      Buffer.from([22, 3, 1, 0, 100, 1, 0, 0, 96]),
      Buffer.alloc(96, 7),
    ]);
    await sayPlain(port, noise);
    expect(await untilLogged(/refuse/)).toContain('length mismatch');
  });

  it.each([
    ['says why', ['-verify_return_error'], /alert unknown ca/],
    ['leaves without a word', null, /the peer left in its TLS handshake/],
  ])('one who does not trust the certificate and %s, at once', async (_how, words, reason) => {
    // Longer than the test.
    const { server, port } = await serve({ handshakeTimeout: 600 });
    if (words !== null) await sClient(port, words, '');
    else await expect(connectSecurely(port, {})).rejects.toThrow(/certificate/);
    expect(await untilLogged(/refuse/)).toMatch(reason);
    expect((await server.stats()).threads[0]?.incidents).toEqual({ handshake_failed: 1 });
  });

  it('an old version of TLS', async () => {
    const { port } = await serve({ tlsMinVersion: '1.3' });
    await expect(connectSecurely(port, { ca: ca(), maxVersion: 'TLSv1.2' })).rejects.toThrow();
    expect(await untilLogged(/refuse/)).toMatch(/unsupported protocol/);
  });

  it('one who does not shake hands in time', async () => {
    const { port } = await serve({ handshakeTimeout: 1 });
    const begun = performance.now();
    await sayPlain(port, '\x16\x03');
    expect(performance.now() - begun).toBeGreaterThan(900);
    expect(await untilLogged(/refuse/)).toContain('no TLS handshake within 1 s');
  });

  it('the oldest of too many that do not shake hands', async () => {
    const { server, port } = await serve({ maxHandshakes: 3 });
    const silent = Array.from({ length: 5 }, () => connect(port, '127.0.0.1'));
    const first = await Promise.race(silent.map((socket, i) => endingOf(socket).then(() => i)));
    expect(first).toBeLessThan(3);
    expect(await untilLogged(/refuse/)).toContain('3 TLS handshakes are open, the limit');
    const served = await connectSecurely(port, { ca: ca() });
    expect(await ask(served, 'version')).toMatch(/^OK/);
    for (const socket of [...silent, served]) socket.destroy();
    expect((await server.stats()).threads[0]?.incidents.handshake_limit).toBeGreaterThan(0);
  });
});

describe('certificates of clients', () => {
  const isServed = async (port: number, options: object): Promise<boolean> => {
    try {
      const socket = await connectSecurely(port, { ca: ca(), ...options });
      const answer = await ask(socket, 'version').catch(() => '');
      socket.destroy();
      return answer.startsWith('OK');
    } catch {
      return false;
    }
  };

  it.each([
    ['required', false, true, false],
    ['optional', true, true, false],
  ] as const)('%s', async (tlsClientAuth, without, withOurs, withStrangers) => {
    const { port } = await serve({ tlsClientCa: ours.certificate, tlsClientAuth });
    expect(await isServed(port, {})).toBe(without);
    expect(await isServed(port, client(ours))).toBe(withOurs);
    expect(await isServed(port, client(strangers))).toBe(withStrangers);
    expect(await untilLogged(/refuse/)).toMatch(/certificate of the client: /);
  });

  it('are remembered by a session that is resumed', async () => {
    const { port } = await serve({ tlsClientCa: ours.certificate });
    const first = await connectSecurely(port, { ...client(ours), maxVersion: 'TLSv1.2' });
    await ask(first, 'version');
    const session = first.getSession();
    first.destroy();
    const second = await connectSecurely(port, { ca: ca(), session, maxVersion: 'TLSv1.2' });
    expect(second.isSessionReused()).toBe(true);
    expect(await ask(second, 'version')).toMatch(/^OK/);
    second.destroy();
  });
});

describe('files', () => {
  const start = (options: ServerOptions) => () =>
    createServer({
      ssl: true,
      sslCertificate: ours.file('server.pem'),
      sslKey: ours.file('server.key'),
      ...options,
    });

  it.each([
    [
      'a missing certificate',
      { sslCertificate: '/no/such.pem' },
      '--ssl-certificate /no/such.pem: cannot be read: there is no such file or folder (ENOENT)',
    ],
    [
      'a missing key',
      { sslKey: '/no/such.key' },
      '--ssl-key /no/such.key: cannot be read: there is no such file or folder (ENOENT)',
    ],
    [
      'a missing list of authorities',
      { tlsClientCa: '/no/ca.pem' },
      '--tls-client-ca /no/ca.pem: cannot be read: there is no such file or folder (ENOENT)',
    ],
  ])('%s keeps the server from being made', (_what, options, text) => {
    expect(start(options)).toThrow(
      expect.objectContaining({ code: 'ERR_GEARMAN_TLS', message: text }),
    );
  });

  it('that are broken or do not fit keep the server from being made', () => {
    const bad = ours.file('bad.pem');
    writeFileSync(bad, readFileSync(ours.file('server.pem'), 'latin1').replace('MII', 'xxx'));
    expect(start({ sslCertificate: bad })).toThrow(/certificate 1 is broken/);
    expect(start({ sslCertificate: ours.file('server.key') })).toThrow(/no PEM certificate in it/);
    expect(start({ sslKey: ours.file('server.pem') })).toThrow(/no private key/);
    expect(start({ sslKey: ours.file('client.key') })).toThrow(/is not the key of/);
    execFileSync(
      'openssl',
      ['ec', '-in', ours.file('server.key'), '-aes128', '-passout', 'pass:secret', '-out', bad],
      { stdio: 'ignore' },
    );
    expect(start({ sslKey: bad })).toThrow(/the key is encrypted/);
  });

  it('are read again by reload(), and connections go on', async () => {
    const [cert, key] = [ours.file('now.pem'), ours.file('now.key')];
    copyFileSync(ours.file('server.pem'), cert);
    copyFileSync(ours.file('server.key'), key);
    const { server, port } = await serve({ sslCertificate: cert, sslKey: key, threads: 1 });
    const before = await connectSecurely(port, { ca: ca() });
    await ask(before, 'version');
    strangers.sign('server', 'localhost');
    copyFileSync(strangers.file('server.pem'), cert);
    expect(() => server.reload()).toThrow(/is not the key of/);
    await connectSecurely(port, { ca: ca() }).then((socket) => socket.destroy());
    copyFileSync(strangers.file('server.key'), key);
    server.reload();
    // The shard hears of it by a message.
    for (;;) {
      try {
        const after = await connectSecurely(port, { ca: strangers.read('ca.pem') });
        after.destroy();
        break;
      } catch {}
    }
    expect(await ask(before, 'version')).toMatch(/^OK/);
    before.destroy();
  });
});
