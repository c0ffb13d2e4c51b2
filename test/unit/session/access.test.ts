/** Rules of access: how they are read, and what they allow. */
import { describe, expect, it } from 'vitest';
import { Right } from '../../../src/protocol/packets.ts';
import { Access, type AccessRule, parseRule } from '../../../src/session/access.ts';

const rules = (...texts: string[]): AccessRule[] =>
  texts.map((text) => {
    const rule = parseRule(text);
    if (rule === undefined) throw new Error(`${text} is not understood`);
    return rule;
  });

describe('a rule', () => {
  it.each([
    ['any=submit', { who: 'any', name: '*', rights: Right.submit, functions: '*' }],
    [
      'token:billing=submit,work:invoice_*',
      {
        who: 'token',
        name: 'billing',
        rights: Right.submit | Right.work,
        functions: 'invoice_*',
      },
    ],
    ['cert:web-*=admin', { who: 'cert', name: 'web-*', rights: Right.admin, functions: '*' }],
    ['any=work:a:b=c', { who: 'any', name: '*', rights: Right.work, functions: 'a:b=c' }],
    ['any=work:ö', { who: 'any', name: '*', rights: Right.work, functions: '\xc3\xb6' }],
  ])('%s is understood', (text, rule) => {
    expect(parseRule(text)).toEqual(rule);
  });

  it.each([
    '',
    'any',
    'any=',
    'any=all',
    'any=submit,',
    'token=submit',
    'token:=submit',
    'Any=submit',
    'any=submit:',
    'any=submit:a b',
  ])('%s is not', (text) => {
    expect(parseRule(text)).toBeUndefined();
  });
});

describe('rights', () => {
  const access = new Access(
    rules(
      'any=submit:public_*',
      'token:billing=submit,work:*_invoice',
      'cert:web-*=admin',
      'token:all=work',
    ),
  );
  const nobody = { tokenName: null, commonName: null };

  it('of who shows nothing are those of any', () => {
    const rights = access.rightsOf(nobody);
    expect(rights.of('public_x')).toBe(Right.submit);
    expect(rights.of('private')).toBe(0);
    expect(rights.any).toBe(Right.submit);
  });

  it('of a token and a certificate add up', () => {
    const rights = access.rightsOf({ tokenName: 'billing', commonName: 'web-3' });
    expect(rights.of('new_invoice')).toBe(Right.submit | Right.work | Right.admin);
    expect(rights.of('new_invoices')).toBe(Right.admin);
    expect(rights.of('public_')).toBe(Right.submit | Right.admin);
  });

  it('of a name are not those of a longer one', () => {
    expect(access.rightsOf({ ...nobody, tokenName: 'billing2' }).any).toBe(Right.submit);
    expect(access.rightsOf({ ...nobody, commonName: 'myweb-3' }).any).toBe(Right.submit);
  });

  it.each([
    ['*', ['', 'a'], []],
    ['a*b*c', ['abc', 'aXbYc', 'abbc'], ['ab', 'ac', 'abcd', 'acb']],
    ['a*a', ['aa', 'aba'], ['a']],
    ['a**b', ['ab', 'aXb'], ['a']],
    ['exact', ['exact'], ['exact ', 'Exact', '']],
  ])('%s stands for what it looks like', (pattern, yes, no) => {
    const rights = new Access(rules(`any=work:${pattern}`)).rightsOf(nobody);
    for (const name of yes) expect([name, rights.of(name)]).toEqual([name, Right.work]);
    for (const name of no) expect([name, rights.of(name)]).toEqual([name, 0]);
  });

  it('forget names rather than keep them without bound', () => {
    const rights = access.rightsOf(nobody);
    for (let i = 0; i < 30_000; i++) rights.of(`stranger${i}`);
    expect(rights.of('public_x')).toBe(Right.submit);
  });
});
