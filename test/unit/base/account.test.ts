import { describe, expect, it } from 'vitest';
import { Account, accountWords } from '../../../src/base/account.ts';

const MIB = 1 << 20;
const UNIT = 1 << 16;

/** Accounts of `count` threads that share `limitMib`. */
function accounts(limitMib: number, count: number): { words: Int32Array; all: Account[] } {
  const words = accountWords(count);
  const all = Array.from({ length: count }, (_, i) => new Account(limitMib * MIB, words, i));
  return { words, all };
}

describe('the account', () => {
  it('of 0 has no limit and draws nothing', () => {
    const words = accountWords(1);
    const account = new Account(0, words, 0);
    account.held += 1e15;
    expect(account.isLimited).toBe(false);
    expect(account.held > account.granted).toBe(false);
    expect(account.admits(1e15)).toBe(true);
    expect(account.grow()).toBe(true);
    expect(account.rebalance()).toBe(Number.POSITIVE_INFINITY);
    account.overdraw();
    expect([...words]).toEqual([0, 0, 0, 0]);
  });

  it('draws 1 MiB at a time, and what is needed where no whole step is left', () => {
    const { words, all } = accounts(64, 2);
    const [a, b] = all as [Account, Account];
    a.held += 1;
    expect(a.held > a.granted).toBe(true);
    expect(a.grow()).toBe(true);
    expect(a.granted).toBe(MIB);
    expect(words[0]).toBe(16);
    b.held += 63 * MIB - 1;
    expect(b.grow()).toBe(true);
    expect(words[0]).toBe(64 * 16);
    a.held += MIB;
    expect(a.grow()).toBe(false);
    expect(words[0]).toBe(64 * 16);
  });

  it('stops new work at 7/8 of the limit, of all threads together', () => {
    const { all } = accounts(64, 2);
    const [a, b] = all as [Account, Account];
    a.held = 28 * MIB;
    b.held = 28 * MIB - UNIT;
    expect([a.grow(), b.grow()]).toEqual([true, true]);
    a.rebalance();
    b.rebalance();
    // What the other has drawn and does not use counts against this one, its own does not.
    expect(b.admits(UNIT)).toBe(false);
    expect(a.admits(UNIT)).toBe(false);
    b.held -= 2 * MIB;
    b.rebalance();
    expect(a.admits(UNIT)).toBe(true);
    expect(a.admits(2 * MIB)).toBe(false);
    // The last eighth is there for all else.
    a.held += 7 * MIB;
    expect(a.grow()).toBe(true);
    expect(a.admits(0)).toBe(false);
  });

  it('gives back what a thread no longer holds, all of it when that is nothing', () => {
    const { words, all } = accounts(64, 2);
    const [a, b] = all as [Account, Account];
    a.held = 60 * MIB;
    expect(a.grow()).toBe(true);
    a.held = 10 * MIB;
    expect(a.rebalance()).toBe(54 * MIB);
    expect(words[0]).toBe(11 * 16);
    b.held = 53 * MIB;
    expect(b.grow()).toBe(true);
    a.held = 0;
    a.rebalance();
    b.held = 0;
    b.rebalance();
    expect(words[0]).toBe(0);
  });

  it('says by how much all hold too much, and lets that be overdrawn', () => {
    const { words, all } = accounts(2, 1);
    const [account] = all as [Account];
    account.held = 3 * MIB;
    expect(account.grow()).toBe(false);
    expect(account.rebalance()).toBe(-MIB);
    account.held += UNIT;
    expect(account.held > account.granted).toBe(true);
    account.overdraw();
    expect(account.held > account.granted).toBe(false);
    account.held = MIB;
    expect(account.rebalance()).toBe(MIB);
    expect(words[0]).toBeLessThanOrEqual(32);
  });

  it('counts what is held elsewhere once', () => {
    let outside = 5 * MIB;
    const account = new Account(64 * MIB, accountWords(1), 0, () => outside);
    account.refresh();
    account.refresh();
    expect(account.held).toBe(5 * MIB);
    outside = MIB;
    account.rebalance();
    expect(account.held).toBe(MIB);
  });

  it('gives back what a thread had drawn that has died', () => {
    const { words, all } = accounts(64, 2);
    const [, b] = all as [Account, Account];
    b.held = 8 * MIB;
    b.grow();
    b.publish(8 * MIB, 8 * MIB);
    expect(words[0]).toBeGreaterThanOrEqual(8 * 16);
    const again = new Account(64 * MIB, words, 1);
    expect(again.held).toBe(0);
    expect([...words]).toEqual(new Array(7).fill(0));
  });

  it('names the thread of the greatest holder, once holders have more than an eighth', () => {
    const { all } = accounts(64, 3);
    const [a, b, c] = all as [Account, Account, Account];
    a.publish(3 * MIB, MIB);
    b.publish(3 * MIB, 2 * MIB);
    c.publish(2 * MIB, MIB);
    expect([a.threadOfMost, b.threadOfMost]).toEqual([-1, -1]);
    c.publish(3 * MIB, MIB);
    expect([a.threadOfMost, b.threadOfMost, c.threadOfMost]).toEqual([1, 1, 1]);
  });

  it('takes off all that a holder had when it is gone', () => {
    const account = new Account();
    const holder = { held: 0 };
    account.keep(holder, 300);
    account.keep(holder, -100);
    expect([account.held, holder.held]).toEqual([200, 200]);
    account.giveUp(holder);
    expect([account.held, holder.held]).toEqual([0, 0]);
  });
});

it('says whether copies that are not counted yet would fit, up to the whole limit', () => {
  const account = new Account(64 * MIB, accountWords(1));
  account.keep({ held: 0 }, 60 * MIB);
  account.rebalance();
  expect(account.fits(3 * MIB)).toBe(true);
  expect(account.fits(5 * MIB)).toBe(false);
  expect(new Account().fits(Number.MAX_SAFE_INTEGER)).toBe(true);
});
