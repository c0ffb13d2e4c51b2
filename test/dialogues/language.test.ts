/** The language of dialogues: it must find every difference, name its line, and read back what it prints. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compare, type Heard } from '../support/dialogue/compare.ts';
import { groupsOf, readDialogues, rewriteDialogues } from '../support/dialogue/files.ts';
import { Names } from '../support/dialogue/names.ts';
import { type ScriptLine, type Step, stepsOf } from '../support/dialogue/script.ts';
import { bytesOf, wordsOf } from '../support/dialogue/words.ts';

const HANDLE1 = `H:t:${'1'.repeat(21)}`;
const HANDLE2 = `H:t:${'2'.repeat(21)}`;

const linesOf = (text: string): ScriptLine[] =>
  text.split('\n').map((line, at) => ({ text: line.trim(), place: `f.txt:${at + 1}` }));
const stepOf = (text: string): Step => stepsOf(linesOf(text))[0] as Step;
const heard = (peer: string, ...words: string[]): Heard => ({ peer, words });

describe('words', () => {
  it.each([
    ['abc', 'abc'],
    ['""', ''],
    ['"a b\\0\\n\\r\\t\\"\\\\\\#x\\xff"', 'a b\0\n\r\t"\\#x\xff'],
    ['x*3', 'xxx'],
    ['"a\\0"*2', 'a\0a\0'],
    ['x*3"y\\n"', 'xxxy\n'],
    ['pre#job', `pre${HANDLE1}`],
    ['"cancel job #job\\n"', `cancel job ${HANDLE1}\n`],
  ])('%s stands for its bytes', (text, bytes) => {
    const names = new Names();
    names.match(wordsOf('#job'), [HANDLE1]);
    expect(wordsOf(text).map((word) => names.fill(word))).toEqual([bytes]);
  });

  it.each(['', 'abc', 'a b', 'a*3', '#x', 'x'.repeat(99), '\0\n\r\t"\\\x7f\xff', `-${HANDLE1}-`])(
    'are printed so that they read back as %j',
    (bytes) => {
      const names = new Names();
      names.match(wordsOf('#job'), [HANDLE1]);
      expect(wordsOf(names.print(bytes)).map((word) => names.fill(word))).toEqual([bytes]);
    },
  );

  it('make packets, by name, number and exactly', () => {
    const hex = (text: string) => bytesOf(wordsOf(text), new Names()).toString('hex');
    expect(hex('GRAB_JOB')).toBe('00524551' + '00000009' + '00000000');
    expect(hex('TYPE_43 a b')).toBe('00524551' + '0000002b' + '00000003' + '610062');
    expect(hex('WORK_COMPLETE h')).toBe('00524551' + '0000000d' + '00000002' + '6800');
    expect(hex('WORK_COMPLETE! h')).toBe('00524551' + '0000000d' + '00000001' + '68');
    expect(hex('RES_GRAB_JOB')).toBe('00524553' + '00000009' + '00000000');
    expect(hex('"status\\n"')).toBe(Buffer.from('status\n').toString('hex'));
  });

  it.each(['GRAB_JOBS', 'CAN_DO', 'CAN_DO f g', 'grab job'])(
    'of no packet are refused: %s',
    (text) => {
      expect(() => bytesOf(wordsOf(text), new Names())).toThrow();
    },
  );
});

describe('what is heard', () => {
  const step = stepOf('client > ECHO_REQ x\nclient < JOB_CREATED #a\nworker < NOOP');

  it('may come in any order between peers', () => {
    compare(step, [heard('worker', 'NOOP'), heard('client', 'JOB_CREATED', HANDLE1)], new Names());
  });

  it.each([
    ['f.txt:2: client < JOB_CREATED #a', [heard('worker', 'NOOP')]],
    ['f.txt:3: worker < NOOP', [heard('client', 'JOB_CREATED', HANDLE1)]],
    ['f.txt:2: client < JOB_CREATED #a', [heard('client', 'JOB_CREATED', 'no handle')]],
    ['f.txt:2: client < JOB_CREATED #a', [heard('client', 'JOB_CREATED')]],
    ['f.txt:2: client < JOB_CREATED #a', [heard('client', '(closed)')]],
    [
      'f.txt:1: client > ECHO_REQ x',
      [heard('client', 'JOB_CREATED', HANDLE1), heard('worker', 'NOOP'), heard('worker', 'NOOP')],
    ],
    [
      'f.txt:1: client > ECHO_REQ x',
      [heard('client', 'JOB_CREATED', HANDLE1), heard('worker', 'NOOP'), heard('third', '"', 'x')],
    ],
  ])('fails at the line that differs: %s, %j', (place, found) => {
    expect(() => compare(step, found, new Names())).toThrow(place);
  });

  it('shows what was heard instead', () => {
    const found = [heard('client', 'ERROR', 'CODE', 'some text'), heard('worker', 'NOOP')];
    expect(() => compare(step, found, new Names())).toThrow('client < ERROR CODE "some text"');
  });

  it('must come in order to one peer', () => {
    const two = stepOf('a > GRAB_JOB\na < NOOP\na < NO_JOB');
    compare(two, [heard('a', 'NOOP'), heard('a', 'NO_JOB')], new Names());
    const swapped = [heard('a', 'NO_JOB'), heard('a', 'NOOP')];
    expect(() => compare(two, swapped, new Names())).toThrow('f.txt:2');
  });

  it('tells packets from text', () => {
    const line = stepOf('a > "version\\n"\na < "NOOP"');
    expect(() => compare(line, [heard('a', 'NOOP')], new Names())).toThrow('f.txt:2');
  });

  it('keeps a value of a name, and gives no value to two names', () => {
    const names = new Names();
    compare(stepOf('a > NOOP!\na < JOB_CREATED #a'), [heard('a', 'JOB_CREATED', HANDLE1)], names);
    const again = stepOf('a > NOOP!\na < JOB_CREATED #a');
    const other = stepOf('a > NOOP!\na < JOB_CREATED #b');
    expect(() => compare(again, [heard('a', 'JOB_CREATED', HANDLE2)], names)).toThrow('f.txt:2');
    expect(() => compare(other, [heard('a', 'JOB_CREATED', HANDLE1)], names)).toThrow('f.txt:2');
    compare(other, [heard('a', 'JOB_CREATED', HANDLE2)], names);
    expect([names.valueOf('a'), names.valueOf('b')]).toEqual([HANDLE1, HANDLE2]);
  });

  it('takes no handle of 64 bytes', () => {
    const long = `H:${'t'.repeat(40)}:${'1'.repeat(21)}`;
    const created = stepOf('a > NOOP!\na < JOB_CREATED #a');
    expect(() => compare(created, [heard('a', 'JOB_CREATED', long)], new Names())).toThrow();
    compare(created, [heard('a', 'JOB_CREATED', long.replace('tt:', ':'))], new Names());
  });

  it('may be rows in another order only where that is allowed', () => {
    const list = stepOf('a > "status\\n"\na < "f\\t#n\\n"\na < "g\\t2\\n"\na < ".\\n"');
    const rows = ['g\t2\n', 'f\t1\n', '.\n'].map((row) => heard('a', '"', row));
    compare(list, rows, new Names(), true);
    expect(() => compare(list, rows, new Names())).toThrow('f.txt:2');
    const [one, , end] = rows as [Heard, Heard, Heard];
    expect(() => compare(list, [one, end], new Names(), true)).toThrow('f.txt:2');
    expect(() => compare(list, [one, end, one], new Names(), true)).toThrow('f.txt:2');
  });
});

describe('files', () => {
  it.each([
    ['f.txt:1', '=== a case without a server\na > NOOP!'],
    ['f.txt:2', 'server\na > NOOP!'],
    ['f.txt:3', 'server\n=== title\nsomething else'],
    ['f.txt:3', 'server\n=== title\na < NOOP'],
    ['f.txt:4', 'server\n=== title\na > NOOP!\n=== title'],
    ['empty', 'server\n=== empty\n=== title\na > NOOP!'],
  ])('are refused with the line: %s of %j', (place, text) => {
    expect(() => groupsOf(linesOf(text))).toThrow(place);
  });

  it('say with what a server is started', () => {
    const text = 'server\nserver --exceptions --job-retries=2\nthreads 0 1\n=== t\na > NOOP!';
    const groups = groupsOf(linesOf(text)).map(({ args, threads }) => ({ args, threads }));
    expect(groups).toEqual([
      { args: [], threads: [0, 2] },
      { args: ['--exceptions', '--job-retries=2'], threads: [0, 1] },
    ]);
  });

  it('are rewritten only where answers differ', () => {
    const folder = mkdtempSync(join(tmpdir(), 'geartrain-dialogues-'));
    const path = join(folder, 'f.txt');
    try {
      const step = 'a > GRAB_JOB\n// why\na < NOOP\n';
      writeFileSync(path, `// head\nserver\n\n=== t\n${step}a > ECHO_REQ x\na < ECHO_RES x\n`);
      const file = readDialogues(path, 'f.txt');
      const place = file.groups[0]?.cases[0]?.steps[0]?.line.place as string;
      rewriteDialogues(file, new Map([[place, ['a < NO_JOB', 'b < NOOP']]]));
      const rewritten = 'a > GRAB_JOB\na < NO_JOB\nb < NOOP\n// why\n';
      const rest = 'a > ECHO_REQ x\na < ECHO_RES x\n';
      expect(readFileSync(path, 'utf8')).toBe(`// head\nserver\n\n=== t\n${rewritten}${rest}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
