import { describe, expect, it } from 'vitest';
import {
  type Policy,
  PolicyError,
  parsePolicy,
  policyTexts,
  showPolicy,
} from '../../../src/policy/policy.ts';

describe('a policy', () => {
  it.each<[string, Policy]>([
    ['concurrency:0', { concurrency: 0 }],
    ['concurrency:1', { concurrency: 1 }],
    ['concurrency:1000000', { concurrency: 1_000_000 }],
    ['rate:0', { rate: null }],
    ['rate:1/s', { rate: { count: 1, perMs: 1000 } }],
    ['rate:20/m', { rate: { count: 20, perMs: 60_000 } }],
    ['rate:10000000/h', { rate: { count: 10_000_000, perMs: 3_600_000 } }],
    ['burst:1', { burst: 1 }],
    ['burst:1000000', { burst: 1_000_000 }],
    [
      'concurrency:5,rate:100/s,burst:3',
      { concurrency: 5, rate: { count: 100, perMs: 1000 }, burst: 3 },
    ],
  ])('is read from %s, and shown as that', (text, policy) => {
    expect(parsePolicy(text)).toEqual(policy);
    expect(showPolicy(policy)).toBe(text);
  });

  it('may have its keys in any order, and is shown in one', () => {
    expect(showPolicy(parsePolicy('burst:2,concurrency:1'))).toBe('concurrency:1,burst:2');
    expect(policyTexts(parsePolicy('burst:2,rate:5/m'))).toEqual([
      ['rate', '5/m'],
      ['burst', '2'],
    ]);
  });

  it('without keys is shown as nothing', () => {
    expect(showPolicy({})).toBe('');
    expect(policyTexts({})).toEqual([]);
  });

  it.each([
    ['concurrency:1000001', 'concurrency "1000001": allowed is 0 to 1000000, 0 = no limit'],
    ['concurrency:-1', 'concurrency "-1": allowed is 0 to 1000000, 0 = no limit'],
    ['concurrency:+1', 'concurrency "+1": allowed is 0 to 1000000, 0 = no limit'],
    ['concurrency:01', 'concurrency "01": allowed is 0 to 1000000, 0 = no limit'],
    ['concurrency:1.5', 'concurrency "1.5": allowed is 0 to 1000000, 0 = no limit'],
    ['concurrency:1e3', 'concurrency "1e3": allowed is 0 to 1000000, 0 = no limit'],
    ['concurrency: 1', 'concurrency " 1": allowed is 0 to 1000000, 0 = no limit'],
    ['concurrency:', 'concurrency "": allowed is 0 to 1000000, 0 = no limit'],
    ['concurrency', 'concurrency "": allowed is 0 to 1000000, 0 = no limit'],
    ['burst:0', 'burst "0": allowed is 1 to 1000000'],
    ['burst:1000001', 'burst "1000001": allowed is 1 to 1000000'],
    ...[
      '100',
      '0/s',
      '/s',
      '1/',
      '1/d',
      '1/S',
      '1/s/s',
      '-1/s',
      '1.5/s',
      '10000001/s',
      '1/toString',
    ].map((value) => [
      `rate:${value}`,
      `rate "${value}": allowed is N/s, N/m or N/h with N from 1 to 10000000, 0 = no limit`,
    ]),
  ])('is refused as %s', (text, message) => {
    expect(() => parsePolicy(text)).toThrow(new PolicyError(message));
  });

  it.each([
    ['concurency:5', 'there is no key "concurency", did you mean concurrency?'],
    ['Rate:5/s', 'there is no key "Rate", did you mean rate?'],
    ['colour:5', 'there is no key "colour"'],
    ['', 'there is no key ""'],
    ['rate:5/s,', 'there is no key ""'],
    ['__proto__:5', 'there is no key "__proto__"'],
    ['toString:5', 'there is no key "toString"'],
  ])('has no unknown key: %s', (text, message) => {
    const keys =
      ' (keys are concurrency, rate, burst, attempts, backoff, jitter, timeout, fg, dead, dead_age, dead_bytes)';
    expect(() => parsePolicy(text)).toThrow(new PolicyError(message + keys));
  });

  it('has each key once', () => {
    expect(() => parsePolicy('rate:5/s,burst:2,rate:5/s')).toThrow(
      new PolicyError('rate is given twice'),
    );
  });
});
