/** Aliases in the options of a server: both forms, and what is refused. Their effect: test/dialogues/aliases.txt. */
import { expect, it } from 'vitest';
import { parseAliasRule } from '../../../src/policy/rule.ts';
import { resolveOptions } from '../../../src/server/options.ts';

const rulesOf = (aliases: unknown) =>
  resolveOptions({ aliases } as object).aliases.map(parseAliasRule);

const HIGH = { name: 'mail_urgent', target: 'mail', priority: 'high' };

it.each([
  ['mail_urgent=mail{priority:high}', [HIGH]],
  [
    ['mail_urgent=mail{priority:high}', 'post=mail'],
    [HIGH, post('mail')],
  ],
  [{ mail_urgent: { function: 'mail', priority: 'high' }, post: 'mail' }, [HIGH, post('mail')]],
  [{ mail_urgent: 'mail{priority:high}', post: { function: 'mail' } }, [HIGH, post('mail')]],
  [{ post: { function: 'mail', priority: undefined } }, [post('mail')]],
  // Names are bytes: UTF-8 of a text, one character a byte.
  [{ 'a =é': { function: 'f{},%' } }, [{ ...post('f{},%'), name: 'a =\xc3\xa9' }]],
  [undefined, []],
  [{}, []],
])('%j is understood', (aliases, rules) => {
  expect(rulesOf(aliases)).toEqual(rules);
});

function post(target: string) {
  return { name: 'post', target, priority: null };
}

it.each([
  ['a=a', /"a=a": it is an alias of itself/],
  [{ a: { function: 'a' } }, /"a=a": it is an alias of itself/],
  [['a=b', 'b=c'], /a is an alias of b, which is an alias itself/],
  [['b=c', 'a=b'], /a is an alias of b, which is an alias itself/],
  [['a=b', 'a=c'], /a is an alias of two functions/],
  [['a=b', 'a=b{priority:low}'], /a is an alias of two functions/],
  ['a=b{priority:urgent}', /priority "urgent": allowed is high, normal, low/],
  [{ a: { function: 'b', priority: 'HIGH' } }, /priority "HIGH": allowed is high, normal, low/],
  ['a', /it must be ALIAS=FUNCTION/],
  [5, /aliases/],
  [{ a: 5 }, /aliases/],
  [{ a: { priority: 'high' } }, /aliases/],
])('%j is refused with the reason', (aliases, reason) => {
  expect(() => rulesOf(aliases)).toThrow(reason);
});

it('an alias with a policy is refused, also when the policy of its function is not', () => {
  const aliases = { mail_urgent: 'mail' };
  expect(() => resolveOptions({ aliases, policies: { mail_urgent: { concurrency: 1 } } })).toThrow(
    /mail_urgent has a policy; give the policy to the function that it stands for/,
  );
  expect(resolveOptions({ aliases, policies: { mail: { concurrency: 1 } } }).aliases).toHaveLength(
    1,
  );
});
