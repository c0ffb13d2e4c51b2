/**
 * The other incarnations as the looks of this one have shown them. Rule: one is dead when looks have shown no new beat
 * of it for `ttlMs` while this server's own lease was valid, and at once in state `gone`.
 */
import type { Beat } from './beat.ts';

interface Other {
  beat: Beat;
  revision: number;
  /** When a look showed this revision first. */
  sinceMs: number;
  isDead: boolean;
}

export interface OtherServerEffect {
  /** `alive`: it was dead and has beaten again. */
  readonly type: 'dead' | 'alive';
  readonly incarnation: string;
}

export class OtherServers {
  readonly #ttlMs: number;
  readonly #others = new Map<string, Other>();

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  get(incarnation: string): Readonly<Other> | undefined {
    return this.#others.get(incarnation);
  }

  alive(): string[] {
    return [...this.#others].flatMap(([name, { isDead }]) => (isDead ? [] : [name]));
  }

  /** Those that may own buckets. */
  up(): string[] {
    return this.alive().filter((name) => this.#others.get(name)?.beat.state === 'up');
  }

  /** A look that counts has shown this beat. */
  saw(beat: Beat, revision: number, nowMs: number): OtherServerEffect[] {
    const { incarnation } = beat;
    const other = this.#others.get(incarnation);
    if (other === undefined) {
      this.#others.set(incarnation, { beat, revision, sinceMs: nowMs, isDead: false });
      return [];
    }
    if (revision <= other.revision) return [];
    other.beat = beat;
    other.revision = revision;
    other.sinceMs = nowMs;
    if (!other.isDead) return [];
    // It may have come back and have ended since: what it has announced meanwhile is over too.
    other.isDead = beat.state === 'gone' || beat.state === 'out';
    return [{ type: other.isDead ? 'dead' : 'alive', incarnation }];
  }

  /**
   * Finds the dead. `sentMs`: when the last look that counts was sent. `hasKept`: the own lease has been valid for a TTL
   * before.
   */
  judge(sentMs: number, hasKept: boolean): OtherServerEffect[] {
    const effects: OtherServerEffect[] = [];
    for (const [incarnation, other] of this.#others) {
      if (other.isDead) continue;
      const isOld = sentMs - other.sinceMs >= this.#ttlMs;
      if (other.beat.state !== 'gone' && !(isOld && hasKept)) continue;
      other.isDead = true;
      effects.push({ type: 'dead', incarnation });
    }
    return effects;
  }
}
