/** Parts of `gearman`: options, servers, hashes of workloads, lines, what is shown of progress. */
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { murmur3 } from '../../../src/cli/gearman/client/murmur3.ts';
import { jobLine, ProgressLine, runLine } from '../../../src/cli/gearman/client/progress-line.ts';
import { workloadsOf } from '../../../src/cli/gearman/client/workloads.ts';
import { LineCutter } from '../../../src/cli/gearman/line-cutter.ts';
import { GEARMAN, gearmanValues } from '../../../src/cli/gearman/options.ts';
import { serversOf, show } from '../../../src/cli/gearman/servers.ts';
import { findCommand } from '../../../src/cli/gearman/worker/command.ts';
import { readToolWords } from '../../../src/option/read-tool.ts';

const read = (...argv: string[]) => readToolWords(argv, GEARMAN);

describe('words of gearman', () => {
  test('short options are joined as with getopt, options may stand behind words', () => {
    const { values, operands, problems } = read('x', '-bvf', 'name', '-p4731', 'y', '-fother');
    expect(problems).toEqual([]);
    expect(operands).toEqual(['x', 'y']);
    expect(values).toMatchObject({ background: true, verbose: true, port: 4731 });
    expect(values.functions).toEqual(['name', 'other']);
  });

  test('-h is the host, and -- ends the options', () => {
    const { values, operands } = read('-h', 'a:1,b', '-w', '-f', 'f', '--', 'ls', '-h');
    expect(values.host).toEqual([
      { host: 'a', port: 1 },
      { host: 'b', port: null },
    ]);
    expect(operands).toEqual(['ls', '-h']);
  });

  test('a value given twice counts as given last', () => {
    expect(read('-p', '1', '-p', '2').values.port).toBe(2);
  });

  test.each([
    [['-L', '-I'], 'high'],
    [['-I', '-L'], 'low'],
    [['-I', '-L', '-I'], 'high'],
    [[], 'normal'],
  ])('%j is priority %s', (argv, priority) => {
    expect(gearmanValues(read(...argv)).priority).toBe(priority);
  });

  test.each([
    [['-t', 'soon'], /-t, --timeout: "soon" is not allowed, allowed is -1 to/],
    [['-c', '-1'], /-c, --count: "-1" is not allowed/],
    [['-p', '0'], /-p, --port: "0" is not allowed, allowed is 1 to 65535/],
    [['-u', 'ä'.repeat(33)], /-u, --unique: .* allowed is at most 64 bytes/],
    [['-zb'], /unknown option "-zb?"/],
    [['--function'], /argument missing/],
  ])('%j is refused', (argv, problem) => {
    expect(read(...argv).problems.join()).toMatch(problem);
  });
});

describe('servers', () => {
  const servers = (argv: string[], env: Record<string, string>) =>
    serversOf(read(...argv).values, env).map(show);

  test('are those of the options, with their own ports before the common one', () => {
    expect(servers([], {})).toEqual(['localhost:4730']);
    expect(servers(['-h', 'a,b:5,unix:/s', '-p', '6'], {})).toEqual(['a:6', 'b:5', 'unix:/s']);
  });

  test('are those of GEARMAN_SERVER instead, behind those of GEARMAN_SERVERS, each once', () => {
    const env = { GEARMAN_SERVER: 'c:7,d', GEARMAN_SERVERS: 'e,c:7' };
    expect(servers(['-h', 'a', '-p', '6'], env)).toEqual(['e:4730', 'c:7', 'd:4730']);
    expect(servers(['-h', 'a'], { GEARMAN_SERVERS: 'e' })).toEqual(['e:4730', 'a:4730']);
  });

  test('that cannot be read name the variable', () => {
    expect(() => servers([], { GEARMAN_SERVER: 'a:x y' })).toThrow(
      'GEARMAN_SERVER="a:x y" (environment) is not allowed',
    );
  });
});

describe('the number of a workload', () => {
  // As the C tool makes them: gearman -b -u '#'.
  test.each([['x', 1030509023]])('%j is %d', (text, hash) => {
    expect(murmur3(Buffer.from(text))).toBe(hash);
  });

  test('does not depend on where the bytes lie', () => {
    const bytes = Buffer.from('..hello, world');
    expect(murmur3(bytes.subarray(2))).toBe(murmur3(Buffer.from('hello, world')));
    expect(murmur3(bytes.subarray(1, 4))).toBe(murmur3(Buffer.from('.he')));
  });
});

describe('lines', () => {
  function cut(chunks: readonly Uint8Array[], keepsEnd: boolean): string[] {
    const cutter = new LineCutter(keepsEnd);
    const lines = [...chunks.flatMap((chunk) => [...cutter.push(chunk)]), ...cutter.flush()];
    return lines.map((line) => Buffer.from(line).toString('latin1'));
  }

  test('end with LF alone, and the last one needs none', () => {
    const chunks = [Buffer.from('a\0b\r\n\nlast')];
    expect(cut(chunks, true)).toEqual(['a\0b\r\n', '\n', 'last']);
    expect(cut(chunks, false)).toEqual(['a\0b\r', '', 'last']);
    expect(cut([], true)).toEqual([]);
    expect(cut([Buffer.from('a\n')], false)).toEqual(['a']);
  });

  test('are the same however the bytes come', () => {
    const text = fc.array(fc.constantFrom('a', '\n', '\0', '\xff'), { maxLength: 40 });
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 });
    fc.assert(
      fc.property(text, sizes, fc.boolean(), (characters, steps, keepsEnd) => {
        const bytes = Buffer.from(characters.join(''), 'latin1');
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const step = steps[i % steps.length] as number;
          chunks.push(bytes.subarray(at, at + step));
          at += step;
        }
        const whole = cut([bytes], keepsEnd);
        expect(cut(chunks, keepsEnd)).toEqual(whole);
        if (keepsEnd) expect(whole.join('')).toBe(characters.join(''));
      }),
    );
  });

  test('are read from the input one after the other', async () => {
    const values = gearmanValues(read('-n', '-f', 'f'));
    let given = 0;
    const input = Readable.from(
      (function* () {
        for (; given < 1000; given++) yield Buffer.from('line\n');
      })(),
      { objectMode: false, highWaterMark: 16 },
    );
    const lines = workloadsOf(values, [], input).all();
    for (let i = 0; i < 3; i++) await lines.next();
    expect(given).toBeLessThan(50);
  });
});

describe('progress', () => {
  test('of a job is a bar', () => {
    expect(jobLine('f', 50)).toBe('f [===============               ] 50%');
    expect(jobLine('f', 250)).toBe(`f [${'='.repeat(30)}] 250%`);
  });

  test('of a run has counts, rate and a bar where the end is known', () => {
    const run = { submitted: 3000, done: 2000, failed: 1, total: null };
    expect(runLine(run, 2)).toBe('3,000 submitted, 2,000 done, 1 failed, 1,001/s');
    expect(runLine({ submitted: 4, done: 2, failed: 0, total: 4 }, 0)).toBe(
      '[===============               ] 2 of 4, 2 done',
    );
  });

  test('is cut at the width of the terminal, and taken away', () => {
    const written: string[] = [];
    const line = new ProgressLine({ columns: 10, write: (text: string) => written.push(text) });
    expect(line.job('resize', 10)).toBe(true);
    line.clear();
    line.clear();
    expect(written).toHaveLength(2);
    expect(written[0]).toContain('resize [=');
    expect(written[0]).not.toContain('10%');
    expect(written[1]).toBe('\r\u001b[K');
  });

  test('is not shown where there is no terminal', () => {
    const line = new ProgressLine(null);
    expect(line.job('f', 10)).toBe(false);
  });
});

describe('a command', () => {
  test('is found as the system finds it', () => {
    expect(findCommand('sh', { PATH: '/no/such:/bin' })).toBe('/bin/sh');
    expect(findCommand('/bin/sh', {})).toBe('/bin/sh');
  });

  test('that is not there is told', () => {
    expect(() => findCommand('nosuch', { PATH: '/bin' })).toThrow(
      'command "nosuch": there is no such program in PATH',
    );
    expect(() => findCommand('/bin', {})).toThrow('command "/bin": there is no such program');
  });
});
