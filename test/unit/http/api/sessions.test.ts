/** Sessions of browsers: both halves are needed, and how they end. */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { ALL_RIGHTS } from '../../../../src/http/api/caller.ts';
import { refuseForeign } from '../../../../src/http/api/router.ts';
import { type Halves, Sessions, setCookie } from '../../../../src/http/api/sessions.ts';
import { FailedLogins } from '../../../../src/http/failed-logins.ts';

const HOUR_MS = 3_600_000;
const owner = { name: 'token ops', rights: ALL_RIGHTS };
const plain = { localPort: 9090 };

function request(headers: Record<string, string>, socket: object = plain): IncomingMessage {
  return { headers, socket } as unknown as IncomingMessage;
}
const withHalves = ({ cookie, half }: Partial<Halves>, name = 'geartrain-9090') =>
  request({
    ...(cookie === undefined ? {} : { cookie: `a=b; ${name}=${cookie}; c=d` }),
    ...(half === undefined ? {} : { 'x-geartrain-session': half }),
  });

describe('a session', () => {
  it('needs the cookie and the other half', () => {
    const sessions = new Sessions();
    const [mine, other] = [sessions.open(owner), sessions.open(owner)];
    expect(sessions.of(withHalves(mine))?.owner).toEqual(owner);
    expect(sessions.of(withHalves({ cookie: mine.cookie }))).toBeNull();
    expect(sessions.of(withHalves({ half: mine.half }))).toBeNull();
    expect(sessions.of(withHalves({ cookie: mine.cookie, half: other.half }))).toBeNull();
    expect(sessions.of(withHalves({ cookie: mine.half, half: mine.cookie }))).toBeNull();
    // A server on another port of the same host has its own cookie.
    expect(sessions.of(withHalves(mine, 'geartrain-9091'))).toBeNull();
  });

  it('is found although another server has set a cookie of the same name', () => {
    const sessions = new Sessions();
    const { cookie, half } = sessions.open(owner);
    const headers = { cookie: `geartrain-9090=x; geartrain-9090=${cookie}` };
    expect(sessions.of(request({ ...headers, 'x-geartrain-session': half }))).not.toBeNull();
  });

  it('lasts twelve hours, and ends with a logout or a renewal', () => {
    let now = 0;
    const sessions = new Sessions(() => now);
    const [first, second, third] = [1, 2, 3].map(() => sessions.open(owner)) as [
      ...[Halves, Halves, Halves],
    ];
    const found = sessions.of(withHalves(first));
    if (found === null) throw new Error('there is no session');
    sessions.end(found);
    expect(found.isEnded).toBe(true);
    expect(sessions.of(withHalves(first))).toBeNull();
    now = 12 * HOUR_MS - 1;
    expect(sessions.of(withHalves(second))).not.toBeNull();
    now = 12 * HOUR_MS;
    expect(sessions.of(withHalves(second))).toBeNull();
    now = 0;
    expect(sessions.of(withHalves(third))).not.toBeNull();
    sessions.endAll();
    expect(sessions.of(withHalves(third))).toBeNull();
  });

  it('gives way as the 1,001st, the oldest one of the owner with the most', () => {
    const sessions = new Sessions();
    const single = sessions.open({ ...owner, name: 'token single' });
    const many = Array.from({ length: 999 }, () => sessions.open(owner));
    const isOpen = (halves: Halves) => sessions.of(withHalves(halves)) !== null;
    expect(many.every(isOpen)).toBe(true);
    const last = sessions.open(owner);
    expect([isOpen(single), isOpen(last), many.filter(isOpen).length]).toEqual([true, true, 998]);
    expect(isOpen(many[0] as Halves)).toBe(false);
  });

  it('has a cookie that no script and no other site gets; by TLS it is bound to the host', () => {
    const rest = 'Path=/; HttpOnly; SameSite=Strict';
    expect(setCookie(request({}), 'word')).toBe(`geartrain-9090=word; ${rest}; Max-Age=43200`);
    expect(setCookie(request({}), null)).toBe(`geartrain-9090=; ${rest}; Max-Age=0`);
    const tls = Object.assign(Object.create(TLSSocket.prototype), {});
    Object.defineProperty(tls, 'localPort', { value: 443 });
    expect(setCookie(request({}, tls), 'word')).toBe(
      `__Host-geartrain-443=word; ${rest}; Max-Age=43200; Secure`,
    );
  });
});

describe('where a request may come from', () => {
  const session = { owner, endsMs: 1, isEnded: false };
  const callers = {
    session: { isBearer: false, session },
    bearer: { isBearer: true },
    certificate: { isBearer: false },
  };
  const host = 'box:9090';
  it.each([
    ['session', true, { 'sec-fetch-site': 'same-origin' }, true],
    ['session', true, { 'sec-fetch-site': 'none' }, true],
    ['session', true, { 'sec-fetch-site': 'same-site', origin: 'http://box:9090' }, false],
    ['session', true, { 'sec-fetch-site': 'cross-site' }, false],
    ['session', true, { origin: 'http://box:9090' }, true],
    ['session', true, { origin: 'https://box:9090' }, true],
    ['session', true, { origin: 'http://box:9091' }, false],
    ['session', true, { origin: 'null' }, false],
    ['session', true, {}, false],
    ['session', false, {}, true],
    ['session', false, { origin: 'http://evil' }, false],
    ['certificate', true, {}, true],
    ['certificate', true, { 'sec-fetch-site': 'cross-site' }, false],
    ['certificate', true, { 'sec-fetch-site': 'same-origin', origin: 'http://evil' }, false],
    ['bearer', true, { 'sec-fetch-site': 'cross-site', origin: 'http://evil' }, true],
    ['bearer', true, {}, true],
  ] as const)('%s, unsafe %s, with %j: %s', (who, isUnsafe, headers, isAllowed) => {
    const send = () => refuseForeign({ headers: { host, ...headers } }, callers[who], isUnsafe);
    if (isAllowed) expect(send).not.toThrow();
    else expect(send).toThrow(expect.objectContaining({ code: 'originForeign' }));
  });
});

describe('failed logins', () => {
  it('are ten a minute for an address', () => {
    let now = 1_000;
    const logins = new FailedLogins(() => now);
    for (let i = 0; i < 10; i++) {
      expect(logins.waitS('10.0.0.1')).toBe(0);
      logins.failed('10.0.0.1');
    }
    expect(logins.waitS('10.0.0.1')).toBe(60);
    expect(logins.waitS('10.0.0.2')).toBe(0);
    now += 59_500;
    expect(logins.waitS('10.0.0.1')).toBe(1);
    now += 500;
    expect(logins.waitS('10.0.0.1')).toBe(0);
    logins.failed('10.0.0.1');
    expect(logins.waitS('10.0.0.1')).toBe(0);
  });

  it('count a network of IPv6 as one address', () => {
    const logins = new FailedLogins(() => 0);
    for (let i = 0; i < 10; i++) logins.failed(`2001:db8::${i + 1}`);
    expect(logins.waitS('2001:db8:0:0:7::1')).toBe(60);
    expect(logins.waitS('2001:db8:0:1::1')).toBe(0);
    for (let i = 0; i < 10; i++) logins.failed('::ffff:10.0.0.1');
    expect(logins.waitS('::ffff:10.0.0.2')).toBe(0);
  });

  it('of very many addresses take little memory: the oldest are forgotten', () => {
    const logins = new FailedLogins(() => 0);
    for (let i = 0; i < 10; i++) logins.failed('first');
    for (let i = 0; i < 10_000; i++) logins.failed(`other ${i}`);
    expect(logins.waitS('first')).toBe(0);
  });
});
