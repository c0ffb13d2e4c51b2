import { describe, expect, it } from 'vitest';
import { readOrder, withoutOrder, writeOrder } from '../../../src/policy/failure-order.ts';

describe('an order in front of an exception', () => {
  it.each([
    ['geartrain:dead\nno such user', 'dead', 'no such user'],
    ['geartrain:dead', 'dead', ''],
    ['geartrain:retry=0\n', 0, ''],
    ['geartrain:retry=1500\nbusy\nvery', 1500, 'busy\nvery'],
    ['geartrain:retry=9999999999\nlong', 30 * 86_400_000, 'long'],
  ] as const)('%j is %j', (text, order, rest) => {
    expect(readOrder(text)).toBe(order);
    expect(withoutOrder(text)).toBe(rest);
  });

  it.each([
    '',
    'no',
    'geartrain:deadly',
    'geartrain:dead more',
    ' geartrain:dead',
    'geartrain:retry=',
    'geartrain:retry=-1',
    'geartrain:retry=01',
    'geartrain:retry=1.5',
    'geartrain:retry=99999999999',
    'Geartrain:dead',
  ])('%j is none', (text) => {
    expect(readOrder(text)).toBeNull();
    expect(withoutOrder(text)).toBe(text);
  });

  it('reads back as it was written', () => {
    for (const order of ['dead', 0, 77] as const) {
      expect(readOrder(writeOrder(order, 'a\nb'))).toBe(order);
      expect(withoutOrder(writeOrder(order, 'a\nb'))).toBe('a\nb');
    }
  });
});
