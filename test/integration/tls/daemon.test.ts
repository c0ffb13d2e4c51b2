/** TLS of the command gearmand: its files at start, in --check-config and on SIGHUP. */
import { copyFileSync } from 'node:fs';
import { afterAll, beforeAll, expect } from 'vitest';
import { Authority, itTls as test } from '../../support/certificates.ts';
import { freePort } from '../../support/free-port.mjs';
import { scratch, start, useScratch } from '../daemon/command.ts';
import { ask, connectSecurely } from './peers.ts';

useScratch();
let ours: Authority;
let others: Authority;
beforeAll(() => {
  ours = new Authority();
  others = new Authority('Others');
  ours.sign('server', 'localhost');
  others.sign('server', 'localhost');
});
afterAll(() => {
  ours.remove();
  others.remove();
});

const files = (cert: string, key: string) => [`--ssl-certificate=${cert}`, `--ssl-key=${key}`];

test.each([[[]], [['--check-config']]])(
  'a file that is missing refuses to start %j',
  async (words) => {
    const run = start(['--ssl', ...files('/no/such.pem', ours.file('server.key')), ...words]);
    expect((await run.ended).code).toBe(1);
    expect(run.stderr()).toContain(
      '--ssl-certificate /no/such.pem: cannot be read: there is no such file or folder (ENOENT)',
    );
    expect(run.stdout()).toBe('');
  },
);

test('--check-config says what would be used', async () => {
  const [cert, key] = [ours.file('server.pem'), ours.file('server.key')];
  const env = { GEARMAND_SERVER_PEM: cert, GEARMAND_SERVER_KEY: key };
  const run = start(['--ssl', '--check-config', '-L', 'tls://127.0.0.1:4731'], { env });
  expect((await run.ended).code).toBe(0);
  expect(run.stdout()).toContain('listen = tls://127.0.0.1:4731 (command line)');
  expect(run.stdout()).toContain(`ssl-certificate = ${cert} (GEARMAND_SERVER_PEM)`);
});

test.each(['0', '2'])(
  'SIGHUP reads certificates again and drops nobody, -t %s',
  async (threads) => {
    const [cert, key] = [scratch('now.pem'), scratch('now.key')];
    copyFileSync(ours.file('server.pem'), cert);
    copyFileSync(ours.file('server.key'), key);
    const port = await freePort();
    const words = ['-t', threads, '-L', `127.0.0.1:${port}`, '--verbose', 'NOTICE', '--ssl'];
    const run = start([...words, ...files(cert, key)]);
    await run.until(/listening on tls:\/\/127\.0\.0\.1/);
    const before = await connectSecurely(port, { ca: ours.read('ca.pem') });
    expect(await ask(before, 'version')).toMatch(/^OK/);

    copyFileSync(others.file('server.pem'), cert);
    run.kill('SIGHUP');
    await run.until(/SIGHUP: --ssl-key .*: is not the key of .*; the files in use stay/);
    (await connectSecurely(port, { ca: ours.read('ca.pem') })).destroy();

    copyFileSync(others.file('server.key'), key);
    run.kill('SIGHUP');
    await run.until(/the files of TLS were read again/);
    (await connectSecurely(port, { ca: others.read('ca.pem') })).destroy();
    expect(await ask(before, 'version')).toMatch(/^OK/);
    before.destroy();
  },
);

test('options of sockets that the TypeScript core cannot set are told once', async () => {
  const words = ['--keepalive-idle=9', '--keepalive-interval=5', '--keepalive-count=-1'];
  const run = start(['-L', '127.0.0.1:0', '--tcp-user-timeout=5', ...words, '--verbose=WARNING'], {
    env: { GEARTRAIN_NATIVE: '0' },
  });
  await run.until(/^geartrain /m);
  expect(run.stderr().match(/.*no effect without.*/g)).toEqual([
    expect.stringContaining(
      '] --keepalive-interval, --tcp-user-timeout: no effect without the native core, the system decides',
    ),
  ]);
});
