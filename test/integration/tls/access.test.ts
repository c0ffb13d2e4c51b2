/** Rules of access over real sockets: tokens, certificates, refusals of every kind, and tokens that are taken back. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { createServer } from '../../../dist/index.js';
import type { Server, ServerOptions } from '../../../src/index.ts';
import { Authority, describeTls as describe, itTls as it } from '../../support/certificates.ts';
import { LibraryYard } from '../../support/library.ts';
import type { PacketName } from '../../support/packet-text.ts';
import { WireConnection } from '../../support/wire.ts';
import { ask, connectSecurely } from './peers.ts';

const TOKEN = 'billing-token-0123456789';
const OPS = 'operator-token-0123456789';
const yard = new LibraryYard();
const servers = new Set<Server>();
const lines: string[] = [];
let folder = '';
let ours: Authority;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'geartrain-access-'));
  ours = new Authority();
  ours.sign('server', 'localhost');
  ours.sign('client', 'web-1');
});
afterEach(async () => {
  await Promise.all([...servers].map((server) => server.close()));
  servers.clear();
  lines.length = 0;
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  ours.remove();
});

const tokenFile = (): string => join(folder, 'tokens');
const writeTokens = (...rows: string[]): void =>
  writeFileSync(tokenFile(), ['# tokens', '', ...rows, ''].join('\n'));
const log = { level: 7, log: (_level: number, text: string) => void lines.push(text) };

const RULES = [
  'any=submit:public_*',
  'token:billing=submit,work:invoice_*',
  'token:ops=admin',
  'cert:web-*=submit:web_*',
];

async function serve(options: ServerOptions = {}): Promise<{ server: Server; port: number }> {
  const hash = createHash('sha256').update(OPS).digest('hex');
  writeTokens(`billing ${TOKEN}`, `ops sha256:${hash}`);
  const server = createServer({
    listen: '127.0.0.1:0',
    allow: RULES.filter((rule) => !rule.startsWith('cert')),
    tokenFile: tokenFile(),
    logger: log,
    ...options,
  });
  servers.add(server);
  await server.listen();
  return { server, port: (server.address as { port: number }).port };
}

const peer = (port: number): Promise<WireConnection> =>
  WireConnection.connect({ port, name: 'peer', transcript: null });

/** Resolves as soon as a line was logged that matches; those of shards come a moment later. */
async function untilLogged(pattern: RegExp): Promise<void> {
  while (!lines.some((text) => pattern.test(text)))
    await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Code and text of the ERROR that answers a packet. */
async function refusal(
  client: WireConnection,
  ...packet: [PacketName, ...string[]]
): Promise<string[]> {
  const { payload } = await client.ask('ERROR', ...packet);
  return payload.toString('latin1').split('\0');
}

describe.each([0, 2])('with threads: %i', (threads) => {
  it('lets everybody do what any may, and answers the rest with ERROR', async () => {
    const { server, port } = await serve({ threads });
    const client = await peer(port);
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'public_x', '', 'data');
    expect(await refusal(client, 'SUBMIT_JOB', 'invoice_1', '', 'x')).toEqual([
      'NOT_ALLOWED',
      'Not allowed to submit to this function',
    ]);
    expect(await refusal(client, 'CAN_DO', 'public_x')).toEqual([
      'NOT_ALLOWED',
      'Not allowed to work on this function',
    ]);
    expect(await client.command('status')).toBe(
      'ERR NOT_ALLOWED Not+allowed+for+this+identity\r\n',
    );
    // Nothing of it has happened.
    await client.ask('ECHO_RES', 'ECHO_REQ', 'still here');
    const stats = await server.stats();
    expect(stats.jobs).toBe(1);
    const count = stats.threads.reduce(
      (sum, { incidents }) => sum + (incidents.not_allowed ?? 0),
      0,
    );
    expect(count).toBe(3);
    await untilLogged(
      /refuse 127\.0\.0\.1:\d+: an unauthenticated peer may not submit to "invoice_1"/,
    );
  });

  it('looks at the reducer of a job as well', async () => {
    const { server, port } = await serve({ threads });
    const client = await peer(port);
    for (const type of ['SUBMIT_REDUCE_JOB', 'SUBMIT_REDUCE_JOB_BACKGROUND'] as const)
      expect(await refusal(client, type, 'public_x', '', 'invoice_1', 'data')).toEqual([
        'NOT_ALLOWED',
        'Not allowed to submit to this function',
      ]);
    await untilLogged(
      /refuse 127\.0\.0\.1:\d+: an unauthenticated peer may not submit to "invoice_1"/,
    );
    expect((await server.stats()).jobs).toBe(0);
    const reduce = 'SUBMIT_REDUCE_JOB_BACKGROUND';
    await client.ask('JOB_CREATED', reduce, 'public_x', '', 'public_y', 'data');
    await client.ask('JOB_CREATED', reduce, 'public_x', '', '', 'data');
  });

  it('knows a token, before and after the connection moves', async () => {
    const { port } = await serve({ threads });
    const servers = [`127.0.0.1:${port}`];
    const worker = yard.worker({ servers, token: TOKEN });
    worker.add('invoice_1', (job) => job.data);
    worker.add('invoice_2', (job) => job.data);
    await worker.start();
    const client = yard.client({ servers, token: TOKEN });
    expect(await client.submit('invoice_1', 'one').text()).toBe('one');
    expect(await client.submit('invoice_2', 'two').text()).toBe('two');
    await expect(client.submit('other', 'x')).rejects.toMatchObject({
      code: 'ERR_GEARMAN_SERVER',
      serverCode: 'NOT_ALLOWED',
    });
  });

  it('closes who was let in by a token that is taken back', async () => {
    const { server, port } = await serve({ threads });
    const client = await peer(port);
    await client.ask('OPTION_RES', 'OPTION_REQ', `token:${TOKEN}`);
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'invoice_1', '', 'data');
    const other = await peer(port);
    await other.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'public_x', '', 'data');
    writeTokens(`billing ${TOKEN}-renewed`);
    server.reload();
    await client.untilClosed();
    await other.ask('ECHO_RES', 'ECHO_REQ', 'still here');
    const again = await peer(port);
    await again.ask('OPTION_RES', 'OPTION_REQ', `token:${TOKEN}-renewed`);
    await untilLogged(/token billing is not valid any more/);
  });
});

it('ends the connection of a token that is not known, and never logs it', async () => {
  const { server, port } = await serve();
  const client = await peer(port);
  expect(await refusal(client, 'OPTION_REQ', 'token:guessed-guessed-guessed')).toEqual([
    'NOT_ALLOWED',
    'The token is not known',
  ]);
  await client.untilClosed();
  expect((await server.stats()).threads[0]?.incidents).toEqual({ unknown_token: 1 });
  await untilLogged(/its token is not known/);
  expect(lines.join('\n')).not.toContain('guessed');
});

it('tells the library that its token is not known, and the worker what it may not do', async () => {
  const { port } = await serve();
  const servers = [`127.0.0.1:${port}`];
  const client = yard.client({ servers, token: 'x'.repeat(16), whenOffline: 'fail' });
  await expect(client.submit('public_x', '')).rejects.toMatchObject({
    cause: { code: 'ERR_GEARMAN_ACCESS', message: expect.not.stringContaining('xxx') },
  });
  const worker = yard.worker({ servers });
  const error = new Promise((resolve) => worker.once('serverError', resolve));
  worker.add('invoice_1', (job) => job.data);
  await expect(worker.start()).rejects.toMatchObject({ serverCode: 'NOT_ALLOWED' });
  expect(await error).toMatchObject({ serverCode: 'NOT_ALLOWED' });
});

it('lets text commands to those who administrate, also by gearadmin', async () => {
  const { port } = await serve();
  const ops = await peer(port);
  await ops.ask('OPTION_RES', 'OPTION_REQ', `token:${OPS}`);
  expect(await ops.command('version')).toMatch(/^OK/);
});

it('answers as gearmand where no tokens are taken', async () => {
  const { port } = await serve({ allow: [], tokenFile: null });
  const client = await peer(port);
  expect((await refusal(client, 'OPTION_REQ', `token:${TOKEN}`))[0]).toBe('UNKNOWN_OPTION');
  await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'anything', '', 'data');
  const submitter = yard.client({ servers: [`127.0.0.1:${port}`], token: TOKEN });
  await submitter.submit('anything', 'x', { background: true });
});

it.each([0, 2])('knows the common name of a certificate, threads: %i', async (threads) => {
  const { server } = await serve({
    allow: RULES,
    listen: 'tls://127.0.0.1:0',
    threads,
    sslCertificate: ours.file('server.pem'),
    sslKey: ours.file('server.key'),
    tlsClientCa: ours.certificate,
    tlsClientAuth: 'optional',
  });
  const port = (server.address as { port: number }).port;
  const [ca, cert, key] = ['ca.pem', 'client.pem', 'client.key'].map((name) => ours.read(name));
  const servers = [`localhost:${port}`];
  const known = yard.client({ servers, tls: { ca, cert, key } });
  await known.submit('web_1', 'x', { background: true });
  const unknown = yard.client({ servers, tls: { ca } });
  await expect(unknown.submit('web_1', 'x', { background: true })).rejects.toMatchObject({
    serverCode: 'NOT_ALLOWED',
  });
  await untilLogged(/an unauthenticated peer may not submit to "web_1"/);
  // TLS alone gives no right, and a certificate those of its rules.
  const refused = { serverCode: 'NOT_ALLOWED' };
  for (const tls of [{ ca }, { ca, cert, key }]) {
    await yard.client({ servers, tls }).submit('public_x', 'x', { background: true });
    const other = yard.client({ servers, tls }).submit('invoice_1', 'x', { background: true });
    await expect(other).rejects.toMatchObject(refused);
    const worker = yard.worker({ servers, tls });
    worker.on('serverError', () => {});
    worker.add('public_x', (job) => job.data);
    await expect(worker.start()).rejects.toMatchObject(refused);
    const socket = await connectSecurely(port, tls);
    expect(await ask(socket, 'status')).toMatch(/^ERR NOT_ALLOWED /);
    socket.destroy();
  }
});

it('trusts the program that it runs in', async () => {
  const { server } = await serve();
  const worker = yard.worker({ server });
  worker.add('secret', (job) => job.data);
  await worker.start();
  expect(await yard.client({ server }).submit('secret', 'x').text()).toBe('x');
});

it('asks HTTP requests for a token too', async () => {
  const { server } = await serve({ protocol: 'http', httpPort: 0 });
  const [address] = server.httpAddresses;
  const url = (path: string) => `http://127.0.0.1:${address?.port}/${path}`;
  const background = { 'X-Gearman-Background': 'true' };
  const get = (path: string, headers = {}) =>
    fetch(url(path), { method: 'POST', body: 'x', headers: { ...background, ...headers } });
  expect((await get('public_x')).status).toBe(200);
  expect((await get('invoice_1')).status).toBe(403);
  expect((await get('invoice_1', { Authorization: `Bearer ${TOKEN}` })).status).toBe(200);
  expect((await get('invoice_1', { Authorization: 'Bearer wrong-wrong-wrong-wrong' })).status).toBe(
    401,
  );
});

describe('files and rules that cannot be used', () => {
  const make = (options: ServerOptions) => () => createServer(options);
  it.each([
    ['a b c', 'line 1 is not NAME TOKEN'],
    ['short token', 'line 1: a token has 16 to 256 characters of ASCII, no blanks'],
    ['na/me 0123456789abcdef', 'line 1: a name has 1 to 64 letters'],
    ['# nothing', 'there is no token in it'],
  ])('%s', (text, reason) => {
    const file = join(folder, 'bad');
    writeFileSync(file, text);
    expect(make({ tokenFile: file })).toThrow(`--token-file ${file}: ${reason}`);
  });

  it('a file that is missing', () => {
    expect(make({ tokenFile: '/no/such' })).toThrow(
      '--token-file /no/such: cannot be read: there is no such file or folder (ENOENT)',
    );
  });

  it('rules that never apply', () => {
    expect(make({ allow: 'token:a=submit' })).toThrow(/never applies without --token-file/);
    expect(make({ allow: 'cert:a=submit' })).toThrow(/never applies without --tls-client-ca/);
  });
});
