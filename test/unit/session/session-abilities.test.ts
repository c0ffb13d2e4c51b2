import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../src/base/byte-writer.ts';
import { SessionAbilities } from '../../../src/session/session-abilities.ts';

/** All names, newest first, listed in pieces of `bytesMax` bytes or little more. */
function namesOf(abilities: SessionAbilities, bytesMax = 1e9): string[] {
  const names: string[] = [];
  let before = 0;
  do {
    const out = new ByteWriter();
    before = abilities.list(before, bytesMax, out);
    const text = Buffer.from(out.take()).toString('latin1');
    expect(text.length).toBeLessThanOrEqual(bytesMax + 10);
    names.push(...text.split(' ').slice(1));
  } while (before !== 0);
  return names;
}

describe('what a connection offers', () => {
  it('is listed by registration, newest first', () => {
    const abilities = new SessionAbilities();
    for (const name of ['a', 'b', 'a', 'c']) abilities.add(name, 1);
    expect(namesOf(abilities)).toEqual(['c', 'a', 'b', 'a']);
    abilities.remove('a');
    expect(namesOf(abilities)).toEqual(['c', 'b']);
  });

  it('knows the owners, and which is new', () => {
    const abilities = new SessionAbilities();
    expect(abilities.add('a', 2)).toBe(true);
    expect(abilities.add('a', 2)).toBe(false);
    expect(abilities.add('b', 2)).toBe(false);
    expect(abilities.add('c', 5)).toBe(true);
    expect(abilities.owners).toBe((1 << 2) | (1 << 5));
    expect(abilities.remove('a')).toBe(true);
    expect(abilities.owners).toBe((1 << 2) | (1 << 5));
    expect(abilities.remove('b')).toBe(true);
    expect(abilities.remove('b')).toBe(false);
    expect(abilities.owners).toBe(1 << 5);
    expect(abilities.add('b', 2)).toBe(true);
  });

  it('keeps the sixteen newest registrations of one name', () => {
    const abilities = new SessionAbilities();
    for (const name of ['a', 'b']) abilities.add(name, 1);
    for (let i = 0; i < 100_000; i++) abilities.add('a', 1);
    expect(namesOf(abilities)).toEqual([...Array(16).fill('a'), 'b']);
    expect(abilities.remove('a')).toBe(true);
    expect(namesOf(abilities)).toEqual(['b']);
  });

  it('is listed in pieces as at once, whatever was registered again or ended', () => {
    const abilities = new SessionAbilities();
    const plain: string[] = [];
    let state = 7;
    const next = (count: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % count;
    };
    for (let i = 0; i < 20_000; i++) {
      const name = `n${next(300)}`;
      if (next(4) === 0) {
        abilities.remove(name);
        for (let at = plain.indexOf(name); at >= 0; at = plain.indexOf(name)) plain.splice(at, 1);
        continue;
      }
      abilities.add(name, 1);
      if (plain.filter((known) => known === name).length === 16)
        plain.splice(plain.lastIndexOf(name), 1);
      plain.unshift(name);
    }
    expect(plain.length).toBeGreaterThan(500);
    expect(namesOf(abilities)).toEqual(plain);
    expect(namesOf(abilities, 50)).toEqual(plain);
  });

  it('goes on in its listing behind registrations that have ended since', () => {
    const abilities = new SessionAbilities();
    for (let i = 0; i < 2000; i++) abilities.add(`n${i}`, 1);
    const out = new ByteWriter();
    const before = abilities.list(0, 100, out);
    out.take();
    for (let i = 500; i < 2000; i++) abilities.remove(`n${i}`);
    expect(abilities.list(before, 1e9, out)).toBe(0);
    const rest = Buffer.from(out.take()).toString('latin1');
    expect(rest.split(' ').slice(1)).toEqual(Array.from({ length: 500 }, (_, i) => `n${499 - i}`));
  });

  it('costs its names once, and nothing when all have ended', () => {
    const abilities = new SessionAbilities();
    const name = 'x'.repeat(8000);
    for (let i = 0; i < 16; i++) abilities.add(name, 1);
    expect(abilities.nameBytes).toBe(8000);
    expect(abilities.bytes).toBeLessThan(14_000);
    for (let i = 0; i < 100_000; i++) abilities.add(`n${i % 100}`, 1);
    for (let i = 0; i < 100; i++) abilities.remove(`n${i}`);
    abilities.remove(name);
    expect(abilities.bytes).toBe(0);
  });

  it('takes names that mean something to JavaScript', () => {
    const abilities = new SessionAbilities();
    abilities.add('__proto__', 1);
    expect(abilities.remove('constructor')).toBe(false);
    expect(namesOf(abilities)).toEqual(['__proto__']);
  });
});
