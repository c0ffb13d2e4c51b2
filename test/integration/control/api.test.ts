/** The JSON API with real servers and jobs, without shards and with two: rights, pages, changes, tasks, audit log. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openApiOf } from '../../../src/http/api/openapi.ts';
import type { ConnectionRow } from '../../../src/http/api/schemas.ts';
import { Random } from '../../support/random.ts';
import { startServer, type TestServer } from '../../support/servers.ts';

const TOKEN = 'the-control-token-of-this-test';
const TOKENS = { viewer: 'token-of-a-viewer-0000', clerk: 'token-of-a-clerk-00000' };
const isFull = process.env.GEARTRAIN_FULL === '1';

describe.each([0, 2])('the JSON API with %i shards', (threads) => {
  let server: TestServer;
  let folder = '';
  let base = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'geartrain-api-'));
    writeFileSync(join(folder, 'control'), TOKEN);
    const lines = Object.entries(TOKENS).map(([name, token]) => `${name} ${token}\n`);
    writeFileSync(join(folder, 'tokens'), lines.join(''));
    server = await startServer('geartrain', {
      threads,
      args: [
        ...['--control=127.0.0.1:0', `--control-token-file=${join(folder, 'control')}`],
        ...[`--token-file=${join(folder, 'tokens')}`, '--allow=any=submit,work'],
        ...['--allow=token:viewer=view', '--allow=token:clerk=inspect,operate:mail'],
        `--audit-log=${join(folder, 'audit')}`,
        '--policy=mail=attempts:1,dead:200000',
        '--policy=dying=attempts:1,dead:200000',
      ],
    });
    await vi.waitFor(() => expect(server.output()).toMatch(/control on/));
    base = `http://${/control on (127\.0\.0\.1:\d+)/.exec(server.output())?.[1]}`;
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** One request; the body of the answer is parsed when it is JSON. */
  async function call(
    method: string,
    path: string,
    {
      body,
      token = TOKEN,
      headers = {},
    }: { body?: unknown; token?: string | null; headers?: Record<string, string> } = {},
  ) {
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const answer = isJson ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, text, body: answer };
  }
  const get = (path: string, token?: string | null) =>
    call('GET', path, token === undefined ? {} : { token });

  async function submit(name: string, unique = '', workload = 'secret-workload'): Promise<string> {
    const { body } = await call('POST', '/v1/jobs', {
      body: { function: name, unique, workload },
    });
    return body.handle;
  }

  /** All jobs of a function, page by page. */
  async function handlesOf(query: string): Promise<string[]> {
    const handles: string[] = [];
    for (let cursor = ''; ; ) {
      const { status, body } = await get(`/v1/jobs?${query}${cursor}`);
      expect(status).toBe(200);
      handles.push(...body.jobs.map(({ handle }: { handle: string }) => handle));
      if (body.next === null) return handles;
      cursor = `&cursor=${body.next}`;
    }
  }

  it('shows to a viewer figures, but nothing that clients or workers sent', async () => {
    const peer = await server.connect();
    peer.send('SET_CLIENT_ID', 'secret-client');
    peer.send('CAN_DO', 'shown');
    await peer.barrier();
    const handle = await submit('shown', 'secret-unique');
    const { viewer } = TOKENS;
    expect((await get('/v1', viewer)).body).toMatchObject({
      ...{ caller: 'token viewer', threads, notReady: null },
      rights: { view: true, inspect: false, operate: false, admin: false },
    });
    expect((await get('/v1/functions/shown', viewer)).body).toMatchObject({
      ...{ name: 'shown', queued: 1, running: 0, workers: 1, gate: null },
      policy: { keys: [], state: 'open' },
    });
    const paths = ['/v1/functions', '/v1/jobs', `/v1/jobs/${handle}`, '/v1/shards', '/v1/stores'];
    expect((await get('/openapi.json', viewer)).body.openapi).toMatch(/^3\.1/);
    for (const path of [...paths, `/v1/jobs/${handle}/attempts`]) {
      const { status, text } = await get(path, viewer);
      expect(status, path).toBe(200);
      expect(text, path).not.toContain('secret');
    }
    for (const path of [
      ...['/v1/connections', '/v1/options', '/v1/audit', `/v1/jobs/${handle}/workload`],
      ...['/v1/jobs?unique=secret', '/v1/jobs?error=x'],
    ])
      expect(await get(path, viewer), path).toMatchObject({
        ...{ status: 403, body: { code: 'notAllowed', status: 403 } },
      });
    expect((await get('/v1', null)).status).toBe(401);
    expect((await get('/v1', 'wrong-token-of-nobody')).status).toBe(401);
    const { connections } = (await get('/v1/connections')).body;
    expect(connections).toEqual([
      expect.objectContaining({ clientId: 'secret-client', functions: [{ name: 'shown' }] }),
    ]);
    expect((await get(`/v1/jobs/${handle}/workload`)).body).toEqual({
      ...{ bytes: 15, isCut: false, kind: 'text', content: 'secret-workload' },
    });
    expect((await call('DELETE', `/v1/connections/${connections[0].id}`)).status).toBe(204);
    expect((await call('DELETE', `/v1/connections/${connections[0].id}`)).status).toBe(404);
    expect((await call('DELETE', `/v1/jobs/${handle}`)).status).toBe(204);
    expect((await get(`/v1/jobs/${handle}`)).body.code).toBe('jobUnknown');
  });

  it('lets a caller with rights for one function do these, and nothing else', async () => {
    const token = TOKENS.clerk;
    const [mine, other] = [await submit('mail', 'm'), await submit('news', 'n')];
    const { jobs } = (await get('/v1/jobs', token)).body;
    expect(jobs.map(({ function: name }: { function: string }) => name)).toEqual(['mail']);
    expect(jobs[0].unique).toBe('m');
    expect((await get(`/v1/jobs/${other}`, token)).body.code).toBe('jobUnknown');
    expect((await get('/v1/functions/news', token)).status).toBe(403);
    expect((await get('/v1/shards', token)).status).toBe(403);
    expect((await call('POST', '/v1/functions/mail:pause', { token, body: {} })).status).toBe(200);
    expect((await call('POST', '/v1/functions/news:pause', { token })).status).toBe(403);
    expect((await call('POST', '/v1/functions/mail:resume', { token })).status).toBe(200);
    expect((await call('DELETE', `/v1/jobs/${mine}`, { token })).status).toBe(403);
    const submitted = { function: 'news', workload: '' };
    expect((await call('POST', '/v1/jobs', { token, body: submitted })).status).toBe(403);
    for (const handle of [mine, other]) await call('DELETE', `/v1/jobs/${handle}`);
  });

  it('takes every name back that it has shown', async () => {
    const name = Buffer.from([0x61, 0xff, 0x2f, 0x3a, 0x25, 0x20]);
    const peer = await server.connect();
    peer.send('SUBMIT_JOB_BG', name, 'u', 'x');
    await peer.expect('JOB_CREATED');
    const { functions } = (await get('/v1/functions?match=%ff')).body;
    expect(functions).toMatchObject([{ nameEscaped: 'a%FF%2F%3A%25%20' }]);
    const path = `/v1/functions/${functions[0].nameEscaped}`;
    expect((await get(path)).body).toMatchObject({ queued: 1 });
    expect(await handlesOf(`function=${functions[0].nameEscaped}`)).toHaveLength(1);
    expect((await get('/v1/functions/a%00')).body.code).toBe('nameInvalid');
  });

  it('changes a policy only for who has seen it', async () => {
    const path = '/v1/functions/policed';
    const body = { policy: { concurrency: 5 } };
    expect((await call('PATCH', path, { body })).status).toBe(428);
    const first = { body, headers: { 'if-match': '*' } };
    expect((await call('PATCH', path, first)).body.policy.keys).toEqual([
      { key: 'concurrency', value: '5', origin: 'command' },
    ]);
    const etag = (await get(path)).headers.get('etag') as string;
    const change = (rate: string) =>
      call('PATCH', path, { body: { policy: { rate } }, headers: { 'if-match': etag } });
    expect((await change('5/x')).body.code).toBe('policyInvalid');
    const [one, two] = await Promise.all([change('5/s'), change('6/s')]);
    expect([one.status, two.status].sort()).toEqual([200, 412]);
    const reset = { body: { policy: null }, headers: { 'if-match': '*' } };
    expect((await call('PATCH', path, reset)).body.policy.keys).toEqual([]);
  });

  it('retries, buries and cancels, and says why not', async () => {
    const handle = await submit('mail', 'one');
    const change = (verb: string) => call('POST', `/v1/jobs/${handle}:${verb}`);
    expect((await change('retry')).body.code).toBe('notDead');
    expect((await change('bury')).status).toBe(204);
    expect((await get(`/v1/jobs/${handle}`)).body).toMatchObject({
      ...{ state: 'dead', lastError: { cause: 'buried' } },
    });
    expect((await change('cancel')).body.code).toBe('dead');
    const rival = await submit('mail', 'one');
    expect((await change('retry')).body.code).toBe('uniqueInUse');
    expect((await call('POST', `/v1/jobs/${rival}:cancel`)).status).toBe(204);
    expect((await change('retry')).status).toBe(204);
    expect((await call('DELETE', `/v1/jobs/${handle}`)).status).toBe(204);
  });

  it('waits for the result of a job', async () => {
    const worker = await server.connect();
    worker.send('CAN_DO', 'echoed');
    worker.send('PRE_SLEEP');
    await worker.barrier();
    const waiting = call('POST', '/v1/jobs', {
      ...{ body: { function: 'echoed', workload: 'ping' }, headers: { prefer: 'wait=30' } },
    });
    await worker.expect('NOOP');
    worker.send('GRAB_JOB');
    const [handle] = (await worker.expect('JOB_ASSIGN')).args;
    const { connections } = (await get('/v1/connections')).body;
    const rows = connections.filter((row: ConnectionRow) => row.functions[0]?.name === 'echoed');
    expect(rows).toMatchObject([{ functionCount: 1, running: 1 }]);
    worker.send('WORK_COMPLETE', handle as Buffer, 'pong');
    expect((await waiting).body).toMatchObject({ state: 'complete', data: 'pong' });
    await worker.close();
  });

  it('pages each job that lives throughout once, while others come and go', async () => {
    const client = await server.connect();
    const create = async (count: number, name: string): Promise<string[]> => {
      for (let i = 0; i < count; i++) client.send('SUBMIT_JOB_BG', name, '', 'x');
      const created: string[] = [];
      for (let i = 0; i < count; i++)
        created.push(((await client.expect('JOB_CREATED')).args[0] as Buffer).toString());
      return created;
    };
    const goers = await create(300, 'goers');
    const stayers = await create(600, 'stayers');
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await get(`/v1/jobs?limit=70${cursor}`);
      seen.push(...body.jobs.map(({ handle }: { handle: string }) => handle));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
      for (const handle of goers.splice(0, 40)) await call('POST', `/v1/jobs/${handle}:cancel`);
      await create(20, 'comers');
    }
    const stayed = new Set(stayers);
    expect(seen.filter((handle) => stayed.has(handle)).sort()).toEqual([...stayers].sort());
    expect(new Set(seen).size).toBe(seen.length);
    await client.close();
  });

  it('finds jobs by unique, whole or in part', async () => {
    const handles = [await submit('found', 'order-17'), await submit('found', 'order-171')];
    expect((await handlesOf('unique=order-17')).sort()).toEqual([...handles].sort());
    expect(await handlesOf('unique=order-17&isExact=1')).toEqual([handles[0]]);
    expect(await handlesOf('unique=order-17&isExact=1&function=found')).toEqual([handles[0]]);
    expect(await handlesOf('unique=order-17&isExact=1&function=mail')).toEqual([]);
    expect(await handlesOf('function=found&state=dead')).toEqual([]);
  });

  it('retries dead jobs at a rate, cancels that half-way, and leaves later deaths', async () => {
    const [total, perSecond] = isFull ? [100_000, 1_000] : [600, 200];
    const client = await server.connect();
    for (let i = 0; i < total; i++) client.send('SUBMIT_JOB_BG', 'dying', '', 'x');
    for (let i = 0; i < total; i++) await client.expect('JOB_CREATED');
    await client.close();
    const worker = await server.connect();
    worker.send('CAN_DO', 'dying');
    for (let i = 0; i < total; i++) {
      worker.send('GRAB_JOB');
      const [handle] = (await worker.expect('JOB_ASSIGN')).args;
      worker.send('WORK_FAIL', handle as Buffer);
    }
    await worker.barrier();
    const filter = { function: 'dying', state: 'dead' };
    const start = (more: object) =>
      call('POST', '/v1/bulk', { body: { action: 'retry', filter, perSecond, ...more } });
    const taskOf = async (id: string) => (await get(`/v1/bulk/${id}`)).body;
    const dry = (await start({ isDryRun: true })).body;
    await vi.waitFor(
      async () =>
        expect(await taskOf(dry.id)).toMatchObject({ state: 'done', matched: total, done: 0 }),
      { timeout: 60_000 },
    );
    const { status, body: task } = await start({});
    expect(status).toBe(202);
    // What is kicked dies again at once: these later deaths are not kicked a second time.
    let died = 0;
    await vi.waitFor(
      async () => {
        worker.send('GRAB_JOB');
        const packet = await worker.next();
        if (packet.kind === 'packet' && packet.name === 'JOB_ASSIGN') {
          worker.send('WORK_FAIL', packet.args[0] as Buffer);
          died++;
        }
        expect((await taskOf(task.id)).done).toBeGreaterThan(total / 2);
      },
      { timeout: 120_000, interval: 5 },
    );
    const ended = (await call('DELETE', `/v1/bulk/${task.id}`)).body;
    expect(ended).toMatchObject({ state: 'cancelled', matched: total, left: 0 });
    await worker.barrier();
    const after = (await get('/v1/functions/dying')).body;
    // The step that was under way when it was cancelled may still end.
    const { done } = await taskOf(task.id);
    expect(after.dead + after.queued).toBe(total);
    expect(after.dead).toBe(total - done + died);
    await worker.close();
  }, 240_000);

  it('writes each change into the audit log', async () => {
    await call('POST', '/v1/functions/audited:pause', { body: { seconds: 60 } });
    const { entries } = (await get('/v1/audit?limit=20')).body;
    const [entry] = entries.filter(({ target }: { target: string }) => target === 'audited');
    expect([entry]).toMatchObject([
      {
        ...{
          who: 'the control token at 127.0.0.1',
          via: 'api',
          action: 'pause',
          target: 'audited',
        },
        ...{ before: '- open', after: expect.stringMatching(/^- paused:\d+$/), result: 'ok' },
      },
    ]);
    const lines = readFileSync(join(folder, 'audit'), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(entry);
    const actions = new Set(lines.map((line) => JSON.parse(line).action));
    for (const action of ['workload', 'retry', 'bury', 'cancel', 'setPolicy', 'startBulk'])
      expect(actions).toContain(action);
    expect(readFileSync(join(folder, 'audit'), 'utf8')).not.toContain(TOKEN);
  });

  it('answers no request with a fault of its own', async () => {
    const random = new Random(4711);
    const { paths } = openApiOf('1') as { paths: Record<string, Record<string, unknown>> };
    // A stream of events does not end.
    const templates = Object.keys(paths).filter((path) => path !== '/v1/events');
    const odd = ['', '%', '%00', '%ff', 'mail', 'a'.repeat(9000), ':', '0', '-1', '1e9', '{}'];
    const values = [...odd, 'H:x:1', '0.1', 'null', '[]', '"', 'bW9vbg', '%F0%9F%92%A9'];
    const bodies = [
      null,
      1,
      'x',
      [],
      {},
      { policy: {} },
      { policy: { rate: 'x,y:z' } },
      { count: 1 },
    ];
    const names = ['limit', 'cursor', 'function', 'state', 'unique', 'error', 'since', 'x', 'as'];
    const allowed = new Set(['jobRefused', 'noMemory', 'shardDown']);
    for (let i = 0; i < (isFull ? 50_000 : 600); i++) {
      const template = random.pick(templates);
      const path = random.oneIn(9) ? `/v1/${random.pick(values)}` : template;
      const filled = path.replace(/\{\w+\}/, () => random.pick(values)) || '/v1';
      const query = random.oneIn(2) ? `?${random.pick(names)}=${random.pick(values)}` : '';
      const method = random.pick(['GET', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
      const body = method === 'GET' || random.oneIn(3) ? undefined : random.pick(bodies);
      const init = body === undefined ? {} : { body };
      const etag = random.oneIn(2) ? { headers: { 'if-match': '*' } } : {};
      const answer = await call(method, filled + query, { ...init, ...etag });
      const what = `${method} ${filled}${query} ${JSON.stringify(body)}: ${answer.text}`;
      expect(answer.status, what).not.toBe(500);
      if (answer.status === 503) expect(allowed, what).toContain(answer.body.code);
      if (answer.status >= 400 && answer.status !== 431)
        expect(answer.body, what).toMatchObject({ status: answer.status });
    }
    expect(server.output()).not.toMatch(/a request at the control port failed/);
  }, 600_000);
});

it('without a token a caller on this machine may view, and pages of other origins nothing', async () => {
  const server = await startServer('geartrain', { args: ['--control=127.0.0.1:0'] });
  try {
    await vi.waitFor(() => expect(server.output()).toMatch(/control on/));
    const base = `http://${/control on (127\.0\.0\.1:\d+)/.exec(server.output())?.[1]}`;
    const call = async (method: string, path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(base + path, { method, headers });
      const body = (await response.json()) as Record<string, unknown>;
      return { status: response.status, body };
    };
    expect(await call('GET', '/v1')).toMatchObject({
      ...{ status: 200, body: { caller: 'anonymous', rights: { view: true, inspect: false } } },
    });
    for (const path of ['/v1/functions/mail:pause', '/v1/jobs', '/v1/bulk'])
      expect((await call('POST', path)).status, path).toBe(401);
    const origin = 'http://evil.example';
    expect((await call('GET', '/v1', { origin })).body.code).toBe('originForeign');
    expect((await call('POST', '/v1/jobs', { origin })).body.code).toBe('originForeign');
    expect((await call('GET', '/v1', { origin: base })).status).toBe(200);
  } finally {
    await server.stop();
  }
});
