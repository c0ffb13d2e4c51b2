/** Sessions of browsers with a real server: login, requests, logout, SIGHUP; and the audit file that SIGHUP opens anew. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startServer, type TestServer } from '../../support/servers.ts';

const TOKEN = 'the-control-token-of-this-test';
const WRONG = 'a-wrong-token-that-nobody-has';

let server: TestServer;
let folder = '';
let base = '';
/** All halves and tokens that the server has seen. */
const secrets = [TOKEN, WRONG];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'geartrain-sessions-'));
  writeFileSync(join(folder, 'control'), TOKEN);
  server = await startServer('geartrain', {
    threads: 0,
    args: [
      ...['--control=127.0.0.1:0', `--control-token-file=${join(folder, 'control')}`],
      ...[`--audit-log=${join(folder, 'audit')}`, '--verbose=DEBUG'],
    ],
  });
  await vi.waitFor(() => expect(server.output()).toMatch(/control on/));
  base = `http://${/control on (127\.0\.0\.1:\d+)/.exec(server.output())?.[1]}`;
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function call(method: string, path: string, headers: Record<string, string>, body?: string) {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const init = { method, headers: { ...json, ...headers } };
  const response = await fetch(base + path, body === undefined ? init : { ...init, body });
  const text = await response.text();
  const answer = text === '' ? null : JSON.parse(text);
  return { status: response.status, headers: response.headers, body: answer };
}

const bearer = (token = TOKEN) => ({ authorization: `Bearer ${token}` });
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' };

/** The headers of a new session. */
async function logIn() {
  const { status, headers, body } = await call('POST', '/v1/session', bearer(), '{}');
  expect(status).toBe(201);
  const cookie = /^[^;]+/.exec(headers.get('set-cookie') ?? '')?.[0] as string;
  secrets.push(cookie.slice(cookie.indexOf('=') + 1), body.half);
  return { cookie, 'x-geartrain-session': body.half as string };
}

it('a token is swapped for two halves that do together what the token does', async () => {
  const { status, headers, body } = await call('POST', '/v1/session', bearer(), '{}');
  expect([status, body]).toEqual([
    201,
    {
      ...{ half: expect.any(String), endsMs: expect.any(Number), caller: 'the control token' },
      rights: { view: true, inspect: true, operate: true, admin: true },
    },
  ]);
  expect(headers.get('set-cookie')).toMatch(
    /^geartrain-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
  );
  const session = await logIn();
  const { cookie, 'x-geartrain-session': half } = session;
  expect((await call('GET', '/v1', session)).body.caller).toBe('the control token');
  expect((await call('GET', '/v1', { cookie })).status).toBe(401);
  expect((await call('GET', '/v1', { 'x-geartrain-session': half })).status).toBe(401);
  const pause = (more: Record<string, string>, body?: string) =>
    call('POST', '/v1/functions/f:pause', { ...session, ...more }, body);
  expect((await pause({})).body.code).toBe('originForeign');
  expect((await pause({ 'sec-fetch-site': 'cross-site' })).body.code).toBe('originForeign');
  expect((await pause({ origin: 'http://evil.example' })).body.code).toBe('originForeign');
  expect((await pause({ origin: base })).status).toBe(200);
  expect((await pause(SAME_ORIGIN, '{}')).status).toBe(200);
  const form = { ...SAME_ORIGIN, 'content-type': 'application/x-www-form-urlencoded' };
  expect((await pause(form, 'seconds=1')).body.code).toBe('typeUnknown');
  // What a page could send does not bind a bearer.
  const resume = { ...bearer(), 'sec-fetch-site': 'cross-site', origin: 'http://evil.example' };
  expect((await call('POST', '/v1/functions/f:resume', resume)).status).toBe(200);
});

it('a session opens nothing but the API, and cannot begin another one', async () => {
  const session = await logIn();
  expect((await fetch(`${base}/metrics`, { headers: session })).status).toBe(401);
  expect((await call('POST', '/v1/session', { ...session, ...SAME_ORIGIN }, '{}')).status).toBe(
    401,
  );
});

it('ends with a logout', async () => {
  const [session, other] = [await logIn(), await logIn()];
  expect((await call('DELETE', '/v1/session', session)).body.code).toBe('originForeign');
  const ended = await call('DELETE', '/v1/session', { ...session, ...SAME_ORIGIN });
  expect([ended.status, ended.headers.get('set-cookie')]).toEqual([
    204,
    expect.stringContaining('Max-Age=0'),
  ]);
  expect((await call('GET', '/v1', session)).status).toBe(401);
  expect((await call('GET', '/v1', other)).status).toBe(200);
  expect((await call('DELETE', '/v1/session', bearer())).body.code).toBe('sessionUnknown');
});

it('SIGHUP ends all sessions, and opens the audit file anew', async () => {
  const session = await logIn();
  const [file, moved] = [join(folder, 'audit'), join(folder, 'audit.1')];
  await call('POST', '/v1/functions/before:pause', bearer(), '{}');
  renameSync(file, moved);
  process.kill(server.pid, 'SIGHUP');
  await vi.waitFor(() => expect(existsSync(file)).toBe(true));
  await vi.waitFor(async () => expect((await call('GET', '/v1', session)).status).toBe(401));
  await call('POST', '/v1/functions/after:pause', bearer(), '{}');
  const targets = (path: string) =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).target);
  expect(targets(moved)).toContain('before');
  expect(targets(file)).toEqual(['after']);
});

it('ten failed logins in a minute are enough, and a good token must wait too; no log has a secret', async () => {
  for (let i = 0; i < 10; i++)
    expect((await call('POST', '/v1/session', bearer(WRONG), '{}')).status).toBe(401);
  for (const token of [WRONG, TOKEN]) {
    const { status, headers, body } = await call('POST', '/v1/session', bearer(token), '{}');
    expect([status, body.code]).toEqual([429, 'tooManyLogins']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await call('GET', '/v1', bearer())).status).toBe(200);
  const { entries } = (await call('GET', '/v1/audit', bearer())).body;
  expect(entries).toContainEqual(expect.objectContaining({ action: 'session', result: 'ok' }));
  const logs = [
    server.output(),
    JSON.stringify(entries),
    readFileSync(join(folder, 'audit'), 'utf8'),
  ];
  expect(server.output()).toMatch(/control port: its token is not known/);
  for (const log of logs) for (const secret of secrets) expect(log).not.toContain(secret);
});
