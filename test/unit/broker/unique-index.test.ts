import { describe, expect, it } from 'vitest';
import { UniqueIndex } from '../../../src/broker/unique-index.ts';
import { Random } from '../../support/random.ts';

const BYTES_MIN = 1024 * 8;

/** A well-mixed int32 of a small number. */
function hashOf(number: number): number {
  let h = Math.imul(number, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return h ^ (h >>> 13);
}

/** An index of which the test says what is looked for; `asked` collects the jobs that equals was asked about. */
class Fixture {
  wanted = 0;
  readonly asked: number[] = [];
  readonly discarded: Uint8Array[] = [];
  readonly index = new UniqueIndex(
    (job) => {
      this.asked.push(job);
      return job === this.wanted;
    },
    { discard: (bytes) => this.discarded.push(bytes) },
  );

  find(hash: number, wanted: number): number {
    this.wanted = wanted;
    return this.index.find(hash);
  }
}

describe('UniqueIndex', () => {
  it('finds what was inserted, also by the unsigned form of its hash, and not what was removed', () => {
    const fixture = new Fixture();
    fixture.index.insert(-5, 12);
    expect(fixture.find(-5, 12)).toBe(12);
    expect(fixture.find(-5 >>> 0, 12)).toBe(12);
    fixture.index.remove(-5 >>> 0, 12);
    expect(fixture.find(-5, 12)).toBe(0);
    expect(fixture.index.count).toBe(0);
  });

  it('asks equals only about jobs with the very same hash', () => {
    const fixture = new Fixture();
    fixture.index.insert(1, 11);
    fixture.index.insert(1 + 1024, 12);
    fixture.index.insert(1 + 2048, 13);
    expect(fixture.find(1 + 1024, 12)).toBe(12);
    expect(fixture.find(1 + 4096, 14)).toBe(0);
    expect(fixture.asked).toEqual([12]);
  });

  it('tells jobs of one hash apart by equals', () => {
    const fixture = new Fixture();
    for (let job = 1; job <= 20; job++) fixture.index.insert(7, job);
    fixture.index.remove(7, 5);
    for (let job = 1; job <= 20; job++) expect(fixture.find(7, job)).toBe(job === 5 ? 0 : job);
  });

  it('takes job numbers up to 2^32 - 2 and refuses others', () => {
    const fixture = new Fixture();
    fixture.index.insert(3, 0xfffffffe);
    expect(fixture.find(3, 0xfffffffe)).toBe(0xfffffffe);
    expect(() => fixture.index.insert(3, 0)).toThrow('no such job number');
    expect(() => fixture.index.insert(3, 0xffffffff)).toThrow('no such job number');
    fixture.index.remove(3, 0xfffffffe);
    expect(fixture.index.count).toBe(0);
  });

  it('refuses to remove what is not there', () => {
    const fixture = new Fixture();
    fixture.index.insert(3, 1);
    expect(() => fixture.index.remove(3, 2)).toThrow('it is not there');
    expect(() => fixture.index.remove(4, 1)).toThrow('it is not there');
    expect(fixture.index.count).toBe(1);
  });

  it('refuses to remove what is not there while it moves', () => {
    const fixture = new Fixture();
    for (let job = 1; job <= 720; job++) fixture.index.insert(hashOf(job), job);
    expect(fixture.index.bytes).toBe(3 * BYTES_MIN);
    expect(() => fixture.index.remove(hashOf(9000), 9000)).toThrow('it is not there');
    expect(fixture.index.count).toBe(720);
  });

  it('closes the gap in a run that goes over the end of the table', () => {
    const fixture = new Fixture();
    const hashes = [1022, 1023, 1022, 1023, 1, 1022, 0];
    hashes.forEach((hash, i) => {
      fixture.index.insert(hash, i + 1);
    });
    for (let gone = 0; gone < hashes.length; gone++) {
      fixture.index.remove(hashes[gone] as number, gone + 1);
      const found = hashes.map((hash, i) => fixture.find(hash, i + 1));
      expect(found).toEqual(hashes.map((_, i) => (i <= gone ? 0 : i + 1)));
    }
  });
});

describe('UniqueIndex growing and shrinking', () => {
  it('grows by a table twice as large and shrinks to the smallest one again', () => {
    const { index } = new Fixture();
    const count = 100_000;
    for (let job = 1; job <= count; job++) index.insert(hashOf(job), job);
    expect(index.bytes).toBe(262_144 * 8);
    for (let job = 1; job <= count; job++) index.remove(hashOf(job), job);
    expect([index.count, index.bytes]).toEqual([0, BYTES_MIN]);
  });

  it('never holds more than two tables, nor is fuller than 7/10', () => {
    const { index } = new Fixture();
    let most = 0;
    for (let job = 1; job <= 50_000; job++) {
      index.insert(hashOf(job), job);
      most = Math.max(most, index.bytes / Math.max(BYTES_MIN, job * 8));
      if (job * 8 > index.bytes * 0.7) expect(`fill at ${job}`).toBe('at most 7/10');
    }
    expect(most).toBeLessThan(4.5);
  });

  it('gives old tables back in whole once they are moved', () => {
    const fixture = new Fixture();
    for (let job = 1; job <= 1_000_000; job++) fixture.index.insert(hashOf(job), job);
    const bytes = new Map<ArrayBufferLike, number>();
    for (const piece of fixture.discarded) {
      bytes.set(piece.buffer, (bytes.get(piece.buffer) ?? 0) + piece.byteLength);
    }
    expect(Math.max(...fixture.discarded.map((piece) => piece.byteLength))).toBe(1024 * 1024);
    expect([...bytes.values()]).toEqual([1, 2, 4, 8].map((mib) => mib * 1024 * 1024));
    expect([...bytes.keys()].map((buffer) => buffer.byteLength)).toEqual([...bytes.values()]);
  });

  it('finds everything at every step of a move, with discarded memory scribbled over', () => {
    let wanted = 0;
    const index = new UniqueIndex((job) => job === wanted, { discard: (bytes) => bytes.fill(255) });
    const missing: string[] = [];
    const check = (from: number, to: number, step: number) => {
      for (wanted = from; wanted <= to; wanted += 97) {
        if (index.find(hashOf(wanted)) !== wanted) missing.push(`${wanted} at ${step}`);
      }
    };
    const top = 95_000;
    for (let job = 1; job <= top; job++) {
      index.insert(hashOf(job), job);
      if (job > 91_700 && job % 100 === 0) check(1, job, job);
    }
    for (let job = 1; job <= top; job++) {
      index.remove(hashOf(job), job);
      if (job > 62_000 && job % 100 === 0) check(job + 1, top, -job);
    }
    expect(missing).toEqual([]);
  });

  it.each([
    ['spread over all buckets', hashOf],
    ['at the end of every table, so that runs go over it', (n: number) => -1 - (n % 50)],
    ['in long runs', (n: number) => (n % 7) << 8],
    ['few and equal', (n: number) => hashOf(n % 300)],
  ])('agrees with a Map, hashes %s', (name, hash) => {
    const random = new Random(3);
    const isSpread = name.startsWith('spread');
    const [steps, wave, bound] = isSpread ? [300_000, 60_000, 40_000] : [30_000, 6_000, 1_500];
    let wanted = 0;
    const index = new UniqueIndex((job) => job === wanted);
    const model = new Set<number>();
    const faults: string[] = [];
    for (let step = 0; step < steps; step++) {
      const job = 1 + random.below(bound);
      wanted = job;
      if (index.find(hash(job)) !== (model.has(job) ? job : 0)) faults.push(`${step}: find ${job}`);
      const isFilling = step % wave < wave / 2;
      if (model.has(job) && (!isFilling || random.oneIn(4))) {
        index.remove(hash(job), job);
        model.delete(job);
      } else if (!model.has(job) && (isFilling || random.oneIn(30))) {
        index.insert(hash(job), job);
        model.add(job);
      }
      if (index.count !== model.size) faults.push(`${step}: count`);
    }
    for (const job of model) {
      wanted = job;
      if (index.find(hash(job)) !== job) faults.push(`end: find ${job}`);
    }
    for (const job of model) index.remove(hash(job), job);
    expect(faults).toEqual([]);
    expect([index.count, index.bytes <= 3 * BYTES_MIN]).toEqual([0, true]);
  });
});
