import { describe, expect, it } from 'vitest';
import { bytesOf, latin1 } from '../../../src/base/bytes.ts';
import { FunctionTable } from '../../../src/broker/functions.ts';
import { Random } from '../../support/random.ts';

function find(table: FunctionTable, name: string, hash: number) {
  return table.find(bytesOf(`<${name}>`), 1, name.length, hash);
}

function add(table: FunctionTable, name: string, hash: number) {
  return table.add(bytesOf(`<${name}>`), 1, name.length, hash);
}

describe('the function table', () => {
  it('finds names whose hashes are equal', () => {
    const table = new FunctionTable();
    const [a, b, c] = ['a', 'b', 'cc'].map((name) => add(table, name, -7));
    expect(find(table, 'a', -7)).toBe(a);
    expect(find(table, 'b', -7)).toBe(b);
    expect(find(table, 'cc', -7)).toBe(c);
    expect(find(table, 'd', -7)).toBeNull();
    expect(find(table, 'a', 7)).toBeNull();
  });

  it('keeps a copy of the name', () => {
    const table = new FunctionTable();
    const bytes = bytesOf('name');
    const fn = table.add(bytes, 0, 4, 1);
    bytes.fill(0);
    expect(latin1(fn.name, 0, 4)).toBe('name');
  });

  it('is the same as a map, whatever comes and goes', () => {
    const random = new Random(3);
    const table = new FunctionTable();
    const model = new Map<string, ReturnType<typeof add>>();
    for (let step = 0; step < 5000; step++) {
      const name = `f${random.below(300)}`;
      // Few hashes, so that chains are long.
      const hash = Number(name.slice(1)) % 7;
      const known = model.get(name);
      expect(find(table, name, hash)).toBe(known ?? null);
      if (known === undefined) {
        const fn = add(table, name, hash);
        model.set(name, fn);
        table.setLevel(fn, 3);
      } else if (random.below(3) > 0) {
        table.drop(known);
        model.delete(name);
        expect(find(table, name, hash)).toBeNull();
        expect(table.levels[known.index]).toBe(0);
      }
      expect(table.count).toBe(model.size);
    }
    const indexes = [...model.values()].map((fn) => fn.index);
    expect(new Set(indexes).size).toBe(model.size);
    for (const fn of model.values()) expect(table.at(fn.index)).toBe(fn);
    expect(Math.max(...indexes)).toBeLessThan(table.indexEnd);
    expect(table.indexEnd).toBeLessThanOrEqual(301);
    expect(table.at(0)).toBeNull();
  });
});
