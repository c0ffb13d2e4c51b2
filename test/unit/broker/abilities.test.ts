import { describe, expect, it } from 'vitest';
import { Abilities } from '../../../src/broker/abilities.ts';
import { FunctionQueue } from '../../../src/broker/functions.ts';
import { Peer } from '../../../src/broker/peer.ts';
import { Random } from '../../support/random.ts';

const peer = new Peer(1, 0, 1);
const NONE = new Uint8Array(0);

/** The same rules on a plain list: what is looked at first is last. */
class Model {
  order: number[] = [];

  choose(levels: Uint8Array, isGlobal: boolean, rotates: boolean): number | undefined {
    let at = -1;
    for (let i = this.order.length - 1; i >= 0; i--) {
      const level = levels[this.order[i] as number] as number;
      if (level === 0 || (at >= 0 && level <= (levels[this.order[at] as number] as number)))
        continue;
      at = i;
      if (!isGlobal) break;
    }
    if (at < 0) return undefined;
    const [chosen] = rotates ? this.order.splice(at, 1) : [this.order[at]];
    if (rotates) this.order.unshift(chosen as number);
    return chosen;
  }
}

describe('the order in which a grab looks at functions', () => {
  it.each([
    ['global, rotating', true, true],
    ['global', true, false],
    ['by function, rotating', false, true],
    ['by function', false, false],
  ])('is that of a plain list: %s', (_name, isGlobal, rotates) => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed);
      const functions = Array.from({ length: 12 }, (_, i) => new FunctionQueue(i + 1, NONE, 0));
      const levels = new Uint8Array(16);
      const abilities = new Abilities();
      const model = new Model();
      const said: unknown[] = [];
      const wanted: unknown[] = [];
      for (let step = 0; step < 400; step++) {
        const fn = functions[random.below(12)] as FunctionQueue;
        const what = random.below(10);
        if (what < 2) {
          abilities.add(peer, fn, 0);
          model.order.push(fn.index);
        } else if (what === 2) {
          const ability = abilities.get(fn.index);
          if (ability !== undefined) abilities.remove(ability);
          model.order = model.order.filter((index) => index !== fn.index);
        } else if (what < 6) levels[fn.index] = random.below(4);
        else {
          const isServed = abilities.isServed(levels);
          // The highest level of all functions, offered or not.
          const enough = isGlobal ? Math.max(1, ...levels) : 1;
          const chosen = abilities.choose(levels, enough, rotates)?.fn.index;
          said.push(chosen, isServed);
          wanted.push(model.choose(levels, isGlobal, rotates), chosen !== undefined);
        }
        said.push(abilities.size);
        wanted.push(new Set(model.order).size);
      }
      expect(said, `seed ${seed}`).toEqual(wanted);
    }
  });

  it('keeps the sixteen newest registrations of one function', () => {
    const [often, once] = [new FunctionQueue(1, NONE, 0), new FunctionQueue(2, NONE, 0)] as const;
    const abilities = new Abilities();
    abilities.add(peer, often, 0);
    abilities.add(peer, once, 0);
    for (let i = 0; i < 100_000; i++) abilities.add(peer, often, i);
    expect(abilities.get(1)).toMatchObject({ registrations: 16, timeoutMs: 99_999 });
    // Rotation shows the whole order: what is served goes to its end.
    const served = Array.from({ length: 34 }, () => {
      const levels = Uint8Array.of(0, 2, 2);
      return abilities.choose(levels, 2, true)?.fn.index;
    });
    const round = [...Array(16).fill(1), 2];
    expect(served).toEqual([...round, ...round]);
  });

  it('counts registrations and keeps the newest timeout', () => {
    const abilities = new Abilities();
    const fn = new FunctionQueue(3, NONE, 0);
    abilities.add(peer, fn, 5000);
    const ability = abilities.add(peer, fn, 0);
    expect(ability.registrations).toBe(2);
    expect(ability.timeoutMs).toBe(0);
    abilities.clear();
    expect(abilities.size).toBe(0);
    expect(abilities.choose(new Uint8Array(8).fill(3), 3, true)).toBeUndefined();
  });
});
