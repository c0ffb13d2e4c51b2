/** Puts between a shard's thread and the store's come out as they went in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Change } from '../../../src/store/database/backend.ts';
import { Packed, unpackPuts } from '../../../src/store/database/packed.ts';

describe('packed puts with runs', () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  const puts = fc.array(
    fc.record({
      key: fc.uint8Array({ maxLength: 64 }),
      functionName: bytes,
      priority: fc.nat(2),
      startSeconds: fc.nat(),
      workload: bytes,
      change: fc.constantFrom(...Object.values(Change)),
      runs: fc.record({
        id: bytes,
        handle: fc.uint8Array({ maxLength: 63 }),
        attempts: fc.nat(1000),
        losses: fc.nat(65_535),
        dueMs: fc.double({ min: 0, max: 2 ** 53, noNaN: true }),
        delayMs: fc.double({ min: 0, max: 2 ** 53, noNaN: true }),
        isDead: fc.boolean(),
        details: fc.uint8Array({ maxLength: 5000 }),
      }),
    }),
  );

  it('come out as they went in, but for dropped ones', () => {
    fc.assert(
      fc.property(puts, fc.nat(), (all, dropped) => {
        const packed = new Packed();
        const offsets = all.map((put) => packed.addPut(put));
        const number = dropped % Math.max(1, all.length);
        if (all.length > 0) packed.drop(offsets[number] as number);
        const wanted = all.map((put, i) => (i === number ? null : put));
        expect(unpackPuts(packed.used.slice())).toEqual(wanted);
      }),
      { numRuns: 200 },
    );
  });
});
