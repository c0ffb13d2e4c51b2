import { describe, expect, it } from 'vitest';
import { SessionAbilities } from '../../../src/session/session-abilities.ts';

describe('what a connection offers', () => {
  it('is listed by registration, newest first', () => {
    const abilities = new SessionAbilities();
    for (const name of ['a', 'b', 'a', 'c']) abilities.add(name, 1);
    expect(abilities.names()).toEqual(['c', 'a', 'b', 'a']);
    abilities.remove('a');
    expect(abilities.names()).toEqual(['c', 'b']);
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
    expect(abilities.names()).toEqual([...Array(16).fill('a'), 'b']);
    expect(abilities.remove('a')).toBe(true);
    expect(abilities.names()).toEqual(['b']);
  });

  it('takes names that mean something to JavaScript', () => {
    const abilities = new SessionAbilities();
    abilities.add('__proto__', 1);
    expect(abilities.remove('constructor')).toBe(false);
    expect(abilities.names()).toEqual(['__proto__']);
  });
});
