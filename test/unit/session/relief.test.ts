/** --max-memory of two threads: the connection that holds most is closed wherever it lives, and no other. */
import { describe, expect, it } from 'vitest';
import { accountWords } from '../../../src/base/account.ts';
import { CrossThreadDialogue } from '../../support/cross-thread.ts';
import { rawPacket } from '../../support/packet-text.ts';

const MIB = 1 << 20;
const LIMIT = 16 * MIB;
const [CAN_DO, SUBMIT_JOB] = [1, 7] as const;

/** Shards 1 and 2, whose memory is one; records between them are carried by hand. */
class Shards {
  readonly one: CrossThreadDialogue;
  readonly two: CrossThreadDialogue;
  readonly #names: string[];

  constructor() {
    const memory = { memoryBytesMax: LIMIT, memoryWords: accountWords(3) };
    this.one = new CrossThreadDialogue({ ...memory, shardCount: 2, thread: 1 });
    this.two = new CrossThreadDialogue({ ...memory, shardCount: 2, thread: 2 });
    // There is no acceptor.
    this.one.cut(0);
    this.two.cut(0);
    const stems = Array.from({ length: 1100 }, (_, i) => `${i}`.padEnd(8000, 'n'));
    this.#names = stems.map((stem) => this.two.functionOf(2, stem));
  }

  /** `peer` of shard 1 sends all of a packet but its end. */
  stall(peer: string, mib: number): void {
    const packet = rawPacket(SUBMIT_JOB, `f\0\0${'x'.repeat(mib * MIB)}`);
    this.one.push(peer, packet.subarray(0, -MIB));
    this.one.thread.run();
  }

  /** A worker of shard 2 offers so many functions with names of 8 KB; `turned` is called behind each turn. */
  offer(count: number, turned: () => void): void {
    for (let i = 0; i < count; i += 20) {
      const packets = this.#names.slice(i, i + 20).map((name) => rawPacket(CAN_DO, name));
      this.two.push('worker', Buffer.concat(packets));
      this.two.thread.run();
      turned();
    }
  }

  /** The same, and records are carried: returns their kinds, each once. */
  offerAndCarry(count: number): string[] {
    const kinds = new Set<string>();
    this.offer(count, () => {
      for (const kind of this.carry()) kinds.add(kind);
    });
    return [...kinds];
  }

  carry(): string[] {
    const kinds: string[] = [];
    for (;;) {
      const records = [...this.one.records.splice(0), ...this.two.records.splice(0)];
      if (records.length === 0) return kinds;
      for (const { to, kind, a, b, c, d, payload } of records) {
        kinds.push(kind);
        const target = to === 1 ? this.one : this.two;
        target.heard(3 - to, kind, [a, b, c, d], payload);
      }
    }
  }

  get warnings(): readonly (readonly string[])[] {
    return [this.one.thread.warnings, this.two.thread.warnings];
  }

  isClosed(dialogue: CrossThreadDialogue, name: string): boolean {
    return dialogue.thread.reactor.isClosed(dialogue.peer(name).conn);
  }
}

describe('memory of two threads that is full', () => {
  it('closes the connection that holds most in the other thread, which has not filled it', () => {
    const shards = new Shards();
    const { one, two } = shards;
    shards.stall('greedy', 10);
    shards.stall('small', 2);
    expect(shards.offerAndCarry(500)).toEqual(['QUERY', 'RESULT', 'RELIEVE']);
    expect([shards.isClosed(one, 'greedy'), shards.isClosed(one, 'small')]).toEqual([true, false]);
    expect(shards.isClosed(two, 'worker')).toBe(false);
    const reason = /^close connection .*: memory is full and it holds most, 9\d{6} bytes$/;
    expect(shards.warnings).toEqual([[expect.stringMatching(reason)], []]);
    expect(one.thread.core.account.held + two.thread.core.account.held).toBeLessThan(LIMIT);
  });

  it('closes its own connection when that holds more than those elsewhere', () => {
    const shards = new Shards();
    const { one, two } = shards;
    shards.stall('small', 2);
    expect(shards.offerAndCarry(1100)).toEqual(['QUERY', 'RESULT']);
    expect([shards.isClosed(one, 'small'), shards.isClosed(two, 'worker')]).toEqual([false, true]);
    expect(shards.warnings).toEqual([[], [expect.stringContaining('it holds most')]]);
  });

  it('asks once until all have answered, and goes on without one that has died', () => {
    const shards = new Shards();
    const { one, two } = shards;
    shards.stall('greedy', 10);
    shards.offer(500, () => {});
    expect(two.records.map(({ kind }) => kind)).toEqual(['QUERY']);
    expect(two.thread.table.isRelieving).toBe(true);
    two.lose(1);
    expect(two.thread.table.isRelieving).toBe(false);
    expect(shards.isClosed(one, 'greedy')).toBe(false);
  });
});
