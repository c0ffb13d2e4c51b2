/** What the JSON API shows of a server over time, with two shards: totals, streams of events, history. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startServer, type TestServer } from '../../support/servers.ts';

const TOKEN = 'the-control-token-of-this-test';
const CLERK = 'token-of-a-clerk-00000';
const SAMPLED = { timeout: 30_000, interval: 200 };

let server: TestServer;
let folder = '';
let base = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'geartrain-live-'));
  writeFileSync(join(folder, 'control'), TOKEN);
  writeFileSync(join(folder, 'tokens'), `clerk ${CLERK}\n`);
  server = await startServer('geartrain', {
    threads: 2,
    args: [
      ...['--control=127.0.0.1:0', `--control-token-file=${join(folder, 'control')}`],
      ...[`--token-file=${join(folder, 'tokens')}`, '--allow=any=submit,work'],
      '--allow=token:clerk=view:mail',
    ],
  });
  await vi.waitFor(() => expect(server.output()).toMatch(/control on/));
  base = `http://${/control on (127\.0\.0\.1:\d+)/.exec(server.output())?.[1]}`;
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const request = (path: string, token = TOKEN, init: RequestInit = {}) =>
  fetch(base + path, { headers: { authorization: `Bearer ${token}` }, ...init });

async function get(path: string, token?: string) {
  const response = await request(path, token);
  return { status: response.status, body: JSON.parse(await response.text()) };
}

async function submit(count: number, ...names: string[]): Promise<void> {
  const client = await server.connect();
  for (const name of names)
    for (let i = 0; i < count; i++) {
      client.send('SUBMIT_JOB_BG', name, '', 'x');
      await client.expect('JOB_CREATED');
    }
  await client.close();
}

interface Snapshot {
  readonly isComplete: boolean;
  readonly totals?: { readonly queued: number };
  readonly functions: readonly { readonly name: string; readonly queued: number }[];
}

/** Opens a stream; `next` resolves with the next event, null when the stream has ended. */
async function open(query = '', token?: string) {
  const stop = new AbortController();
  const response = await request(`/v1/events${query}`, token, { signal: stop.signal });
  expect([response.status, response.headers.get('content-type')]).toEqual([
    ...[200, 'text/event-stream'],
  ]);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  const next = async (): Promise<{ name: string; data: Snapshot } | null> => {
    for (;;) {
      const match = /^event: (\w+)\ndata: (.*)\n\n/.exec(text);
      if (match !== null) {
        text = text.slice(match[0].length);
        return { name: match[1] as string, data: JSON.parse(match[2] as string) };
      }
      const { value } = await reader.read().catch(() => ({ value: undefined }));
      if (value === undefined) return null;
      text += Buffer.from(value).toString();
    }
  };
  /** Reads on until a function has so many jobs in its queue. */
  const until = async (name: string, queued: number): Promise<void> => {
    for (;;) {
      const event = await next();
      if (event === null) throw new Error('the stream has ended');
      if (event.data.functions?.some((row) => row.name === name && row.queued === queued)) return;
    }
  };
  return { next, until, stop: () => stop.abort() };
}

async function first({ next }: Awaited<ReturnType<typeof open>>): Promise<Snapshot> {
  const event = await next();
  if (event === null) throw new Error('the stream has ended');
  return event.data;
}

it('streams a complete snapshot, then changes of functions on all shards', async () => {
  await submit(1, 'mail', 'news', 'resize', 'other');
  const stream = await open();
  const { isComplete, functions, totals: sums } = await first(stream);
  expect(isComplete).toBe(true);
  expect(functions.map(({ name }) => name).sort()).toEqual(['mail', 'news', 'other', 'resize']);
  expect(sums?.queued).toBe(4);
  await submit(2, 'news');
  await stream.until('news', 3);
  stream.stop();
  const { totals } = (await get('/v1')).body;
  expect(totals).toMatchObject({ functions: 4, completed: 0, failed: 0, dead: 0 });
});

it('shows to a caller with rights for one function this function, and no sums', async () => {
  const stream = await open('?functions=mail,news', CLERK);
  const { isComplete, functions, totals } = await first(stream);
  expect([isComplete, functions.map(({ name }) => name), totals]).toEqual([
    ...[true, ['mail'], undefined],
  ]);
  stream.stop();
  expect((await get('/v1', CLERK)).body.totals).toBeUndefined();
  expect((await get('/v1/series', CLERK)).status).toBe(403);
  expect((await get('/v1/series?function=news', CLERK)).status).toBe(403);
});

it('names of a stream are escaped as in paths; HEAD opens none', async () => {
  await submit(1, 'a,b');
  const stream = await open(`?functions=${encodeURIComponent('a%2Cb')}`);
  const { functions } = await first(stream);
  expect(functions.map(({ name }) => name)).toEqual(['a,b']);
  stream.stop();
  const head = await request('/v1/events', TOKEN, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  const many = Array.from({ length: 201 }, (_, i) => `f${i}`).join(',');
  expect((await get(`/v1/events?functions=${many}`)).body.code).toBe('invalid');
});

it('keeps a history, of all functions and of each', async () => {
  await vi.waitFor(async () => {
    const { status, body } = await get('/v1/series?function=mail&span=hour', CLERK);
    expect(status).toBe(200);
    expect([body.stepMs, body.queued.length, body.queued.at(-1)]).toEqual([5_000, 720, 1]);
  }, SAMPLED);
  await submit(5, 'history');
  // The jobs of a step are all in one rate.
  await vi.waitFor(async () => {
    const { body } = await get('/v1/series');
    expect(body.queued.at(-1)).toBe(12);
    expect(Math.max(...body.in.map(Number))).toBeGreaterThan(0);
  }, SAMPLED);
  expect((await get('/v1/series?span=day')).body.stepMs).toBe(60_000);
  expect((await get('/v1/series?function=unknown')).body.code).toBe('notMeasured');
}, 60_000);

it('SIGHUP ends the streams', async () => {
  const stream = await open();
  expect((await stream.next())?.name).toBe('snapshot');
  process.kill(server.pid, 'SIGHUP');
  while ((await stream.next()) !== null);
  expect(server.output()).not.toMatch(/a request at the control port failed/);
});
