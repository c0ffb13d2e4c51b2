/** The base of all databases, over one that does what a test says: failures, order, bounds, and what the log says. */
import { afterEach, describe, expect, it } from 'vitest';
import type {
  Backend,
  Batch,
  FoundRow,
  Put,
  Refusal,
} from '../../../src/store/database/backend.ts';
import { TAKEN_REASON } from '../../../src/store/database/backend.ts';
import { Packed, unpackKeys, unpackPuts } from '../../../src/store/database/packed.ts';
import { KeyMaker, uniqueOf } from '../../../src/store/database/stored-key.ts';
import { placeOf } from '../../support/store/database-address.ts';
import { jobFor, Life, type StorePlace } from '../../support/store-suite.ts';

/** Rows in memory; each write waits until it is let through. */
class Scripted {
  readonly rows = new Map<string, FoundRow>();
  readonly batches: string[] = [];
  opens = 0;
  /** Writes wait from now on. */
  isHeld = false;
  /** The next writes fail with this, after they were done or without. */
  failure: { readonly message: string; readonly isDone: boolean } | null = null;
  /** The next write alone fails with this. */
  failsOnce: { readonly message: string; readonly isDone: boolean } | null = null;
  isUnreachable = false;
  #held: (() => void)[] = [];
  /** Of each connection: the first one writes, the second one reads. */
  readonly lost: ((error: Error) => void)[] = [];

  release(): void {
    this.isHeld = false;
    for (const go of this.#held.splice(0)) go();
  }

  make(): Backend {
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
    const write = async ({ forgets, puts }: Batch): Promise<Refusal[]> => {
      if (this.isHeld) await new Promise<void>((resolve) => this.#held.push(resolve));
      const failure = this.failsOnce ?? this.failure;
      this.failsOnce = null;
      if (failure !== null && !failure.isDone) throw new Error(failure.message);
      const refusals: Refusal[] = [];
      for (const { key } of forgets) this.rows.delete(text(key));
      for (const [index, put] of puts.entries()) {
        if (this.rows.has(text(put.key))) refusals.push({ index, reason: TAKEN_REASON });
        else this.rows.set(text(put.key), copyOf(put));
      }
      const names = forgets.map(({ key }) => `-${text(key)}`);
      this.batches.push([...names, ...puts.map(({ key }) => `+${text(key)}`)].join(' '));
      if (failure !== null) throw new Error(failure.message);
      return refusals;
    };
    const { rows } = this;
    return {
      open: async (onLost) => {
        this.opens++;
        this.lost.push(onLost);
        if (this.isUnreachable) throw new Error('nobody is there');
      },
      unfit: () => null,
      write,
      find: async (wanted) => wanted.flatMap(({ key }) => rows.get(text(key)) ?? []),
      count: async () => rows.size,
      async *scan() {
        yield [...rows.values()];
      },
      close: async () => {},
    };
  }
}

function copyOf({ key, functionName, priority, startSeconds, workload }: Put): FoundRow {
  const copy = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);
  return {
    key: copy(key),
    functionName: copy(functionName),
    priority,
    startSeconds,
    workload: copy(workload),
  };
}

describe('a store in a database', () => {
  const lives: { readonly life: Life; readonly place: StorePlace }[] = [];
  afterEach(async () => {
    for (const { life, place } of lives.splice(0)) {
      await life.close();
      await place.remove();
    }
  });

  async function begin(scripted: Scripted): Promise<Life> {
    const kind = { label: 'scripted', isShared: true, make: () => scripted.make() };
    const place = placeOf(
      () => kind,
      null,
      () => {},
    );
    const life = await Life.begin(place);
    lives.push({ life, place });
    return life;
  }

  /** Turns until it is so. */
  async function turns(life: Life, until: () => boolean): Promise<void> {
    while (!until()) {
      life.turn();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  it('refuses a batch that failed, and removes what of it was written', async () => {
    const scripted = new Scripted();
    const life = await begin(scripted);
    life.append(jobFor('kept'));
    await life.until(1);
    scripted.failure = { message: 'the connection is gone', isDone: true };
    scripted.isUnreachable = true;
    life.append(jobFor('doubtful'));
    await turns(life, () => life.outcomes.length === 2);
    expect(life.outcomes).toEqual([
      ['kept', true],
      ['doubtful', false],
    ]);
    expect(life.store.health.isAccepting).toBe(false);
    expect(life.store.append(jobFor('refused'), 1, true)).toBe(0);
    scripted.failure = null;
    scripted.isUnreachable = false;
    await turns(life, () => life.store.health.isAccepting);
    await life.until(2);
    expect([...scripted.rows.keys()]).toEqual(['kept']);
    // It says that it works again when it has tried, which may be by now.
    expect(life.lines[0]).toBe(
      'scripted fails, background jobs are refused: the connection is gone',
    );
    life.append(jobFor('doubtful'));
    await life.until(3);
    expect([...scripted.rows.keys()]).toEqual(['kept', 'doubtful']);
    expect(life.lines.at(-1)).toMatch(/^scripted works again after /);
    expect(life.lines).toHaveLength(2);
  });

  it('keeps forgets while the database is away, and says once that it is', async () => {
    const scripted = new Scripted();
    const life = await begin(scripted);
    for (const name of ['a', 'b', 'c']) life.append(jobFor(name));
    await life.until(3);
    scripted.failure = { message: 'out of order', isDone: false };
    scripted.isUnreachable = true;
    life.forget('a');
    await turns(life, () => !life.store.health.isAccepting);
    life.forget('b');
    const { opens } = scripted;
    await turns(life, () => scripted.opens > opens + 3);
    expect(life.store.health.uncommitted).toBe(2);
    scripted.failure = null;
    scripted.isUnreachable = false;
    await life.until(3);
    expect([...scripted.rows.keys()]).toEqual(['c']);
    expect(life.lines).toEqual([
      'scripted fails, background jobs are refused: out of order',
      expect.stringMatching(/^scripted works again after /),
    ]);
  });

  it('writes a batch again whose connection has ended, and keeps the order', async () => {
    const scripted = new Scripted();
    const life = await begin(scripted);
    const { opens } = scripted;
    scripted.failsOnce = { message: 'idle for too long', isDone: false };
    life.append(jobFor('first'));
    life.turn();
    life.append(jobFor('second'));
    await life.until(2);
    expect(life.outcomes).toEqual([
      ['first', true],
      ['second', true],
    ]);
    expect(scripted.batches).toEqual(['+first', '+second']);
    expect(scripted.opens).toBe(opens + 1);
    expect(life.lines).toEqual([
      expect.stringMatching(
        /^scripted: connected anew after \d+ ms, nothing refused: idle for too long$/,
      ),
    ]);
  });

  it('takes what a batch of unknown outcome has written for its own', async () => {
    const scripted = new Scripted();
    const life = await begin(scripted);
    life.append(jobFor('over'));
    await life.until(1);
    scripted.failsOnce = { message: 'reset', isDone: true };
    life.forget('over');
    life.append(jobFor('doubtful', { workload: Buffer.from('once') }));
    await life.until(2);
    expect(life.outcomes.at(-1)).toEqual(['doubtful', true]);
    expect([...scripted.rows.keys()]).toEqual(['doubtful']);
    life.forget('doubtful');
    await life.until(2);
    expect([...scripted.rows.keys()]).toEqual([]);
  });

  it.each([
    ['workload', { workload: Buffer.from('of another') }],
    ['priority', { priority: 2 }],
    ['start', { startSeconds: 4_000_000_000 }],
  ])('refuses a put of unknown outcome that met a row of another %s', async (_, difference) => {
    const scripted = new Scripted();
    const life = await begin(scripted);
    const own = { key: Buffer.from('taken'), functionName: Buffer.from('f'), priority: 1 };
    const workload = Buffer.from('work of taken');
    scripted.rows.set('taken', { ...own, startSeconds: null, workload, ...difference });
    scripted.failsOnce = { message: 'reset', isDone: false };
    life.append(jobFor('taken'));
    await life.until(1);
    expect(life.outcomes).toEqual([['taken', false]]);
    expect([...scripted.rows.keys()]).toEqual(['taken']);
  });

  it('holds jobs while a connection that has ended is opened anew', async () => {
    const scripted = new Scripted();
    const life = await begin(scripted);
    const { opens } = scripted;
    scripted.isUnreachable = true;
    scripted.lost[0]?.(new Error('reset'));
    life.append(jobFor('held'));
    await turns(life, () => scripted.opens > opens);
    expect(life.store.health.isAccepting).toBe(true);
    scripted.isUnreachable = false;
    await life.until(1);
    expect(life.outcomes).toEqual([['held', true]]);
  });

  it('opens the connection anew before anybody has to wait for it', async () => {
    const scripted = new Scripted();
    const life = await begin(scripted);
    const { opens } = scripted;
    scripted.lost[0]?.(new Error('reset'));
    await turns(life, () => scripted.opens > opens);
    await turns(life, () => life.store.health.isAccepting);
    life.append(jobFor('a'));
    await life.until(1);
    expect(life.outcomes).toEqual([['a', true]]);
  });

  it('removes a unique before it is added again, whatever waits', async () => {
    const scripted = new Scripted();
    const life = await begin(scripted);
    life.append(jobFor('same'));
    await life.until(1);
    scripted.isHeld = true;
    life.append(jobFor('other'));
    life.turn();
    life.forget('same');
    life.append(jobFor('same'));
    life.forget('other');
    scripted.release();
    await life.until(3);
    expect(scripted.batches).toEqual(['+same', '+other', '-same -other +same']);
    expect([...scripted.rows.keys()]).toEqual(['same']);
  });

  it('writes nothing of a job that has ended before its batch', async () => {
    const scripted = new Scripted();
    const life = await begin(scripted);
    life.append(jobFor('short'));
    life.append(jobFor('long'));
    life.forget('short');
    await life.until(2);
    expect(scripted.batches).toEqual(['+long']);
    expect(life.outcomes.sort()).toEqual([
      ['long', true],
      ['short', true],
    ]);
  });

  it('does not remove the row that a refused job ran into', async () => {
    const scripted = new Scripted();
    const row = { key: Buffer.from('taken'), functionName: Buffer.from('f'), priority: 9 };
    scripted.rows.set('taken', { ...row, startSeconds: 0, workload: null });
    const life = await begin(scripted);
    scripted.isHeld = true;
    life.append(jobFor('taken'));
    life.turn();
    life.forget('taken');
    scripted.release();
    await life.until(1);
    expect(life.outcomes).toEqual([['taken', false]]);
    expect([...scripted.rows.keys()]).toEqual(['taken']);
    expect(life.lines).toContainEqual(`a background job was refused: ${TAKEN_REASON}`);
  });

  it('takes only so many bytes while the database does not answer', async () => {
    const scripted = new Scripted();
    const life = await begin(scripted);
    scripted.isHeld = true;
    const workload = new Uint8Array(8 * 1024 * 1024);
    let taken = 0;
    while (life.store.append(jobFor(`job ${taken}`, { workload }), taken + 1, true) > 0) taken++;
    expect(taken).toBeGreaterThan(5);
    expect(taken).toBeLessThan(10);
    scripted.release();
    await life.until(taken);
    expect(life.store.append(jobFor('after'), taken + 1, true)).toBeGreaterThan(0);
    await life.until(taken + 1);
  });
});

describe('keys of rows', () => {
  it('stand for no unique, for - and for themselves', () => {
    const keys = new KeyMaker();
    for (const unique of ['', '-', 'u', '--', 'geartrain:none', 'x'.repeat(64)]) {
      const first = keys.keyFor(Buffer.from(unique)) as Uint8Array;
      const second = keys.keyFor(Buffer.from(unique)) as Uint8Array;
      expect(Buffer.from(uniqueOf(first) as Uint8Array).toString()).toBe(unique);
      expect(Buffer.from(first).equals(second)).toBe(unique !== '' && unique !== '-');
      expect(first.length).toBeLessThanOrEqual(64);
    }
  });

  it('are none for a unique that looks like a made one, longer than 64 bytes or with a NUL within', () => {
    expect(new KeyMaker().keyFor(Buffer.from('geartrain:dash:0123456789ab:z1'))).toBeNull();
    expect(uniqueOf(Buffer.from('x'.repeat(65)))).toBeNull();
    expect(uniqueOf(Buffer.from('a\0b'))).toBeNull();
    expect(uniqueOf(Buffer.from('cut\0'))).toEqual(Buffer.from('cut'));
  });
});

describe('packed rows', () => {
  it('come out as they went in, but for dropped ones', () => {
    const put = (name: string, bytes: number): Put => ({
      key: Buffer.from(name),
      functionName: Buffer.from('f'.repeat(300)),
      priority: 2,
      startSeconds: 4_000_000_000,
      workload: new Uint8Array(bytes).fill(9),
    });
    const puts = [put('a', 0), put('b', 70_000), put('', 1)];
    const packed = new Packed();
    const offsets = puts.map((each) => packed.addPut(each));
    packed.drop(offsets[0] as number);
    const found = unpackPuts(packed.used);
    expect(found[0]).toBeNull();
    expect(found.slice(1).map((each) => each && copyOf(each))).toEqual(puts.slice(1).map(copyOf));
    const keys = new Packed();
    for (const each of puts) keys.addKey(each.key, each.functionName);
    expect(unpackKeys(keys.used).map(({ key }) => Buffer.from(key).toString())).toEqual([
      'a',
      'b',
      '',
    ]);
  });
});
