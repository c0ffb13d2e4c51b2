/** gearmand's HTTP protocol, with curl and with workers that speak Gearman. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import { startServer, type TestServer } from '../../support/servers.ts';
import type { WireConnection } from '../../support/wire.ts';

const hasCurl = requirePeer('curl');

interface CurlAnswer {
  readonly status: number;
  /** Headers and trailers by lower case name. */
  readonly headers: Record<string, string>;
  readonly body: string;
  /** Why curl was not content; 0 = it was. */
  readonly code: number | null;
}

/** Runs curl; its answer is what came last. */
function curl(...args: string[]): Promise<CurlAnswer> {
  const child = spawn('curl', ['-sS', '-i', '--raw', '--no-buffer', '--max-time', '20', ...args]);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  return new Promise((resolve) => {
    child.once('close', (code) => {
      const [head = '', ...rest] = text.split('\r\n\r\n');
      const lines = head.split('\r\n');
      const headers = Object.fromEntries(
        lines.slice(1).map((line) => {
          const colon = line.indexOf(':');
          return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
        }),
      );
      const status = Number(lines[0]?.split(' ')[1]);
      resolve({ status, headers, body: rest.join('\r\n\r\n'), code });
    });
  });
}

/** The server may answer on its own port before it has said where HTTP is. */
async function httpPort(server: TestServer): Promise<number> {
  const pattern = /http on 127\.0\.0\.1:(\d+)/;
  await vi.waitFor(() => expect(server.output()).toMatch(pattern));
  return Number(pattern.exec(server.output())?.[1]);
}

const FLAVOURS = [
  { threads: 0, native: true },
  { threads: 2, native: true },
  { threads: 0, native: false },
].filter(({ native }) => !native || process.env.GEARTRAIN_NATIVE !== '0');

/** Takes the next job of `fn`: its handle, unique and workload. */
async function nextJob(worker: WireConnection): Promise<string[]> {
  worker.send('GRAB_JOB_UNIQ');
  for (;;) {
    const item = await worker.next();
    if (!('name' in item)) continue;
    if (item.name === 'NO_JOB') worker.send('PRE_SLEEP');
    if (item.name === 'NOOP') worker.send('GRAB_JOB_UNIQ');
    if (item.name === 'JOB_ASSIGN_UNIQ') return [...item.args, item.data ?? ''].map(String);
  }
}

describe.skipIf(!hasCurl).each(FLAVOURS)('HTTP with $threads shards, native $native', (flavour) => {
  let server: TestServer;
  let url = '';
  beforeAll(async () => {
    const args = [
      ...['-r', 'http', '--http-port=0', '--max-packet-size=64K', '--http-timeout=2'],
      '--policy=again=attempts:2,backoff:fixed:10ms,jitter:0,fg:1',
    ];
    server = await startServer('geartrain', { ...flavour, args });
    url = `http://127.0.0.1:${await httpPort(server)}`;
  });
  afterAll(() => server.stop());

  async function workerOf(name: string): Promise<WireConnection> {
    const worker = await server.connect();
    worker.send('CAN_DO', name);
    await worker.barrier();
    return worker;
  }

  it('answers with the result of the job', async () => {
    const worker = await workerOf('fn?x=a%20b');
    const answer = curl('--data-binary', 'hello', `${url}/fn?x=a%20b`);
    const [handle = '', name, unique, workload] = await nextJob(worker);
    expect([name, unique, workload]).toEqual(['fn?x=a%20b', '-', 'hello']);
    worker.send('WORK_COMPLETE', handle, 'done');
    expect(await answer).toMatchObject({
      status: 200,
      body: 'done',
      headers: {
        'x-gearman-job-handle': handle,
        'x-gearman-command': 'WORK_COMPLETE',
        'content-length': '4',
        server: expect.stringMatching(/^Gearman\/2\.0\.0/),
      },
    });
    await worker.close();
  });

  it('takes priority, unique and background from headers', async () => {
    const headers = ['-H', 'X-Gearman-Background: true', '-H', 'x-gearman-unique: key'];
    const submitted = await curl(...headers, '-H', 'X-Gearman-Priority: high', `${url}/bg`);
    expect(submitted).toMatchObject({
      status: 200,
      headers: { 'x-gearman-command': 'JOB_CREATED' },
    });
    const worker = await workerOf('bg');
    expect(await nextJob(worker)).toEqual([
      submitted.headers['x-gearman-job-handle'],
      'bg',
      'key',
      '',
    ]);
    await worker.close();
    expect((await curl('-H', 'X-Gearman-Priority: urgent', `${url}/bg`)).status).toBe(400);
    expect((await curl('-H', 'X-Gearman-Priority: constructor', `${url}/bg`)).status).toBe(400);
    expect((await curl('-H', `X-Gearman-Unique: ${'u'.repeat(65)}`, `${url}/bg`)).status).toBe(400);
  });

  it('streams WORK_DATA as chunks, with how it ended behind them', async () => {
    const worker = await workerOf('stream');
    const answer = curl(`${url}/stream`);
    const [handle = ''] = await nextJob(worker);
    for (const part of ['one', 'two']) worker.send('WORK_DATA', handle, part);
    worker.send('WORK_STATUS', handle, '1', '2');
    worker.send('WORK_WARNING', handle, 'careful');
    worker.send('WORK_COMPLETE', handle, 'end');
    const { status, headers, body, code } = await answer;
    expect([status, headers['transfer-encoding'], code]).toEqual([200, 'chunked', 0]);
    expect(body.replaceAll('\r\n', '|')).toBe(
      '3|one|3|two|3|end|0|X-Gearman-Command: WORK_COMPLETE||',
    );
    await worker.close();
  });

  it('breaks a streamed answer off when the job fails', async () => {
    const worker = await workerOf('broken');
    const answer = curl(`${url}/broken`);
    const [handle = ''] = await nextJob(worker);
    worker.send('WORK_DATA', handle, 'one');
    worker.send('WORK_FAIL', handle);
    expect((await answer).code).not.toBe(0);
    await worker.close();
  });

  it('answers after the last attempt when foreground jobs are tried again', async () => {
    const worker = await workerOf('again');
    const answer = curl(`${url}/again`);
    const [first = ''] = await nextJob(worker);
    worker.send('WORK_FAIL', first);
    const [second = ''] = await nextJob(worker);
    worker.send('WORK_EXCEPTION', second, 'twice');
    expect(await answer).toMatchObject({
      status: 500,
      body: 'twice',
      headers: { 'x-gearman-command': 'WORK_EXCEPTION', 'x-gearman-job-handle': first },
    });
    await worker.close();
  });

  it.each([
    ['WORK_FAIL', [], ''],
    ['WORK_EXCEPTION', ['why'], 'why'],
    ['WORK_EXCEPTION', ['geartrain:dead\nno such user'], 'no such user'],
    ['WORK_EXCEPTION', ['geartrain:retry=5'], ''],
    ['WORK_EXCEPTION', ['geartrain:later\nwhy'], 'geartrain:later\nwhy'],
  ] as const)('answers %s with 500', async (command, rest, body) => {
    const worker = await workerOf('fails');
    const answer = curl(`${url}/fails`);
    const [handle = ''] = await nextJob(worker);
    worker.send(command, handle, ...rest);
    expect(await answer).toMatchObject({
      status: 500,
      body,
      headers: { 'x-gearman-command': command },
    });
    await worker.close();
  });

  it('drops the job when nobody waits any more, or too long', async () => {
    const worker = await workerOf('late');
    expect(await curl(`${url}/late`)).toMatchObject({
      status: 504,
      body: expect.stringMatching(/2000 ms/),
    });
    await expect
      .poll(async () => (await worker.list('status')).find((l) => l.startsWith('late\t')))
      .toBe('late\t0\t0\t1');
    const gone = spawn('curl', ['-s', `${url}/late`]);
    await expect
      .poll(async () => (await worker.list('status')).find((l) => l.startsWith('late\t')))
      .toBe('late\t1\t0\t1');
    gone.kill('SIGKILL');
    await expect
      .poll(async () => (await worker.list('status')).find((l) => l.startsWith('late\t')))
      .toBe('late\t0\t0\t1');
    await worker.close();
  });

  it('answers a full queue with 503 and a body that is too large with 413', async () => {
    const admin = await server.connect();
    await admin.command('create function full');
    await admin.command('maxqueue full 1');
    const bg = ['-H', 'X-Gearman-Background: true', '-H', 'X-Gearman-Unique: '];
    expect((await curl(...bg, '-d', 'a', `${url}/full`)).status).toBe(200);
    expect(await curl(...bg, '-d', 'b', `${url}/full`)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1', 'x-gearman-command': 'ERROR' },
    });
    const large = 'x'.repeat(70_000);
    expect((await curl('--data-binary', large, `${url}/full`)).status).toBe(413);
    const chunked = ['-H', 'Transfer-Encoding: chunked', '--data-binary', large];
    expect((await curl(...chunked, `${url}/full`)).status).toBe(413);
    await admin.close();
  });

  it('has a place for no function and for no other method', async () => {
    expect((await curl(`${url}/`)).status).toBe(404);
    expect((await curl('-I', `${url}/`)).status).toBe(200);
    expect(await curl('-X', 'DELETE', `${url}/f`)).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD, POST, PUT' },
    });
    expect((await curl('-X', 'TRACE', `${url}/f`)).status).toBe(405);
  });

  it('gives HEAD the headers alone', async () => {
    const worker = await workerOf('head');
    const answer = curl('-I', `${url}/head`);
    const [handle = ''] = await nextJob(worker);
    worker.send('WORK_COMPLETE', handle, 'four');
    const { status, headers, body } = await answer;
    expect([status, body, headers['content-length'], headers['x-gearman-job-handle']]).toEqual([
      200,
      '',
      '4',
      handle,
    ]);
    await worker.close();
  });

  it('keeps a connection for several requests', async () => {
    const worker = await workerOf('again');
    const both = curl('-v', `${url}/again`, `${url}/again`);
    for (const result of ['1', '2']) {
      const [handle = ''] = await nextJob(worker);
      worker.send('WORK_COMPLETE', handle, result);
    }
    const { headers, body } = await both;
    expect(headers.connection).not.toBe('close');
    expect(body).toMatch(/2$/);
    await worker.close();
  });

  it('answers HTTP/1.0 as HTTP/1.0, without chunks, and a 404 without a body', async () => {
    const ask = async (target: string) => {
      const socket = connect(await httpPort(server), '127.0.0.1').setEncoding('latin1');
      let text = '';
      socket.on('data', (piece: string) => {
        text += piece;
      });
      socket.write(`GET ${target} HTTP/1.0\r\nX-Gearman-Background: true\r\n\r\n`);
      await new Promise((resolve) => socket.once('close', resolve));
      return text;
    };
    const created = await ask('/old');
    expect(created).toMatch(/^HTTP\/1\.0 200 OK\r\n/);
    expect(created).toMatch(/^X-Gearman-Command: JOB_CREATED\r$/m);
    expect(created.toLowerCase()).not.toContain('chunked');
    const missing = await ask('/');
    expect(missing).toMatch(/^HTTP\/1\.0 404 Not Found\r\n/);
    expect(missing).toMatch(/^Content-Length: 0\r$/m);
    expect(missing.endsWith('\r\n\r\n')).toBe(true);
    expect(await curl(`${url}/`)).toMatchObject({ status: 404, body: '' });
  });

  it('survives what is no HTTP', async () => {
    const socket = connect(await httpPort(server), '127.0.0.1');
    socket.on('error', () => {}).resume();
    socket.write('\0REQ\0\0\0\x01\0\0\0\x00');
    await new Promise((resolve) => socket.once('close', resolve));
    expect((await curl(`${url}/`)).status).toBe(404);
  });
});

it.skipIf(!hasCurl).each(FLAVOURS)(
  'is bound by the rules of access and shows nothing of the server inside, $threads shards, native $native',
  async (flavour) => {
    const folder = mkdtempSync(join(tmpdir(), 'geartrain-test-'));
    const tokens = join(folder, 'tokens');
    writeFileSync(tokens, 'web a-token-of-some-length\n');
    const rules = ['--allow=token:web=submit:mine', `--token-file=${tokens}`];
    const args = ['-r', 'http', '--http-port=0', ...rules];
    const server = await startServer('geartrain', { ...flavour, args, env: { TMPDIR: folder } });
    const url = `http://127.0.0.1:${await httpPort(server)}`;
    const as = (token: string) => ['-H', `Authorization: Bearer ${token}`];
    const background = ['-H', 'X-Gearman-Background: true'];
    expect(await curl(...as('a-wrong-token-of-length'), `${url}/mine`)).toMatchObject({
      status: 401,
      body: 'the token is not known\n',
    });
    const mine = await curl(...as('a-token-of-some-length'), ...background, `${url}/mine`);
    expect(mine.status).toBe(200);
    expect((await curl(...as('a-token-of-some-length'), `${url}/other`)).status).toBe(403);
    expect((await curl(`${url}/mine`)).status).toBe(403);
    // Nothing that a kill could leave.
    expect(readdirSync(folder)).toEqual(['tokens']);
    await server.stop();
    rmSync(folder, { recursive: true });
  },
);

it.skipIf(!hasCurl)('answers as gearmand does with --http-status gearmand', async () => {
  const args = ['-r', 'http', '--http-port=0', '--http-status=gearmand'];
  const server = await startServer('geartrain', { args });
  const worker = await server.connect();
  worker.send('CAN_DO', 'f');
  const answer = curl(`http://127.0.0.1:${await httpPort(server)}/f`);
  const [handle = ''] = await nextJob(worker);
  worker.send('WORK_EXCEPTION', handle, 'why');
  expect(await answer).toMatchObject({
    status: 200,
    body: '',
    headers: { 'x-gearman-command': 'WORK_FAIL', 'x-gearman-job-handle': handle },
  });
  await worker.close();
  await server.stop();
});

it('counts and logs who has too many connections of the HTTP port', async () => {
  const args = [
    '-r',
    'http',
    '--http-port=0',
    '--max-connections-per-address=1',
    '--verbose=WARNING',
  ];
  const server = await startServer('geartrain', { args: [...args, '--control=127.0.0.1:0'] });
  const port = await httpPort(server);
  const first = connect(port, '127.0.0.1');
  first.write('DELETE /f HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await new Promise((resolve) => first.once('data', resolve));
  const second = connect(port, '127.0.0.1');
  second.on('error', () => {}).resume();
  await new Promise((resolve) => second.once('close', resolve));
  const refusal = /refuse 127\.0\.0\.1:\d+: HTTP: it has 1 connections, the limit of one address/;
  await vi.waitFor(() => expect(server.output()).toMatch(refusal));
  const control = /control on 127\.0\.0\.1:(\d+)/.exec(server.output())?.[1];
  const metrics = await fetch(`http://127.0.0.1:${control}/metrics`);
  expect(await metrics.text()).toContain('geartrain_incidents_total{reason="address_limit"} 1\n');
  first.destroy();
  await server.stop();
});

it('refuses bodies for which --max-memory has no room, and says what is held', async () => {
  const args = ['-r', 'http', '--http-port=0', '--max-memory=8M', '--control=127.0.0.1:0'];
  const server = await startServer('geartrain', { args });
  const port = await httpPort(server);
  const post = async (bytes: number, sent: number) => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    const head = 'POST /f HTTP/1.1\r\nHost: x\r\nX-Gearman-Background: true\r\n';
    socket.write(`${head}Content-Length: ${bytes}\r\n\r\n`);
    socket.write(Buffer.alloc(sent));
    const answer = await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    return `${answer}`;
  };
  const refused = await post(16 << 20, 12 << 20);
  expect(refused).toMatch(/^HTTP\/1.1 503 .*too many bodies at a time\n$/s);
  // Nothing of it is kept.
  expect(await post(5 << 20, 5 << 20)).toMatch(/^HTTP\/1.1 503 .*QUEUE_ERROR/s);
  expect(await post(1 << 20, 1 << 20)).toMatch(/^HTTP\/1.1 200 /);
  const control = /control on 127\.0\.0\.1:(\d+)/.exec(server.output())?.[1];
  const metrics = await (await fetch(`http://127.0.0.1:${control}/metrics`)).text();
  expect(metrics).toContain(`geartrain_memory_limit_bytes ${8 << 20}\n`);
  const held = Number(/geartrain_memory_bytes\{thread="0"\} (\d+)/.exec(metrics)?.[1]);
  expect(held).toBeGreaterThan(1 << 20);
  expect(held).toBeLessThan(3 << 20);
  await server.stop();
});
