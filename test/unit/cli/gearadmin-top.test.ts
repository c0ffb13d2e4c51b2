/** What `gearadmin top` makes of what a server tells: rows, rates, order, cells, screens. */
import picocolors from 'picocolors';
import { describe, expect, test } from 'vitest';
import { age, cells } from '../../../src/cli/gearadmin/top/cells.ts';
import { changes, type FunctionRow } from '../../../src/cli/gearadmin/top/changes.ts';
import { frame } from '../../../src/cli/gearadmin/top/frame.ts';
import { type FunctionFigures, Looker } from '../../../src/cli/gearadmin/top/look.ts';
import {
  nextSortKey,
  SORT_KEYS,
  type SortKey,
  sorted,
} from '../../../src/cli/gearadmin/top/sort.ts';

function figures(name: string, some: Partial<FunctionFigures> = {}): FunctionFigures {
  const failed = { retrying: null, dead: null };
  const gate = { gate: null, isDraining: false, ...failed };
  return { name, queued: 0, running: 0, workers: 0, created: 0, oldestMs: 0, ...gate, ...some };
}

function row(name: string, some: Partial<FunctionRow> = {}): FunctionRow {
  const rates = { inPerSecond: null, outPerSecond: null, changePerSecond: null };
  return { ...figures(name), ...rates, ...some };
}

/** A server that answers with these texts, by command. */
function lookerAt(answers: Readonly<Record<string, string>>): Looker {
  const connection = {
    askText: async (command: string) => answers[command] ?? 'ERR UNKNOWN_COMMAND\r\n',
  };
  return new Looker(connection as never);
}

describe('a look', () => {
  test('reads what our server tells', async () => {
    const functions =
      'a b\\x09c\t5\t2\t3\t70\t1500\tpaused+draining\t4\t17\nd\t0\t0\t0\t0\t0\t-\t0\t0\n.\n';
    const look = await lookerAt({ functions }).look();
    expect(look.functions).toEqual([
      {
        name: 'a b\tc',
        queued: 5,
        running: 2,
        workers: 3,
        created: 70,
        oldestMs: 1500,
        gate: 'paused',
        isDraining: true,
        retrying: 4,
        dead: 17,
      },
      figures('d', { retrying: 0, dead: 0 }),
    ]);
  });

  test('reads rows of a server of before, without gates and failed runs, and of a later one, with more columns', async () => {
    for (const more of ['', '\topen\t4\t17\tx']) {
      const look = await lookerAt({ functions: `f\t5\t2\t3\t70\t1500${more}\n.\n` }).look();
      expect(look.functions).toEqual([
        figures('f', {
          queued: 5,
          running: 2,
          workers: 3,
          created: 70,
          oldestMs: 1500,
          ...(more !== '' && { gate: 'open', retrying: 4, dead: 17 }),
        }),
      ]);
    }
  });

  test('makes do with status where the server knows no more', async () => {
    const look = await lookerAt({ status: 'f\t7\t2\t3\n.\n' }).look();
    expect(look.functions).toEqual([
      figures('f', { queued: 5, running: 2, workers: 3, created: null, oldestMs: null }),
    ]);
  });

  test('reads names with line ends and columns, escaped by ours and raw from others', async () => {
    const own = await lookerAt({ functions: 'a\\x0ab\\x09c\\x5c\t1\t0\t0\t1\t9\n.\n' }).look();
    expect(own.functions.map(({ name }) => name)).toEqual(['a\nb\tc\\']);
    const other = await lookerAt({ status: 'f\t1\t0\t1\na\n.\nb\t2\t0\t0\n.\n' }).look();
    expect(other.functions.map(({ name }) => name)).toEqual(['f', 'a\n.\nb']);
  });

  test('of an empty server has no rows', async () => {
    expect((await lookerAt({ functions: '.\n' }).look()).functions).toEqual([]);
  });

  test('refuses what is no listing', async () => {
    const refused = lookerAt({ functions: 'ERR NOT_ALLOWED Not+allowed\r\n' }).look();
    await expect(refused).rejects.toThrow('the server answered "ERR NOT_ALLOWED Not+allowed"');
    await expect(lookerAt({ functions: 'f\tx\n.\n' }).look()).rejects.toThrow(
      'the server listed "f\\tx"',
    );
  });
});

describe('rates', () => {
  const at = (atMs: number, ...functions: FunctionFigures[]) => ({ atMs, functions });

  test('are unknown at the first look and of a function that was not there', () => {
    const [f] = changes(at(1000, figures('f', { created: 5 })), null);
    expect(f).toMatchObject({ inPerSecond: null, outPerSecond: null, changePerSecond: null });
    const [g] = changes(at(2000, figures('g', { created: 5 })), at(1000, figures('f')));
    expect(g).toMatchObject({ inPerSecond: null, changePerSecond: null });
  });

  test('count jobs that came and ended, per second', () => {
    const before = at(1000, figures('f', { created: 100, queued: 10, running: 2 }));
    const now = at(3000, figures('f', { created: 140, queued: 30, running: 2 }));
    expect(changes(now, before)[0]).toMatchObject({
      inPerSecond: 20,
      outPerSecond: 10,
      changePerSecond: 10,
    });
  });

  test('are only the change where the server does not count', () => {
    const unknown = { created: null, oldestMs: null };
    const before = at(0, figures('f', { ...unknown, queued: 10 }));
    const now = at(500, figures('f', { ...unknown, queued: 9 }));
    expect(changes(now, before)[0]).toMatchObject({
      inPerSecond: null,
      outPerSecond: null,
      changePerSecond: -2,
    });
  });

  test('are unknown for a function that was dropped and made anew', () => {
    const before = at(0, figures('f', { created: 100 }));
    const [fewer] = changes(at(1000, figures('f', { created: 1, queued: 1 })), before);
    expect(fewer).toMatchObject({ inPerSecond: null, outPerSecond: null, changePerSecond: null });
  });
});

describe('order', () => {
  const names = (rows: readonly FunctionRow[]): string[] => rows.map(({ name }) => name);

  test('is by the figure, the greatest first, then by name, unknown last', () => {
    const rows = [
      row('b', { queued: 1, inPerSecond: 1 }),
      row('c', { queued: 5 }),
      row('a', { queued: 1, inPerSecond: 9 }),
    ];
    expect(names(sorted(rows, 'queued'))).toEqual(['c', 'a', 'b']);
    expect(names(sorted(rows, 'in'))).toEqual(['a', 'b', 'c']);
    expect(names(sorted(rows, 'name'))).toEqual(['a', 'b', 'c']);
    expect(names(rows)).toEqual(['b', 'c', 'a']);
  });

  test('goes through all keys and begins anew', () => {
    const keys = SORT_KEYS.map((_, i) => nextSortKey(SORT_KEYS.at(i - 1) as SortKey));
    expect(keys).toEqual([...SORT_KEYS]);
  });
});

describe('cells', () => {
  test('show ages in at most two units', () => {
    expect([null, 0, 400, 9949, 12_900, 185_000, 7_860_000, 356_400_000].map(age)).toEqual([
      '-',
      '-',
      '0.4s',
      '9.9s',
      '12s',
      '3m05s',
      '2h11m',
      '4d03h',
    ]);
  });

  test('show a dash for what is not known, and a sign for change', () => {
    expect(cells(row('f', { created: null, oldestMs: null }))).toEqual([
      'f',
      '0',
      '0',
      '0',
      '-',
      '-',
      '-',
      '-',
      '-',
      '-',
      '-',
    ]);
    const known = row('f', { inPerSecond: 0.04, outPerSecond: 1234.5, changePerSecond: 3 });
    expect(cells(known).slice(4, 7)).toEqual(['0.0', '1235', '+3.0']);
    expect(cells(row('f', { changePerSecond: -0.01 }))[6]).toBe('0.0');
  });

  test('show the gate in at most eight characters', () => {
    const gateCell = (gate: FunctionRow['gate'], isDraining = false) =>
      cells(row('f', { gate, isDraining })).at(-1);
    const states = ['open', 'paused', 'concurrency', 'rate'] as const;
    expect(states.map((state) => gateCell(state))).toEqual(['open', 'paused', 'conc', 'rate']);
    expect(gateCell('paused', true)).toBe('paused+d');
    expect(gateCell('open', true)).toBe('open+d');
  });

  test('show jobs that wait for their next run, and dead ones, before the gate', () => {
    expect(cells(row('f', { retrying: 4, dead: 0 })).slice(-3)).toEqual(['4', '0', '-']);
  });

  test('let no control character of a name through', () => {
    expect(cells(row('a\u001b[2Jb\tc\u009bd\u202e größe', {}))[0]).toBe(
      'a\\x1b[2Jb\\x09c\\x9bd\\u{202e} größe',
    );
  });
});

describe('a screen', () => {
  const plain = picocolors.createColors(false);
  const content = { server: 'localhost:4730', time: '12:00:00', sort: 'queued', trouble: null };
  const rows = [
    row('resize', { queued: 12, workers: 3, gate: 'concurrency', retrying: 2, dead: 10000 }),
    row('mail', { running: 1, workers: 1, retrying: 0, dead: 0 }),
  ];

  test('has the server, sums, headings and a line for each function', () => {
    const lines = frame({ ...content, functions: rows }, { columns: 80, rows: 24 }, plain);
    expect(lines).toEqual([
      'gearadmin top  localhost:4730  12:00:00  2 functions, 12 queued, 1 running',
      '',
      'FUNCTION      QUEUED RUNNING WORKERS   IN/S  OUT/S  OLDEST RETRY  DEAD     GATE',
      'resize            12       0       3      -      -       -     2 10000     conc',
      'mail               0       1       1      -      -       -     0     0        -',
      'q quit  s sort (queued)',
    ]);
  });

  test('has all columns where there is room, and CHANGE/S for servers that tell no dead jobs', () => {
    const headings = (functions: readonly FunctionRow[], columns: number) =>
      frame({ ...content, functions }, { columns, rows: 24 }, plain)[2]?.split(/ +/);
    const all = headings(rows, 89);
    expect(all?.slice(4)).toEqual(['IN/S', 'OUT/S', 'CHANGE/S', 'OLDEST', 'RETRY', 'DEAD', 'GATE']);
    expect(headings(rows, 88)).toEqual(all?.filter((heading) => heading !== 'CHANGE/S'));
    const others = [row('f', { queued: 1 })];
    expect(headings(others, 89)).toEqual(all);
    expect(headings(others, 88)).toEqual(
      all?.filter((heading) => heading !== 'RETRY' && heading !== 'DEAD'),
    );
  });

  test('is not higher than the terminal and says what it leaves out', () => {
    const many = Array.from({ length: 100 }, (_, i) => row(`f${i}`));
    const lines = frame({ ...content, functions: many }, { columns: 80, rows: 10 }, plain);
    expect(lines).toHaveLength(10);
    expect(lines.at(-1)).toBe('94 more  q quit  s sort (queued)');
  });

  test.each([80, 88, 89, 99, 100, 200])('leaves the last of %i columns free', (columns) => {
    const lines = frame({ ...content, functions: rows }, { columns, rows: 24 }, plain);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(columns);
    expect(lines[2]).toMatch(/ GATE$/);
  });

  test('paints work that nobody does red', () => {
    const colors = picocolors.createColors(true);
    const functions = [row('lost', { queued: 1 })];
    const lines = frame({ ...content, functions }, { columns: 80, rows: 24 }, colors);
    expect(lines[3]).toContain(colors.red('lost'));
  });

  test('paints dead jobs yellow, also of an idle function', () => {
    const colors = picocolors.createColors(true);
    const functions = [row('f', { retrying: 0, dead: 7 }), row('g', { retrying: 0, dead: 0 })];
    const lines = frame({ ...content, functions }, { columns: 80, rows: 24 }, colors);
    expect(lines[3]).toContain(colors.yellow('7'));
    expect(lines[4]).not.toContain(colors.yellow('0'));
  });

  test('paints a gate yellow that is closed or refuses jobs', () => {
    const colors = picocolors.createColors(true);
    const lineOf = (some: Partial<FunctionRow>) =>
      frame(
        { ...content, functions: [row('f', { queued: 1, workers: 1, ...some })] },
        { columns: 80, rows: 24 },
        colors,
      )[3];
    expect(lineOf({ gate: 'paused' })).toContain(colors.yellow('paused'));
    expect(lineOf({ gate: 'open', isDraining: true })).toContain(colors.yellow('open+d'));
    expect(lineOf({ gate: 'open' })).not.toContain(colors.yellow('open'));
  });

  test('tells trouble instead of sums', () => {
    const lines = frame(
      { ...content, functions: [], trouble: 'gone' },
      { columns: 80, rows: 24 },
      plain,
    );
    expect(lines[0]).toBe('gearadmin top  localhost:4730  12:00:00  gone');
  });
});
