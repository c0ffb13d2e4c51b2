/**
 * Other names of functions, for submits: a submit to an alias becomes one to the function itself before its owner is
 * computed. Rule: a name is found by its hash and its bytes, so that no submit makes a string.
 */
import { bytesOf, equalBytes } from '../base/bytes.ts';
import type { AliasRule } from '../policy/rule.ts';
import type { Frame } from '../protocol/frame.ts';
import { hashBytes } from '../protocol/hash.ts';
import { Priority } from '../protocol/packets.ts';

interface Alias {
  readonly name: Uint8Array;
  /** Name of the function, and a NUL. */
  readonly target: Uint8Array;
  readonly targetHash: number;
  /** As `Frame.priority`. */
  readonly priority: number;
  /** Another alias whose name has the same hash. */
  readonly next: Alias | null;
}

export class Aliases {
  readonly #byHash = new Map<number, Alias>();
  /** Payload of the last submit to an alias. */
  #payload = new Uint8Array(0);

  constructor(rules: readonly AliasRule[], hashSeed: number) {
    for (const rule of rules) {
      const name = bytesOf(rule.name);
      const target = bytesOf(`${rule.target}\0`);
      const hash = hashBytes(name, 0, name.length, hashSeed);
      this.#byHash.set(hash, {
        name,
        target,
        targetHash: hashBytes(target, 0, target.length - 1, hashSeed),
        priority: rule.priority === null ? 0 : 1 + Priority[rule.priority],
        next: this.#byHash.get(hash) ?? null,
      });
    }
  }

  /**
   * Turns a submit to an alias into one to the function. Its `bytes` are then valid until the next call; `start` and
   * `end` stay those of the packet in the arena.
   */
  resolve(frame: Frame): void {
    const alias = this.#find(frame);
    if (alias === null) return;
    const { target } = alias;
    const { off1, inlineEnd } = frame;
    const byteCount = target.length + inlineEnd - off1;
    if (this.#payload.length < byteCount) this.#payload = new Uint8Array(byteCount);
    this.#payload.set(target);
    this.#payload.set(frame.bytes.subarray(off1, inlineEnd), target.length);
    frame.bytes = this.#payload;
    frame.off = 0;
    frame.a0 = target.length - 1;
    frame.data += target.length - off1;
    frame.hash0 = alias.targetHash;
    frame.priority = alias.priority;
  }

  #find({ bytes, off, a0, hash0 }: Frame): Alias | null {
    let alias = this.#byHash.get(hash0) ?? null;
    while (
      alias !== null &&
      !(alias.name.length === a0 && equalBytes(alias.name, 0, bytes, off, a0))
    )
      alias = alias.next;
    return alias;
  }
}
