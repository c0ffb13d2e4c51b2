/**
 * The tokens of peers, as hashes: a thread's memory reveals no token. Rule: a look-up takes the same time for every
 * token, valid or not.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** One token: its name and the SHA-256 of its bytes, in hexadecimal. */
export interface TokenHash {
  readonly name: string;
  readonly sha256: string;
}

export class TokenTable {
  #entries: readonly { readonly key: string; readonly hash: Buffer }[] = [];

  constructor(tokens: readonly TokenHash[]) {
    this.renew(tokens);
  }

  /** Replaces the tokens. */
  renew(tokens: readonly TokenHash[]): void {
    this.#entries = tokens.map(({ name, sha256 }) => ({
      key: `${name} ${sha256}`,
      hash: Buffer.from(sha256, 'hex'),
    }));
  }

  /** The key of a token, which begins with its name and a blank; null for an unknown one. */
  keyOf(token: Uint8Array): string | null {
    const hash = createHash('sha256').update(token).digest();
    let found: string | null = null;
    for (const entry of this.#entries) if (timingSafeEqual(hash, entry.hash)) found = entry.key;
    return found;
  }

  has(key: string): boolean {
    return this.#entries.some((entry) => entry.key === key);
  }
}
