/** The commands gearman and gearadmin against TLS and rules of access of our own server. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect } from 'vitest';
import { createServer } from '../../../dist/index.js';
import type { Server } from '../../../src/index.ts';
import { Authority, itTls as it } from '../../support/certificates.ts';

const TOKEN = 'operator-token-0123456789';
let ours: Authority;
let server: Server;
let port = 0;

beforeAll(async () => {
  ours = new Authority();
  ours.sign('server', 'localhost');
  ours.sign('client', 'web-1');
  writeFileSync(ours.file('tokens'), `ops ${TOKEN}\n`);
  writeFileSync(ours.file('token'), `${TOKEN}\n`);
  writeFileSync(ours.file('wrong'), `${'x'.repeat(20)}\n`);
  server = createServer({
    listen: 'tls://127.0.0.1:0',
    sslCertificate: ours.file('server.pem'),
    sslKey: ours.file('server.key'),
    tlsClientCa: ours.certificate,
    tlsClientAuth: 'optional',
    tokenFile: ours.file('tokens'),
    allow: ['any=submit:public', 'token:ops=admin', 'cert:web-*=submit,work'],
  });
  await server.listen();
  port = (server.address as { port: number }).port;
});
afterAll(async () => {
  await server.close();
  ours.remove();
});

interface End {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(tool: 'gearman' | 'gearadmin', ...words: string[]): Promise<End> {
  const path = fileURLToPath(new URL(join('../../../dist/cli', `${tool}.js`), import.meta.url));
  const argv = [path, '-h', 'localhost', '-p', `${port}`, ...words];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, argv, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end();
  });
}

const secure = () => ['-S', '--tls-ca', ours.certificate];
const known = () => ['--tls-cert', ours.file('client.pem'), '--tls-key', ours.file('client.key')];

it('gearadmin verifies the server, unless told otherwise, and shows its token', async () => {
  const token = ['--token-file', ours.file('token')];
  const good = await run('gearadmin', ...secure(), ...token, '--server-version');
  expect([good.code, good.stdout]).toEqual([0, expect.stringMatching(/^2\.0\.0\+geartrain/)]);
  const stranger = await run('gearadmin', '-S', ...token, '--server-version');
  expect([stranger.code, stranger.stderr]).toEqual([
    1,
    expect.stringMatching(/certificate|verify/i),
  ]);
  const trusting = await run('gearadmin', '--tls-insecure', ...token, '--server-version');
  expect(trusting.code).toBe(0);
});

it('gearadmin says that its token is not known, or that it may not', async () => {
  const wrong = await run('gearadmin', ...secure(), '--token-file', ours.file('wrong'), '--status');
  expect([wrong.code, wrong.stderr]).toEqual([
    1,
    expect.stringContaining('does not know the token'),
  ]);
  const nobody = await run('gearadmin', ...secure(), '--status');
  expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining('NOT_ALLOWED')]);
  const missing = await run('gearadmin', ...secure(), '--token-file', '/no/such', '--status');
  expect([missing.code, missing.stderr]).toEqual([
    1,
    expect.stringContaining('read /no/such: there is no such file'),
  ]);
});

it('gearman works and submits by certificate, and is refused without', async () => {
  const worker = run(
    'gearman',
    ...secure(),
    ...known(),
    '-w',
    '-c',
    '1',
    '-f',
    'shout',
    '--',
    'tr',
    'a-z',
    'A-Z',
  );
  const good = await run('gearman', ...secure(), ...known(), '-f', 'shout', 'hello');
  expect([good.code, good.stdout]).toEqual([0, 'HELLO']);
  expect((await worker).code).toBe(0);
  const refused = await run('gearman', ...secure(), '-f', 'shout', 'hello');
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('NOT_ALLOWED')]);
});
