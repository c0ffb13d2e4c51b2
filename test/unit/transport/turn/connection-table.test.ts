import { describe, expect, test } from 'vitest';
import { GENERATION_MAX, SLOT_BITS, SLOT_MASK } from '../../../../src/protocol/batch.ts';
import { Connection, ConnectionTable } from '../../../../src/transport/turn/connection.ts';

const make = (id: number): Connection => new Connection(id, null as never, null, null as never);

describe('the connection table', () => {
  test('finds a connection by its whole id only', () => {
    const table = new ConnectionTable();
    const connection = table.add(make);
    expect(table.get(connection.id)).toBe(connection);
    expect(table.get(connection.id + (1 << SLOT_BITS))).toBeUndefined();
    expect(table.get(connection.id + 1)).toBeUndefined();
    expect(table.get(0)).toBeUndefined();
  });

  test('gives positive ids that do not come back before 2047 more', () => {
    const table = new ConnectionTable();
    const seen = new Set<number>();
    for (let i = 0; i < GENERATION_MAX; i++) {
      const connection = table.add(make);
      expect(connection.id).toBeGreaterThan(0);
      seen.add(connection.id);
      table.remove(connection);
    }
    expect(seen.size).toBe(GENERATION_MAX);
    expect(seen.has(table.add(make).id)).toBe(true);
  });

  test('uses the slot again that has been free for longest', () => {
    const table = new ConnectionTable();
    const [a, b, c] = [table.add(make), table.add(make), table.add(make)];
    for (const connection of [b, c, a]) table.remove(connection);
    const slots = [0, 1, 2, 3].map(() => table.add(make).id & SLOT_MASK);
    expect(slots).toEqual([b, c, a].map(({ id }) => id & SLOT_MASK).concat(3));
  });

  test('removes a connection once', () => {
    const table = new ConnectionTable();
    const first = table.add(make);
    table.remove(first);
    const second = table.add(make);
    table.remove(first);
    expect(table.get(second.id)).toBe(second);
    expect([...table]).toEqual([second]);
  });
});
