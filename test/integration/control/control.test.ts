/** The control port with real requests, real jobs and Prometheus' own checker. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { OWN_METRICS } from '../../../src/packaging/metrics-table.ts';
import type { WirePacket } from '../../support/packet-text.ts';
import { requirePeer } from '../../support/peers.ts';
import { startServer, type TestServer } from '../../support/servers.ts';
import type { WireConnection } from '../../support/wire.ts';
import { runToEnd, scratch, startDaemon, useScratch } from '../daemon/command.ts';

const TOKEN = 'a-token-of-more-than-16-characters';
const FUNCTIONS_MAX = 50;

/** Values of a page by `name{labels}`. */
function valuesOf(page: string): Map<string, number> {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

const portOf = (text: string): number => Number(/control on 127\.0\.0\.1:(\d+)/.exec(text)?.[1]);

async function get(port: number, path: string, init: RequestInit = {}) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** Submits a job of `name` and works on it; a function with such a job has counts. */
async function runJob(server: TestServer, name: string, fails = false): Promise<void> {
  const peer = await server.connect();
  peer.send('CAN_DO', name);
  peer.send('SUBMIT_JOB', name, '', 'x');
  const [handle] = (await peer.expect('JOB_CREATED')).args;
  peer.send('GRAB_JOB');
  await peer.expect('JOB_ASSIGN');
  if (fails) peer.send('WORK_FAIL', handle);
  else peer.send('WORK_COMPLETE', handle, 'y');
  await peer.expect(fails ? 'WORK_FAIL' : 'WORK_COMPLETE');
  await peer.close();
}

/** Grabs until there is a job. */
async function nextJob(worker: WireConnection): Promise<WirePacket> {
  for (;;) {
    worker.send('GRAB_JOB');
    const packet = await worker.next();
    if (packet.kind === 'packet' && packet.name === 'JOB_ASSIGN') return packet;
    worker.send('PRE_SLEEP');
    await worker.expect('NOOP');
  }
}

it.each([0, 2])(
  'metrics with %i shards tell runs that are tried again, dead jobs, and those that were dropped',
  async (threads) => {
    const args = [
      '--control=127.0.0.1:0',
      '--policy=dying=attempts:2,backoff:fixed:1ms,jitter:0,dead:1',
      '--policy=retried=attempts:2,backoff:fixed:1h',
    ];
    const server = await startServer('geartrain', { threads, args });
    try {
      const client = await server.connect();
      for (const name of ['dying', 'dying', 'retried']) {
        client.send('SUBMIT_JOB_BG', name, '', 'x');
        await client.expect('JOB_CREATED');
      }
      await client.close();
      const worker = await server.connect();
      for (const name of ['dying', 'retried']) worker.send('CAN_DO', name);
      for (let runs = 0; runs < 5; runs++) {
        const [handle] = (await nextJob(worker)).args;
        worker.send('WORK_FAIL', handle as Buffer);
      }
      await worker.barrier();
      await worker.close();
      await vi.waitFor(() => expect(server.output()).toMatch(/control on/));
      const values = valuesOf((await get(portOf(server.output()), '/metrics')).text);
      const of = (name: string, fn: string) => values.get(`geartrain_${name}{function="${fn}"}`);
      expect(of('jobs_retried_total', 'dying')).toBe(2);
      expect(of('jobs_failed_total', 'dying')).toBe(2);
      expect(of('jobs_dead', 'dying')).toBe(1);
      expect(of('jobs_retrying', 'dying')).toBe(0);
      expect(of('jobs_dead', 'retried')).toBe(0);
      expect(of('jobs_retrying', 'retried')).toBe(1);
      expect(of('jobs_queued', 'retried')).toBe(1);
      const dropped = [...values].filter(([key]) =>
        key.startsWith('geartrain_dead_dropped_total{'),
      );
      expect(dropped.reduce((total, [, value]) => total + value, 0)).toBe(1);
    } finally {
      await server.stop();
    }
  },
);

describe.each([0, 2])('metrics with %i shards', (threads) => {
  let server: TestServer;
  let port = 0;
  let stateDir = '';
  const page = async (): Promise<string> => (await get(port, '/metrics')).text;
  beforeAll(async () => {
    stateDir = mkdtempSync(join(tmpdir(), 'geartrain-control-'));
    const args = [
      '--control=127.0.0.1:0',
      `--metrics-functions=${FUNCTIONS_MAX}`,
      '--queue-type=journal',
      `--state-dir=${stateDir}`,
      // Only functions with a gate have geartrain_gate_state.
      '--policy=done=concurrency:9',
    ];
    server = await startServer('geartrain', { threads, args });
    // The server may answer on its own port before it has said where it is controlled.
    await vi.waitFor(() => expect(server.output()).toMatch(/control on/));
    port = portOf(server.output());
  });
  afterAll(async () => {
    await server.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('tell of every store what it keeps and how it commits', async () => {
    const peer = await server.connect();
    peer.send('SUBMIT_JOB_BG', 'stored', '', 'x');
    await peer.expect('JOB_CREATED');
    await peer.close();
    let values = valuesOf(await page());
    const sum = (name: string): number =>
      [...values].reduce(
        (total, [key, value]) => total + (key.startsWith(`geartrain_store_${name}{`) ? value : 0),
        0,
      );
    const storeCount = Math.max(1, threads);
    expect(sum('accepting')).toBe(storeCount);
    expect([sum('jobs'), sum('uncommitted')]).toEqual([1, 0]);
    expect([sum('commit_jobs_sum'), sum('commit_jobs_count')]).toEqual([1, 1]);
    expect(sum('commit_seconds_count')).toBe(1);
    expect(sum('commit_seconds_sum')).toBeCloseTo(sum('commit_seconds_max'), 9);
    expect(sum('commit_seconds_max')).toBeGreaterThan(0);
    // A shard that has no jobs makes its first segment when it gets round to it.
    await vi.waitFor(async () => {
      values = valuesOf(await page());
      expect(sum('bytes')).toBeGreaterThan(storeCount * 8 * 1024 * 1024 - 1);
    });
  });

  it('tell what was submitted, run and lost', async () => {
    await runJob(server, 'done');
    await runJob(server, 'failed', true);
    const waiting = await server.connect();
    waiting.send('SUBMIT_JOB_BG', 'waiting', '', 'x');
    await waiting.expect('JOB_CREATED');
    const values = valuesOf(await page());
    const of = (name: string, fn: string) => values.get(`geartrain_${name}{function="${fn}"}`);
    expect(of('jobs_submitted_total', 'done')).toBe(1);
    expect(of('jobs_completed_total', 'done')).toBe(1);
    expect(of('job_run_seconds_count', 'done')).toBe(1);
    expect(of('job_wait_seconds_count', 'done')).toBe(1);
    expect(of('jobs_failed_total', 'failed')).toBe(1);
    expect(of('jobs_queued', 'waiting')).toBe(1);
    expect(of('jobs_running', 'waiting')).toBe(0);
    expect(values.get('geartrain_thread_up{thread="0"}')).toBe(1);
    if (threads > 0) expect(values.get('geartrain_ring_bytes{from="0",to="1"}')).toBe(0);
    await waiting.close();
  });

  it('count a refused connection by its reason', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    socket.write(Buffer.alloc(64));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(valuesOf(await page()).get('geartrain_incidents_total{reason="malformed"}')).toBe(1);
  });

  it('stay bounded and add up whatever names strangers invent', async () => {
    const names = ['"quoted"', 'back\\slash', 'line\nend', '(other)', '', 'x'.repeat(5000)];
    const more = Array.from({ length: 200 }, (_, i) => `f${i}`);
    const peer = await server.connect();
    for (const name of [...names, ...more, '\xff\xfe', '\xfe\xff']) {
      peer.send('SUBMIT_JOB_BG', name, '', 'x');
      await peer.expect('JOB_CREATED');
    }
    await peer.close();
    const text = await page();
    const queued = [...valuesOf(text)].filter(([key]) => key.startsWith('geartrain_jobs_queued{'));
    expect(queued.length).toBeLessThanOrEqual(FUNCTIONS_MAX + 1);
    const sum = queued.reduce((total, [, value]) => total + value, 0);
    // Two jobs wait since the tests before.
    expect(sum).toBe(names.length + more.length + 2 + 2);
    for (const line of text.split('\n')) expect(line.length).toBeLessThan(1000);
  });

  it('are those of docs/metrics.md, with their types and labels', async () => {
    const text = await page();
    const typed = [...text.matchAll(/^# TYPE (geartrain_\w+) (\w+)$/gm)];
    expect(typed.map(([, name, type]) => `${name} ${type}`).sort()).toEqual(
      OWN_METRICS.map(({ name, type }) => `${name} ${type}`).sort(),
    );
    for (const { name, labels } of OWN_METRICS) {
      const sample = new RegExp(`^${name}(?:_bucket|_sum|_count)?(?:\\{(.*)\\})? `, 'm').exec(text);
      // Only threads that share the functions have rings between them.
      if (sample === null && name === 'geartrain_ring_bytes' && threads === 0) continue;
      const named = (sample?.[1] ?? '').matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g);
      const found = [...named].map(([, label]) => label).filter((label) => label !== 'le');
      expect([name, found.sort()]).toEqual([name, [...labels].sort()]);
    }
  });

  it.skipIf(!requirePeer('promtool'))('are a page that promtool accepts', async () => {
    const checked = spawnSync('promtool', ['check', 'metrics'], {
      input: await page(),
      encoding: 'utf8',
    });
    // Metrics of the process have names that the checker would choose otherwise; ours must be without fault.
    const ours = `${checked.stdout}${checked.stderr}`
      .split('\n')
      .filter((l) => /geartrain|error/.test(l));
    expect(ours).toEqual([]);
    expect([0, 3]).toContain(checked.status);
  });

  it('are the same page for everybody who asks at once', async () => {
    const pages = await Promise.all(Array.from({ length: 8 }, page));
    for (const text of pages) expect(valuesOf(text).get('geartrain_thread_up{thread="0"}')).toBe(1);
  });

  it('go on for others when readers leave in the middle or only want the head', async () => {
    for (let i = 0; i < 8; i++) {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      await response.body?.cancel();
      expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'HEAD' })).status).toBe(
        200,
      );
    }
    expect(valuesOf(await page()).get('geartrain_thread_up{thread="0"}')).toBe(1);
  });
});

describe('the control port', () => {
  useScratch();

  it('answers probes, and says that the server ends', async () => {
    const daemon = await startDaemon(['--control=127.0.0.1:0']);
    const port = portOf(daemon.startLine);
    expect(await get(port, '/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
    expect(await get(port, '/readyz')).toMatchObject({ status: 200, text: 'ready\n' });
    const socket = connect(daemon.port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    for (const path of ['/', '/metrics'])
      expect((await fetch(`http://127.0.0.1:${port}${path}`, { method: 'HEAD' })).status).toBe(200);
    const payload = 'f\0\0x';
    const header = Buffer.from('\0REQ\0\0\0\x12\0\0\0\x04', 'latin1');
    socket.write(Buffer.concat([header, Buffer.from(payload)]));
    await new Promise((resolve) => socket.once('data', resolve));
    daemon.kill('SIGUSR1');
    await daemon.until(/shutting down after|$/);
    await expect
      .poll(() => get(port, '/readyz'))
      .toMatchObject({ status: 503, text: 'not ready: ending after the last job\n' });
    socket.destroy();
    daemon.kill('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    expect(daemon.stderr()).not.toContain('Error');
  });

  it('answers no request under the name of a stranger', async () => {
    const daemon = await startDaemon(['--control=127.0.0.1:0', '--verbose=WARNING']);
    const port = portOf(daemon.startLine);
    const under = (host: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        let text = '';
        socket.on('data', (bytes) => {
          text += bytes;
        });
        socket.once('close', () => resolve(text));
        socket.write(`GET /metrics HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      });
    for (const host of [`localhost:${port}`, '127.0.0.1', `[::1]:${port}`])
      expect(await under(host), host).toMatch(/^HTTP\/1\.1 200 /);
    const refused = await under(`rebound.example:${port}`);
    expect(refused).toMatch(/^HTTP\/1\.1 421 /);
    expect(refused).not.toContain('geartrain_');
    await daemon.until(
      /refuse 127\.0\.0\.1:\d+: control port: "rebound\.example:\d+" is not a name/,
    );
  });

  it('asks for the token where there is one, but not for probes', async () => {
    writeFileSync(scratch('token'), `${TOKEN}\n`);
    const daemon = await startDaemon([
      '--control=127.0.0.1:0',
      `--control-token-file=${scratch('token')}`,
    ]);
    const port = portOf(daemon.startLine);
    const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    expect((await get(port, '/healthz')).status).toBe(200);
    for (const path of ['/metrics', '/log-level', '/nothing'])
      for (const init of [{}, withToken('wrong'), withToken(`${TOKEN}x`)])
        expect((await get(port, path, init)).status, path).toBe(401);
    expect((await get(port, '/metrics', withToken(TOKEN))).status).toBe(200);
    expect((await get(port, '/nothing', withToken(TOKEN))).status).toBe(404);
  });

  it('is refused to strangers without a token, and with one that is too short', async () => {
    const open = await runToEnd(['--control=0.0.0.0:0']);
    expect(open).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--control-token-file'),
    });
    writeFileSync(scratch('token'), 'short');
    const words = ['-p', '0', '-L', '127.0.0.1', '-t', '0', '--control=0.0.0.0:0'];
    const short = await runToEnd([...words, `--control-token-file=${scratch('token')}`]);
    expect(short).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it has 5 characters'),
    });
    const none = await runToEnd([...words, '--control-token-file=/nowhere']);
    expect(none).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('/nowhere: cannot be read: there is no such file'),
    });
  });

  it('changes the log level of all threads, as SIGUSR2 does', async () => {
    writeFileSync(scratch('tokens'), `ops ${TOKEN}\nviewer ${TOKEN}-2\n`);
    const daemon = await startDaemon([
      ...['--control=127.0.0.1:0', '-t', '1', `--token-file=${scratch('tokens')}`],
      ...['--allow=token:ops=admin', '--allow=token:viewer=view'],
    ]);
    const port = portOf(daemon.startLine);
    const put = (body: string, headers = {}) =>
      get(port, '/log-level', {
        ...{ method: 'PUT', body, headers: { authorization: `Bearer ${TOKEN}`, ...headers } },
      });
    expect((await put('NOTICE', { authorization: '' })).status).toBe(401);
    expect((await put('NOTICE', { authorization: `Bearer ${TOKEN}-2` })).status).toBe(403);
    expect((await get(port, '/log-level')).text).toBe('WARNING\n');
    expect(await put('NOTICE')).toMatchObject({ status: 200, text: 'NOTICE\n' });
    expect((await put('LOUD')).status).toBe(400);
    expect((await put('N'.repeat(1000))).status).toBe(400);
    expect((await put('DEBUG', { origin: 'http://evil' })).status).toBe(403);
    daemon.kill('SIGUSR2');
    await daemon.until(/SIGUSR2, verbose is set to DEBUG/);
    expect((await get(port, '/log-level')).text).toBe('DEBUG\n');
    daemon.kill('SIGUSR2');
    await daemon.until(/SIGUSR2, verbose is set to WARNING/);
    expect((await get(port, '/log-level')).text).toBe('WARNING\n');
  });

  it('survives what is no HTTP', async () => {
    const daemon = await startDaemon(['--control=127.0.0.1:0']);
    const port = portOf(daemon.startLine);
    for (const bytes of [
      '\0\xff nonsense\r\n\r\n',
      `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
    ]) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {}).resume();
      socket.write(bytes, 'latin1');
      await new Promise((resolve) => socket.once('close', resolve));
    }
    expect((await get(port, '/healthz')).status).toBe(200);
  });
});
