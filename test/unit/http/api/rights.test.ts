/** Who may do what at the control port: rights of rules, and what they imply. */
import { expect, it } from 'vitest';
import { type Caller, hasRight, hasServerRight, lackOf } from '../../../../src/http/api/caller.ts';
import { RIGHTS } from '../../../../src/http/api/schemas.ts';
import { Access, type AccessRule, parseRule } from '../../../../src/session/access.ts';

function callerWith(...rules: string[]): Caller {
  const access = new Access(rules.map((rule) => parseRule(rule) as AccessRule));
  const rights = access.rightsOf({ tokenName: 'ops', commonName: null });
  const known = { name: 'token ops', isAnonymous: false, isBearer: true };
  return { ...known, address: '127.0.0.1', port: 1, rights };
}

const rightsOf = (caller: Caller, name?: string) =>
  RIGHTS.filter((right) => hasRight(caller, right, name));
const serverRightsOf = (caller: Caller) => RIGHTS.filter((right) => hasServerRight(caller, right));

it.each([
  ['submit,work', []],
  ['view', ['view']],
  ['inspect', ['view', 'inspect']],
  ['operate', ['view', 'operate']],
  ['inspect,operate', ['view', 'inspect', 'operate']],
  ['admin', ['view', 'inspect', 'operate', 'admin']],
])('a rule with %s lets in for %j', (right, expected) => {
  const caller = callerWith(`token:ops=${right}`);
  expect(rightsOf(caller)).toEqual(expected);
  expect(rightsOf(caller, 'mail')).toEqual(expected);
  expect(serverRightsOf(caller)).toEqual(expected);
});

it('a rule for some functions is for these, and opens nothing of the server', () => {
  const caller = callerWith('token:ops=operate:mail_*', 'any=inspect:news');
  expect(rightsOf(caller, 'mail_in')).toEqual(['view', 'operate']);
  expect(rightsOf(caller, 'news')).toEqual(['view', 'inspect']);
  expect(rightsOf(caller, 'other')).toEqual([]);
  expect(rightsOf(caller)).toEqual(['view', 'inspect', 'operate']);
  expect(serverRightsOf(caller)).toEqual([]);
});

it('admin is never limited to functions, as with text commands', () => {
  const caller = callerWith('token:ops=admin:mail');
  expect(rightsOf(caller, 'other')).toEqual([...RIGHTS]);
  expect(serverRightsOf(caller)).toEqual([...RIGHTS]);
});

it('who is not known is asked for a token, who is known is refused', () => {
  const caller = callerWith('token:ops=view');
  expect(lackOf(caller, 'admin')).toMatchObject({ status: 403, code: 'notAllowed' });
  expect(lackOf({ ...caller, isAnonymous: true }, 'admin')).toMatchObject({
    ...{ status: 401, code: 'unauthenticated', headers: { 'WWW-Authenticate': 'Bearer' } },
  });
});
