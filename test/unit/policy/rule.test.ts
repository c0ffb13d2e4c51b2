import { describe, expect, it } from 'vitest';
import { PolicyError } from '../../../src/policy/policy.ts';
import { parseAliasRule, parsePolicyRule } from '../../../src/policy/rule.ts';

const POLICY_FORM = 'it must be FUNCTION=KEY:VALUE,...';
const ALIAS_FORM = 'it must be ALIAS=FUNCTION or ALIAS=FUNCTION{priority:high|normal|low}';

describe('a rule of --policy', () => {
  it('names the function and its policy', () => {
    expect(parsePolicyRule('mail=concurrency:5,rate:1/s')).toEqual({
      name: 'mail',
      policy: { concurrency: 5, rate: { count: 1, perMs: 1000 } },
    });
  });

  it('has other bytes of the name as %HH, and letters of other alphabets as UTF-8', () => {
    expect(parsePolicyRule('a%3Db=burst:2').name).toBe('a=b');
    expect(parsePolicyRule('%E9=burst:2').name).toBe('\xe9');
    expect(parsePolicyRule('\u00e9=burst:2').name).toBe('\xc3\xa9');
    expect(parsePolicyRule('__proto__=burst:2').name).toBe('__proto__');
  });

  it.each([
    ['mail', POLICY_FORM],
    ['', POLICY_FORM],
    ['=burst:2', POLICY_FORM],
    ['a%00=burst:2', POLICY_FORM],
    ['a%4=burst:2', POLICY_FORM],
    [
      'mail=',
      'there is no key "" (keys are concurrency, rate, burst, attempts, backoff, jitter, timeout, fg, dead, dead_age, dead_bytes)',
    ],
    ['mail=burst:0', 'burst "0": allowed is 1 to 1000000'],
  ])('is not %j', (text, message) => {
    expect(() => parsePolicyRule(text)).toThrow(new PolicyError(message));
  });
});

describe('a rule of --alias', () => {
  it.each([
    ['urgent=mail', { name: 'urgent', target: 'mail', priority: null }],
    ['urgent=mail{}', { name: 'urgent', target: 'mail', priority: null }],
    ['urgent=mail{priority:high}', { name: 'urgent', target: 'mail', priority: 'high' }],
    ['u=mail{priority:normal}', { name: 'u', target: 'mail', priority: 'normal' }],
    ['u=mail{priority:low}', { name: 'u', target: 'mail', priority: 'low' }],
    ['a%20b=%E9%7B', { name: 'a b', target: '\xe9{', priority: null }],
  ])('%s', (text, rule) => {
    expect(parseAliasRule(text)).toEqual(rule);
  });

  it.each([
    ['urgent', ALIAS_FORM],
    ['=mail', ALIAS_FORM],
    ['urgent=', ALIAS_FORM],
    ['urgent=a%00', ALIAS_FORM],
    ['urgent=mail{priority:high', ALIAS_FORM],
    ['urgent=mail}', ALIAS_FORM],
    ['urgent=mail{}{}', ALIAS_FORM],
    ['mail=mail', 'it is an alias of itself'],
    ['u=mail{rate:5/s}', '"rate:5/s": an alias may set priority:high|normal|low'],
    ['u=mail{high}', '"high": an alias may set priority:high|normal|low'],
    ['u=mail{priority:urgent}', 'priority "urgent": allowed is high, normal, low'],
    ['u=mail{priority:}', 'priority "": allowed is high, normal, low'],
    ['u=mail{priority:toString}', 'priority "toString": allowed is high, normal, low'],
  ])('is not %j', (text, message) => {
    expect(() => parseAliasRule(text)).toThrow(new PolicyError(message));
  });
});
