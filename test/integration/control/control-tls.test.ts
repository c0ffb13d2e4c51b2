/** The control port by HTTPS, with curl: client certificates, tokens, and every refusal. */
import { spawn } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Authority, hasOpenssl } from '../../support/certificates.ts';
import { requirePeer } from '../../support/peers.ts';
import { runToEnd, scratch, startDaemon, useScratch } from '../daemon/command.ts';

const TOKEN = 'a-token-of-more-than-16-characters';

let ours: Authority;
let theirs: Authority;
beforeAll(() => {
  [ours, theirs] = [new Authority(), new Authority('Others')];
  ours.sign('server', 'localhost');
  ours.sign('ops', 'ops-1');
  ours.sign('web', 'web-1');
  theirs.sign('ops', 'ops-1');
});
afterAll(() => {
  ours.remove();
  theirs.remove();
});

const certificate = (authority: Authority, name: string): string[] => [
  ...['--cert', authority.file(`${name}.pem`)],
  ...['--key', authority.file(`${name}.key`)],
];

const tlsWords = (cert = ours.file('server.pem'), key = ours.file('server.key')): string[] => [
  `--ssl-certificate=${cert}`,
  `--ssl-key=${key}`,
  `--tls-client-ca=${ours.certificate}`,
];

/** Starts a daemon whose control port speaks TLS. */
async function serve(words: string[] = [], tls = tlsWords()) {
  const control = '--control=tls://127.0.0.1:0';
  const daemon = await startDaemon([control, '--verbose=WARNING', ...tls, ...words]);
  const port = /control on tls:\/\/127\.0\.0\.1:(\d+)/.exec(daemon.startLine)?.[1];
  return { daemon, url: `https://127.0.0.1:${port}`, port };
}

/** Exit code of curl, HTTP status and body. */
function curl(
  url: string,
  ...args: string[]
): Promise<{ code: number; status: number; body: string }> {
  const words = ['-s', '--max-time', '20', '-w', '\n%{http_code}', '--cacert', ours.certificate];
  const child = spawn('curl', [...words, ...args, url]);
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  return new Promise((resolve) => {
    child.once('close', (code) => {
      const at = text.lastIndexOf('\n');
      resolve({ code: code ?? -1, status: Number(text.slice(at + 1)), body: text.slice(0, at) });
    });
  });
}

describe.skipIf(!hasOpenssl || !requirePeer('curl'))('the control port by TLS', () => {
  useScratch();

  it('is open to a certificate that may administrate, and to no other', async () => {
    const { daemon, url } = await serve(['--allow=cert:ops-*=admin', '--allow=any=submit']);
    const ops = certificate(ours, 'ops');
    expect(await curl(`${url}/healthz`)).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await curl(`${url}/log-level`, ...ops)).toMatchObject({
      status: 200,
      body: 'WARNING\n',
    });
    expect(await curl(`${url}/log-level`)).toMatchObject({
      status: 401,
      body: 'a client certificate is needed\n',
    });
    expect(await curl(`${url}/metrics`, ...certificate(ours, 'web'))).toMatchObject({
      status: 403,
      body: 'certificate "web-1" may not use the control port\n',
    });
    const foreign = await curl(`${url}/metrics`, ...certificate(theirs, 'ops'));
    expect(foreign).toMatchObject({
      status: 403,
      body: expect.stringMatching(/^certificate of the client: [A-Z_]+\n$/),
    });
    for (const text of [
      'may not use the control port',
      'a client certificate is needed',
      'certificate of the client',
    ])
      await vi.waitFor(
        () =>
          expect(daemon.stderr()).toMatch(
            new RegExp(`refuse 127\\.0\\.0\\.1:\\d+: control port: .*${text}`),
          ),
        5_000,
      );
    const { body } = await curl(`${url}/metrics`, ...ops);
    expect(body).toContain('geartrain_incidents_total{reason="not_allowed"} 2\n');
    expect(body).toContain('geartrain_incidents_total{reason="client_certificate"} 1\n');
  });

  it('takes the token of who has no certificate; without rules every trusted certificate will do', async () => {
    writeFileSync(scratch('token'), TOKEN);
    const { url } = await serve([`--control-token-file=${scratch('token')}`]);
    const bearer = (token: string): string[] => ['-H', `Authorization: Bearer ${token}`];
    expect((await curl(`${url}/metrics`, ...bearer(TOKEN))).status).toBe(200);
    expect((await curl(`${url}/metrics`, ...certificate(ours, 'web'))).status).toBe(200);
    expect(await curl(`${url}/metrics`, ...bearer('wrong'))).toMatchObject({
      status: 401,
      body: 'its token is not known\n',
    });
    expect(await curl(`${url}/metrics`)).toMatchObject({
      status: 401,
      body: 'a token is needed: Authorization: Bearer TOKEN; or a client certificate\n',
    });
  });

  it('says in the log who speaks no TLS, and counts it', async () => {
    const { daemon, url, port } = await serve();
    // An end without a byte.
    expect(await curl(`http://127.0.0.1:${port}/metrics`)).toMatchObject({ code: 52, status: 0 });
    await daemon.until(/refuse 127\.0\.0\.1:\d+: control port: no TLS on a TLS port/);
    const { body } = await curl(`${url}/metrics`, ...certificate(ours, 'ops'));
    expect(body).toContain('geartrain_incidents_total{reason="not_tls"} 1\n');
  });

  it('reads its certificates again on SIGHUP', async () => {
    const [cert, key] = [scratch('c.pem'), scratch('c.key')];
    const use = (authority: Authority, name: string): void => {
      copyFileSync(authority.file(`${name}.pem`), cert);
      copyFileSync(authority.file(`${name}.key`), key);
    };
    use(ours, 'server');
    const { daemon, url } = await serve([], tlsWords(cert, key));
    expect((await curl(`${url}/healthz`)).code).toBe(0);
    use(theirs, 'ops');
    daemon.kill('SIGHUP');
    // Signed by others now: curl does not trust it.
    await vi.waitFor(async () => expect((await curl(`${url}/healthz`)).code).toBe(60), 10_000);
  });

  it('may serve strangers with certificates alone, but not without', async () => {
    const words = [
      '-p',
      '0',
      '-L',
      '127.0.0.1',
      '-t',
      '0',
      '--control=tls://0.0.0.0:0',
      ...tlsWords(),
    ];
    expect(await runToEnd([...words.slice(0, -1), '--check-config'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('needs --control-token-file, or tls:// and --tls-client-ca'),
    });
    expect((await runToEnd([...words, '--check-config'])).code).toBe(0);
  });
});
