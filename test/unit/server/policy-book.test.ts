import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as files from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type GateSettings, gateSettings } from '../../../src/policy/gate-settings.ts';
import { parsePolicy } from '../../../src/policy/policy.ts';
import type { PolicyCommand } from '../../../src/policy/policy-command.ts';
import { parseAliasRule, parsePolicyRule } from '../../../src/policy/rule.ts';
import { PolicyBook } from '../../../src/server/policies/policy-book.ts';

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  return { ...real, rename: vi.fn(real.rename) };
});

const START_MS = 1_700_000_000_000;
const KEPT = 'OK\r\n';
const NOT_KEPT_LONG = 'OK until+the+server+ends\r\n';

let folder: string;
let nowMs: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'policy-book-'));
  nowMs = START_MS;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.mocked(files.rename).mockClear();
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

interface Setup {
  readonly policies?: readonly string[];
  readonly aliases?: readonly string[];
  readonly folder?: string | null;
}

/** A book of a server whose functions `a...` belong to thread 1, all others to thread 2. */
class Desk {
  readonly applied: GateSettings[] = [];
  readonly log: string[] = [];
  readonly answers: string[] = [];
  readonly book: PolicyBook;

  constructor({ policies = [], aliases = [], folder: kept = folder }: Setup = {}) {
    this.book = new PolicyBook({
      policies: policies.map(parsePolicyRule),
      aliases: aliases.map(parseAliasRule),
      folder: kept,
      isLocked: true,
      queueType: 'builtin',
      upgradeStore: () => {},
      log: { level: 7, log: (_level, text) => this.log.push(text) },
      now: () => nowMs,
      apply: (settings, done) => {
        this.applied.push(settings);
        done();
      },
      ownerOf: (name) => (name.startsWith('a') ? 1 : 2),
    });
  }

  static async open(setup: Setup = {}): Promise<Desk> {
    const desk = new Desk(setup);
    await desk.book.open();
    return desk;
  }

  /** Resolves to the answer. */
  run(kind: PolicyCommand['kind'], name: string, rest: Partial<PolicyCommand> = {}) {
    return new Promise<string>((resolve) => {
      this.book.run({ kind, name, ...rest }, (answer) => {
        this.answers.push(answer);
        resolve(answer);
      });
    });
  }

  set(name: string, policy: string) {
    return this.run('set', name, { policy });
  }

  show(name = '') {
    return this.run('show', name);
  }
}

const gate = (name: string, policy: string, isPaused = false, isDraining = false) =>
  gateSettings(name, policy === '' ? {} : parsePolicy(policy), isPaused, isDraining);
const path = () => join(folder, 'policies.json');
const kept = () => JSON.parse(readFileSync(path(), 'utf8')) as unknown;
const passTime = (ms: number) => {
  nowMs += ms;
  vi.advanceTimersByTime(ms);
};

describe('policies that operators change', () => {
  it('take effect, are kept, and are there again after a restart', async () => {
    const desk = await Desk.open();
    expect(await desk.set('mail', 'concurrency:5')).toBe(KEPT);
    expect(await desk.set('mail', 'rate:2/s')).toBe(KEPT);
    expect(await desk.run('pause', 'mail')).toBe(KEPT);
    expect(await desk.run('drain', 'caf\xe9 1')).toBe(KEPT);
    expect(await desk.run('pause', '__proto__')).toBe(KEPT);
    expect(desk.applied).toEqual([
      gate('mail', 'concurrency:5'),
      gate('mail', 'concurrency:5,rate:2/s'),
      gate('mail', 'concurrency:5,rate:2/s', true),
      gate('caf\xe9 1', '', false, true),
      gate('__proto__', '', true),
    ]);
    expect(readFileSync(path(), 'utf8')).toBe(
      '{"format":1,"functions":{"mail":{"policy":"concurrency:5,rate:2/s","paused":true},"caf%E9%201":{"draining":true},"__proto__":{"paused":true}}}\n',
    );
    await desk.book.close();

    const again = await Desk.open();
    expect(await again.show()).toBe(
      '__proto__\t-\tpaused\ncaf%E9%201\t-\tdraining\nmail\tconcurrency:5,rate:2/s\tpaused\n',
    );
    expect(again.book.gatesOf(2)).toEqual([
      gate('mail', 'concurrency:5,rate:2/s', true),
      gate('caf\xe9 1', '', false, true),
      gate('__proto__', '', true),
    ]);
  });

  it('are shown key by key with their origin', async () => {
    const desk = await Desk.open({ policies: ['mail=concurrency:5,rate:1/s'] });
    await desk.set('mail', 'rate:2/s,burst:3');
    await desk.run('drain', 'mail');
    expect(await desk.show('mail')).toBe(
      'concurrency\t5\toption\nrate\t2/s\tcommand\nburst\t3\tcommand\nstate\tdraining\t-\n.\n',
    );
    expect(await desk.show('other')).toBe('state\topen\t-\n.\n');
    expect(await desk.show()).toBe('mail\tconcurrency:5,rate:2/s,burst:3\tdraining\n');
  });

  it('win over the options key by key after a restart, with a notice for each hidden value', async () => {
    const before = await Desk.open({ policies: ['mail=concurrency:5,rate:1/s'] });
    await before.set('mail', 'rate:2/s');
    await before.set('mail', 'concurrency:5');
    await before.book.close();
    const desk = await Desk.open({ policies: ['mail=concurrency:9,burst:4', 'mail=rate:7/m'] });
    expect(desk.book.gatesOf(2)).toEqual([gate('mail', 'concurrency:5,rate:2/s,burst:4')]);
    expect(desk.log).toEqual([
      'policy of mail: concurrency:9 of the options is hidden by concurrency:5, which was set at run time; `policy mail reset` removes it',
      'policy of mail: rate:7/m of the options is hidden by rate:2/s, which was set at run time; `policy mail reset` removes it',
    ]);
    const same = await Desk.open({ policies: ['mail=concurrency:5'] });
    expect(same.log).toEqual([]);
  });

  it('are removed by reset, which leaves the state alone', async () => {
    const desk = await Desk.open({ policies: ['mail=concurrency:9'] });
    await desk.set('mail', 'concurrency:5,rate:2/s');
    await desk.run('pause', 'mail');
    expect(await desk.run('reset', 'mail')).toBe(KEPT);
    expect(desk.applied.at(-1)).toEqual(gate('mail', 'concurrency:9', true));
    expect(kept()).toEqual({ format: 1, functions: { mail: { paused: true } } });
    await desk.run('resume', 'mail');
    expect(kept()).toEqual({ format: 1, functions: {} });
    expect(await desk.show()).toBe('mail\tconcurrency:9\topen\n');
  });

  it('end pause and drain by resume', async () => {
    const desk = await Desk.open();
    await desk.run('pause', 'mail');
    await desk.run('drain', 'mail');
    expect(await desk.show()).toBe('mail\t-\tpaused,draining\n');
    expect(await desk.run('resume', 'mail')).toBe(KEPT);
    expect(desk.applied.at(-1)).toEqual(gate('mail', ''));
    expect(await desk.show()).toBe('');
  });

  it('last until the server ends without a state directory', async () => {
    const desk = await Desk.open({ folder: null });
    expect(await desk.run('pause', 'mail')).toBe(NOT_KEPT_LONG);
    expect(desk.applied).toEqual([gate('mail', '', true)]);
    expect(existsSync(path())).toBe(false);
    const again = await Desk.open({ folder: null });
    expect(again.book.gatesOf(2)).toEqual([]);
  });

  it('are refused with the reason, and nothing changes', async () => {
    const desk = await Desk.open({ aliases: ['urgent=ma%20il{priority:high}'] });
    expect(await desk.set('mail', 'concurency:5')).toBe(
      'ERR INVALID_POLICY there+is+no+key+"concurency",+did+you+mean+concurrency?+(keys+are+concurrency,+rate,+burst,+attempts,+backoff,+jitter,+timeout,+fg,+dead,+dead_age,+dead_bytes)\r\n',
    );
    expect(await desk.set('mail', 'burst:0')).toBe(
      'ERR INVALID_POLICY burst+"0":+allowed+is+1+to+1000000\r\n',
    );
    expect(await desk.run('pause', 'urgent')).toBe('ERR REFUSED urgent+is+an+alias+of+ma%20il\r\n');
    expect(await desk.run('pause', 'mail', { seconds: 30 * 86_400 + 1 })).toBe(
      'ERR REFUSED a+pause+lasts+at+most+2592000+seconds\r\n',
    );
    expect(desk.applied).toEqual([]);
    expect(existsSync(path())).toBe(false);
  });

  it('that come during a write are answered in their order, after one further write', async () => {
    const desk = await Desk.open();
    const commands = [
      desk.run('pause', 'a'),
      desk.set('b', 'concurrency:1'),
      desk.run('drain', 'a'),
      desk.set('b', 'concurrency:2'),
      desk.run('resume', 'a'),
    ];
    expect(desk.answers).toEqual([]);
    expect(await Promise.all(commands)).toEqual([KEPT, KEPT, KEPT, KEPT, KEPT]);
    expect(vi.mocked(files.rename)).toHaveBeenCalledTimes(2);
    expect(desk.applied.map(({ name }) => name)).toEqual(['a', 'b', 'a', 'b', 'a']);
    expect(desk.applied.at(-2)).toEqual(gate('b', 'concurrency:2'));
    expect(desk.applied.at(-1)).toEqual(gate('a', ''));
    expect(kept()).toEqual({ format: 1, functions: { b: { policy: 'concurrency:2' } } });
  });

  it('take effect only when they are kept', async () => {
    const desk = await Desk.open();
    const write = vi.mocked(files.rename);
    let isKept = false;
    write.mockImplementationOnce(async () => {
      expect(desk.applied).toEqual([]);
      isKept = true;
    });
    expect(await desk.run('pause', 'mail')).toBe(KEPT);
    expect(isKept).toBe(true);
    expect(desk.applied).toEqual([gate('mail', '', true)]);
  });

  it('that cannot be kept change nothing, and the answer says why', async () => {
    const desk = await Desk.open();
    await desk.set('mail', 'concurrency:5');
    const before = readFileSync(path(), 'utf8');
    mkdirSync(`${path()}.new`);
    const reason = /^ERR NOT_KEPT write\+\S+policies\.json:\+\S*EISDIR\S*\r\n$/;
    expect(await Promise.all([desk.run('pause', 'mail'), desk.set('mail', 'rate:1/s')])).toEqual([
      expect.stringMatching(reason),
      expect.stringMatching(reason),
    ]);
    expect(desk.applied).toEqual([gate('mail', 'concurrency:5')]);
    expect(await desk.show()).toBe('mail\tconcurrency:5\topen\n');
    expect(readFileSync(path(), 'utf8')).toBe(before);
    rmSync(`${path()}.new`, { recursive: true });
    expect(await desk.run('pause', 'mail')).toBe(KEPT);
    expect(desk.applied.at(-1)).toEqual(gate('mail', 'concurrency:5', true));
  });

  it('are carried out before the book closes', async () => {
    const desk = await Desk.open();
    const answer = desk.run('pause', 'mail');
    await desk.book.close();
    expect(desk.applied).toEqual([gate('mail', '', true)]);
    expect(await answer).toBe(KEPT);
  });
});

describe('many functions', () => {
  it('are listed in pieces', async () => {
    const desk = await Desk.open();
    const names = Array.from({ length: 1100 }, (_, i) => `f${i}`).sort();
    await Promise.all(names.map((name) => desk.run('pause', name)));
    let text = '';
    let pieces = 0;
    for (let cursor = 0; cursor !== 0 || pieces === 0; pieces++)
      desk.book.run({ kind: 'show', name: '', cursor }, (rows, next = 0) => {
        text += rows;
        cursor = next;
      });
    expect(pieces).toBeGreaterThan(1);
    expect(text).toBe(names.map((name) => `${name}\t-\tpaused\n`).join(''));
  });

  it('cannot be changed without end, nor with names without end', async () => {
    const desk = await Desk.open();
    const names = Array.from({ length: 10_000 }, (_, i) => `f${i}`);
    await Promise.all(names.map((name) => desk.run('pause', name)));
    expect(await desk.run('pause', 'more')).toBe(
      'ERR REFUSED 10000+functions+have+been+changed,+the+limit\r\n',
    );
    expect(await desk.run('drain', 'f7')).toMatch(/^OK/);
    expect(await desk.run('resume', 'more')).toMatch(/^OK/);
    expect(await desk.run('pause', 'n'.repeat(513))).toBe(
      'ERR REFUSED the+name+of+the+function+has+over+512+bytes\r\n',
    );
  });
});

describe('a pause with an end', () => {
  it('ends by itself', async () => {
    const desk = await Desk.open();
    expect(await desk.run('pause', 'mail', { seconds: 60 })).toBe(KEPT);
    expect(kept()).toEqual({ format: 1, functions: { mail: { paused: START_MS + 60_000 } } });
    passTime(59_000);
    expect(await desk.show()).toBe('mail\t-\tpaused:1\n');
    passTime(999);
    expect(desk.applied).toEqual([gate('mail', '', true)]);
    passTime(1);
    expect(desk.applied).toEqual([gate('mail', '', true), gate('mail', '')]);
    expect(await desk.show()).toBe('');
  });

  it('ends once, although the file cannot be written', async () => {
    const desk = await Desk.open();
    await desk.run('pause', 'mail', { seconds: 1 });
    mkdirSync(`${path()}.new`);
    passTime(1000);
    passTime(10_000);
    expect(desk.applied.slice(1)).toEqual([gate('mail', '')]);
    expect(desk.log.filter((text) => text === 'mail goes on')).toHaveLength(1);
  });

  it('is not ended by the end of an earlier one', async () => {
    const desk = await Desk.open();
    await desk.run('pause', 'mail', { seconds: 1 });
    // The book has done its work: the second pause is being written while the first one ends.
    await new Promise(setImmediate);
    const second = desk.run('pause', 'mail', { seconds: 60 });
    passTime(1000);
    await second;
    expect(desk.applied.at(-1)).toEqual(gate('mail', '', true));
    passTime(30_000);
    expect(await desk.show()).toBe('mail\t-\tpaused:29\n');
    expect(desk.applied.at(-1)).toEqual(gate('mail', '', true));
    passTime(30_000);
    expect(desk.applied.at(-1)).toEqual(gate('mail', ''));
  });

  it('ends at its time after a restart, and ends nothing else', async () => {
    const before = await Desk.open();
    await before.run('pause', 'a', { seconds: 60 });
    await before.run('drain', 'a');
    await before.run('pause', 'b', { seconds: 100 });
    await before.run('pause', 'c');
    await before.book.close();
    nowMs += 40_000;
    const desk = await Desk.open();
    expect(await desk.show()).toBe('a\t-\tpaused:20,draining\nb\t-\tpaused:60\nc\t-\tpaused\n');
    passTime(20_000);
    expect(desk.applied).toEqual([gate('a', '', false, true)]);
    await desk.book.close();
    passTime(40_000);
    expect(desk.applied).toHaveLength(1);
    const late = await Desk.open();
    expect(late.book.gatesOf(1)).toEqual([gate('a', '', false, true)]);
    expect(late.book.gatesOf(2)).toEqual([gate('c', '', true)]);
    expect(late.applied).toEqual([]);
  });

  it('may last longer than a timer can', async () => {
    const desk = await Desk.open({ folder: null });
    await desk.run('pause', 'mail', { seconds: 30 * 86_400 });
    passTime(29 * 86_400_000);
    expect(desk.applied).toHaveLength(1);
    passTime(86_400_000);
    expect(desk.applied.at(-1)).toEqual(gate('mail', ''));
  });
});

describe('a thread that starts', () => {
  it('gets the gates of its functions', async () => {
    const desk = await Desk.open({ policies: ['abc=rate:1/s', 'mail=concurrency:9'] });
    await desk.run('pause', 'abc');
    expect(desk.book.gatesOf(1)).toEqual([gate('abc', 'rate:1/s', true)]);
    expect(desk.book.gatesOf(2)).toEqual([gate('mail', 'concurrency:9')]);
    expect(desk.book.gatesOf(3)).toEqual([]);
  });

  it('gets what has changed while it started, once it runs', async () => {
    const desk = await Desk.open({ policies: ['abc=rate:1/s'] });
    desk.book.gatesOf(1);
    await desk.run('pause', 'abc');
    await desk.set('abc', 'rate:3/s');
    desk.applied.length = 0;
    desk.book.started(1);
    expect(desk.applied).toEqual([gate('abc', 'rate:3/s', true)]);
    desk.book.started(1);
    expect(desk.applied).toHaveLength(1);
  });

  it('that dies while it starts gets all of it from the beginning', async () => {
    const desk = await Desk.open();
    desk.book.gatesOf(1);
    await desk.run('pause', 'abc');
    expect(desk.book.gatesOf(1)).toEqual([gate('abc', '', true)]);
    desk.applied.length = 0;
    desk.book.started(1);
    expect(desk.applied).toEqual([]);
  });
});

describe('a file of policies that this version does not understand', () => {
  const form = (functions: unknown) => JSON.stringify({ format: 1, functions });

  it.each([
    ['{"format":1,', 'it is not JSON'],
    ['', 'it is not JSON'],
    ['null', 'its format is undefined, this version reads 1'],
    ['{"format":2,"functions":{}}', 'its format is 2, this version reads 1'],
    ['{"format":1}', 'its functions are missing'],
    [form([]), 'its functions are missing'],
    [form({ 'a%00': {} }), '"a%00" is not a name'],
    [form({ a: null }), 'function a: it is not an object'],
    [form({ a: { dead: 5 } }), 'function a: there is no member "dead"'],
    [form({ a: { policy: 5 } }), 'function a: its policy is not a text'],
    [
      form({ a: { policy: 'colour:5' } }),
      'function a: there is no key "colour" (keys are concurrency, rate, burst, attempts, backoff, jitter, timeout, fg, dead, dead_age, dead_bytes)',
    ],
    [form({ a: { paused: 'yes' } }), 'function a: paused is neither true nor a time'],
    [form({ a: { paused: -1 } }), 'function a: paused is neither true nor a time'],
    [form({ a: { draining: 1 } }), 'function a: draining is not true'],
  ])('%s', async (text, what) => {
    writeFileSync(path(), text);
    await expect(new Desk().book.open()).rejects.toThrow(
      new Error(
        `option --state-dir: read ${path()}: ${what}; put it back from a backup, or remove it to forget all pauses and policies that were set at run time`,
      ),
    );
    expect(readFileSync(path(), 'utf8')).toBe(text);
  });

  it('cannot be read', async () => {
    mkdirSync(path());
    await expect(new Desk().book.open()).rejects.toThrow(`option --state-dir: read ${path()}: `);
  });
});
