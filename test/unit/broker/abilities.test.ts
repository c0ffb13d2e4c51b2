import { describe, expect, it } from 'vitest';
import { Abilities } from '../../../src/broker/abilities.ts';
import { type FunctionQueue, FunctionTable } from '../../../src/broker/functions.ts';
import { Peer } from '../../../src/broker/peer.ts';
import { Random } from '../../support/random.ts';

const peer = new Peer(1, 0, 1);

/** A table of `count` functions with the indexes 1 to `count`. */
function tableOf(count: number): { table: FunctionTable; functions: FunctionQueue[] } {
  const table = new FunctionTable();
  const functions = Array.from({ length: count }, (_, i) => {
    const name = Uint8Array.of(i >> 8, i);
    return table.add(name, 0, name.length, i);
  });
  return { table, functions };
}

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
  // Of few functions most have jobs and all are looked at; of many few have, and only these are.
  it.each([
    ['global, rotating', 12, true, true],
    ['global', 12, true, false],
    ['by function, rotating', 12, false, true],
    ['by function', 12, false, false],
    ['global, rotating, many functions', 150, true, true],
    ['by function, many functions', 150, false, false],
    ['global, rotating, of very many most have jobs', 200, true, true],
    ['global, of very many most have jobs', 200, true, false],
    ['by function, rotating, of very many most have jobs', 200, false, true],
  ])('is that of a plain list: %s', (_name, count, isGlobal, rotates) => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed);
      const { table, functions } = tableOf(count);
      const { levels } = table;
      const abilities = new Abilities(peer);
      const model = new Model();
      const said: unknown[] = [];
      const wanted: unknown[] = [];
      const first = count > 12 ? count : 0;
      for (let i = 0; i < first; i++) {
        abilities.add(functions[i] as FunctionQueue, 0);
        model.order.push(i + 1);
      }
      for (let step = 0; step < 400; step++) {
        const fn = functions[random.below(count)] as FunctionQueue;
        const what = random.below(10);
        if (what < 2) {
          abilities.add(fn, 0);
          model.order.push(fn.index);
        } else if (what === 2) {
          const ability = abilities.get(fn.index);
          if (ability !== undefined) abilities.remove(ability);
          model.order = model.order.filter((index) => index !== fn.index);
        } else if (what < 6) {
          const isCalmed = count === 150 && table.served.length > 12;
          const changed = isCalmed ? (table.served[random.below(12)] as FunctionQueue) : fn;
          table.setLevel(changed, isCalmed ? 0 : random.below(4));
        } else {
          const isServed = abilities.isServed(table);
          // The highest level of all functions, offered or not.
          const enough = isGlobal ? Math.max(1, ...levels) : 1;
          const chosen = abilities.choose(table, enough, rotates)?.fn.index;
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
    const { table, functions } = tableOf(2);
    const [often, once] = functions as [FunctionQueue, FunctionQueue];
    for (const fn of functions) table.setLevel(fn, 2);
    const abilities = new Abilities(peer);
    abilities.add(often, 0);
    abilities.add(once, 0);
    for (let i = 0; i < 100_000; i++) abilities.add(often, i);
    expect(abilities.get(1)).toMatchObject({ registrations: 16, timeoutMs: 99_999 });
    // Rotation shows the whole order: what is served goes to its end.
    const served = Array.from({ length: 34 }, () => abilities.choose(table, 2, true)?.fn.index);
    const round = [...Array(16).fill(1), 2];
    expect(served).toEqual([...round, ...round]);
  });

  it('counts registrations and keeps the newest timeout', () => {
    const abilities = new Abilities(peer);
    const { table, functions } = tableOf(1);
    const fn = functions[0] as FunctionQueue;
    table.setLevel(fn, 3);
    abilities.add(fn, 5000);
    const ability = abilities.add(fn, 0);
    expect(ability.registrations).toBe(2);
    expect(ability.timeoutMs).toBe(0);
    abilities.remove(ability);
    expect(abilities.size).toBe(0);
    expect(abilities.choose(table, 3, true)).toBeUndefined();
  });
});
