/**
 * Which peers may submit, work and administrate: `--allow` rules, compiled once for each thread, and the rights that
 * they give to a session. Rule: without rules there is no Access and every peer may do everything, as with gearmand;
 * with rules, everything that no rule allows is refused.
 *
 *   any=submit:public_*   token:NAME=submit,work:mail   cert:web-*=admin   token:NAME=view,operate:mail_*
 */

import { latin1Of } from '../policy/function-name.ts';
import { Right } from '../protocol/packets.ts';

type RightName = keyof typeof Right;

export interface AccessRule {
  readonly who: 'any' | 'token' | 'cert';
  /** Name of the token or common name of the certificate; `*` matches any text. */
  readonly name: string;
  /** Bits of `Right`. */
  readonly rights: number;
  /** Names of functions, Latin-1 as on the wire; `*` matches any text. */
  readonly functions: string;
}

/** The authenticated identity of a session. */
export interface Identity {
  readonly tokenName: string | null;
  readonly commonName: string | null;
}

const NAMES = Object.keys(Right).join('|');
const RULE = new RegExp(
  `^(any|(token|cert):([^\\s=]+))=((?:${NAMES})(?:,(?:${NAMES}))*)(?::(\\S+))?$`,
);

/** Parses one rule; undefined when it is invalid. */
export function parseRule(text: string): AccessRule | undefined {
  const match = RULE.exec(text);
  if (match === null) return undefined;
  const [, , who = 'any', name = '*', rights = '', functions = '*'] = match;
  return {
    who: who as AccessRule['who'],
    name,
    rights: rights.split(',').reduce((bits, right) => bits | Right[right as RightName], 0),
    functions: latin1Of(functions),
  };
}

export class Access {
  readonly #rules: readonly (AccessRule & { isFor(name: string): boolean })[];
  /** Rights by identity, so that all sessions of an identity share the results of look-ups. */
  readonly #known = new Map<string, Rights>();

  constructor(rules: readonly AccessRule[]) {
    this.#rules = rules.map((rule) => ({ ...rule, isFor: matcher(rule.name) }));
  }

  rightsOf(identity: Identity): Rights {
    const key = JSON.stringify([identity.tokenName, identity.commonName]);
    let rights = this.#known.get(key);
    if (rights !== undefined) return rights;
    rights = new Rights(this.#rules.filter((rule) => isMeant(rule, identity)));
    // An authority issues the names of certificates; their number is limited nevertheless.
    if (this.#known.size >= IDENTITIES_MAX) this.#known.clear();
    this.#known.set(key, rights);
    return rights;
  }
}

/** Identities and function names whose rights are cached. */
const IDENTITIES_MAX = 10_000;
const NAMES_MAX = 10_000;

/** The rights of one identity. */
export class Rights {
  /** Bits of the rights that it has for at least one function. */
  readonly any: number;
  /** Bits of the rights that a rule gives for all functions. */
  readonly all: number;
  readonly #rules: readonly { readonly rights: number; matches(name: string): boolean }[];
  readonly #known = new Map<string, number>();

  constructor(rules: readonly AccessRule[]) {
    this.any = rules.reduce((bits, rule) => bits | rule.rights, 0);
    const general = rules.filter(({ functions }) => functions === '*');
    this.all = general.reduce((bits, rule) => bits | rule.rights, 0);
    this.#rules = rules.map(({ rights, functions }) => ({ rights, matches: matcher(functions) }));
  }

  /** Bits of the rights for one function. */
  of(functionName: string): number {
    let bits = this.#known.get(functionName);
    if (bits !== undefined) return bits;
    bits = 0;
    for (const rule of this.#rules) if (rule.matches(functionName)) bits |= rule.rights;
    if (this.#known.size >= NAMES_MAX) this.#known.clear();
    this.#known.set(functionName, bits);
    return bits;
  }
}

/** Rights of a trusted peer: the program that embeds the server. */
export const ALL_RIGHTS = new Rights([
  { who: 'any', name: '*', rights: Right.submit | Right.work | Right.admin, functions: '*' },
]);

function isMeant(
  { who, isFor }: { readonly who: string; isFor(name: string): boolean },
  { tokenName, commonName }: Identity,
): boolean {
  if (who === 'any') return true;
  const name = who === 'token' ? tokenName : commonName;
  return name !== null && isFor(name);
}

/** Returns the test for a pattern in which `*` matches any text. Linear in the length of the name. */
function matcher(pattern: string): (name: string) => boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return (name) => name === pattern;
  const first = parts[0] as string;
  const last = parts.at(-1) as string;
  const middle = parts.slice(1, -1);
  return (name) => {
    if (name.length < first.length + last.length) return false;
    if (!name.startsWith(first) || !name.endsWith(last)) return false;
    let at = first.length;
    for (const part of middle) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= name.length - last.length;
  };
}
