/**
 * `gearmand --export` and `--import` over real stores: what goes out comes in, all of it or nothing. 10,000 jobs, with
 * GEARTRAIN_FULL=1 (`npm run scale`) 100,000.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import { daemonPath } from '../../support/servers.ts';
import { WireConnection } from '../../support/wire.ts';
import { runToEnd, scratch, startDaemon, useScratch } from '../daemon/command.ts';

useScratch();

const hasSqlite = requirePeer('sqlite');

const JOBS = process.env.GEARTRAIN_FULL === '1' ? 100_000 : 10_000;
const journal = (name: string): string[] => ['-q', 'journal', '--state-dir', scratch(name)];
const sqlite = (name: string): string[] => ['-q', 'libsqlite3', '--libsqlite3-db', scratch(name)];
const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString('base64');

function lineOf(number: number, fields: Record<string, unknown> = {}): string {
  const { runTime, reducer, ...rest } = fields;
  const job = {
    function: `function-${number % 5}`,
    unique: number % 4 === 0 ? '' : `unique-${number}`,
    priority: ['high', 'normal', 'low'][number % 3],
    runTime,
    reducer,
    workload: Buffer.from(`${number} of them`).toString('base64'),
    ...rest,
  };
  return JSON.stringify(job);
}

/** Lines of each function, in their order. */
function byFunction(text: string): string {
  const lines = new Map<string, string[]>();
  for (const line of text.trim().split('\n')) {
    const name = JSON.stringify(JSON.parse(line).function);
    const others = lines.get(name) ?? [];
    others.push(line);
    lines.set(name, others);
  }
  const names = [...lines.keys()].sort();
  return names.flatMap((name) => lines.get(name)).join('\n');
}

it(`carries ${JOBS} jobs from journal to file to journal, in their order`, async () => {
  const special = [
    lineOf(1, { workload: binary, unique: { base64: '/4A=' } }),
    lineOf(2, { runTime: 1_900_000_000.25, reducer: 'sum' }),
    lineOf(3, { workload: Buffer.alloc(3_000_000, 7).toString('base64') }),
    lineOf(4, { workload: '' }),
    lineOf(5, { function: { base64: '/w==' } }),
  ];
  const lines = [...special];
  while (lines.length < JOBS) lines.push(lineOf(lines.length));
  writeFileSync(scratch('in'), `${lines.join('\n')}\n`);
  const taken = await runToEnd(['--import', scratch('in'), ...journal('a'), '-t', '3']);
  expect(taken).toMatchObject({ code: 0, stdout: '' });
  expect(taken.stderr).toMatch(new RegExp(`^${JOBS} jobs imported in [\\d.]+ s\\n$`, 'm'));
  const given = await runToEnd(['--export', scratch('out'), ...journal('a')]);
  expect(given).toMatchObject({ code: 0, stdout: '' });
  expect(byFunction(readFileSync(scratch('out'), 'utf8')) === byFunction(lines.join('\n'))).toBe(
    true,
  );
  expect(statSync(scratch('out')).mode & 0o777).toBe(0o600);
  await runToEnd(['--import', scratch('out'), ...journal('b'), '-t', '0']);
  const again = spawnSync(process.execPath, [daemonPath, '--export', '-', ...journal('b')], {
    maxBuffer: 1 << 28,
    encoding: 'utf8',
  });
  expect(again.status).toBe(0);
  expect(byFunction(again.stdout) === byFunction(lines.join('\n'))).toBe(true);
}, 120_000);

describe('an import', () => {
  it('comes behind the jobs that are there, and a server runs them all', async () => {
    const first = await startDaemon([...journal('a'), '-t', '2']);
    const client = await WireConnection.connect({ port: first.port });
    client.send('SUBMIT_JOB_BG', 'f', 'before', 'before');
    await client.expect('JOB_CREATED');
    const refused = await runToEnd(['--export', scratch('out'), ...journal('a')]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('another server uses this state directory');
    expect(existsSync(scratch('out'))).toBe(false);
    const job = { function: 'f', unique: 'after', priority: 'normal', workload: 'YWZ0ZXI=' };
    writeFileSync(scratch('in'), JSON.stringify(job));
    expect((await runToEnd(['--import', scratch('in'), ...journal('a')])).stderr).toContain(
      'another server uses this state directory',
    );
    first.kill('SIGTERM');
    await first.ended;
    expect((await runToEnd(['--import', scratch('in'), ...journal('a'), '-t', '0'])).code).toBe(0);
    const second = await startDaemon([...journal('a'), '-t', '2']);
    const worker = await WireConnection.connect({ port: second.port });
    worker.send('CAN_DO', 'f');
    for (const name of ['before', 'after']) {
      worker.send('GRAB_JOB_UNIQ');
      const assigned = await worker.expect('JOB_ASSIGN_UNIQ');
      expect([String(assigned.args[2]), String(assigned.data)]).toEqual([name, name]);
    }
  });

  it('adds nothing when one line is wrong, and says which and why', async () => {
    const lines = [lineOf(1), '{"function":7}', '', lineOf(2, { priority: 'urgent' }), lineOf(3)];
    for (const place of hasSqlite ? [journal('a'), sqlite('db')] : [journal('a')]) {
      const { code, stderr } = spawnSync(
        process.execPath,
        [daemonPath, '--import', '-', ...place],
        { input: lines.join('\n'), encoding: 'utf8' },
      ) as unknown as { code: number; stderr: string; status: number };
      expect(code).toBeUndefined();
      expect(stderr).toContain('gearmand: line 2: function is 7, not text');
      expect(stderr).toContain('gearmand: line 4: priority is "urgent", not high, normal, low');
      expect(stderr).toContain('gearmand: nothing was imported: 2 lines were refused');
    }
    expect(existsSync(scratch('a'))).toBe(false);
  });

  it.skipIf(!hasSqlite)(
    'adds nothing to a database that refuses one job, and says why',
    async () => {
      const good = Array.from({ length: 2_000 }, (_, i) => lineOf(i));
      writeFileSync(scratch('in'), [...good, lineOf(2_001, { reducer: 'sum' })].join('\n'));
      const run = await runToEnd(['--import', scratch('in'), ...sqlite('db')]);
      expect(run.code).toBe(1);
      expect(run.stderr).toMatch(/line 2001: the store does not take it: .*reducer/);
      expect(run.stderr).toContain('nothing was imported: 1 line was refused');
      writeFileSync(scratch('in'), good.join('\n'));
      expect(await runToEnd(['--import', scratch('in'), ...sqlite('db')])).toMatchObject({
        code: 0,
      });
      const twice = await runToEnd(['--import', scratch('in'), ...sqlite('db')]);
      expect(twice.stderr).toMatch(/line 2: the store does not take it: .*already/);
      // Those without a unique were taken, and removed again.
      expect((await runToEnd(['--export', scratch('out'), ...sqlite('db')])).code).toBe(0);
      expect(byFunction(readFileSync(scratch('out'), 'utf8')) === byFunction(good.join('\n'))).toBe(
        true,
      );
    },
  );
});

it.skipIf(!hasSqlite)('carries runs, dead jobs and handles between different stores', async () => {
  const runs = { attempts: 2, losses: 1, dueMs: 1_900_000_000_000, delayMs: 500 };
  const handle = 'H:host:218307475800000000011';
  const lines = [
    lineOf(1),
    lineOf(2, { runs: { ...runs, details: 'AAEC', handle } }),
    lineOf(3, {
      runs: { attempts: 3, losses: 0, isDead: true, details: 'AAEC', handle: `${handle}2` },
    }),
    // It died twice under one unique: both are kept, also with one handle.
    lineOf(3, {
      runs: { attempts: 1, losses: 0, isDead: true, handle: `${handle}2` },
      workload: 'AA==',
    }),
  ];
  writeFileSync(scratch('in'), lines.join('\n'));
  const sorted = (name: string) => readFileSync(scratch(name), 'utf8').trim().split('\n').sort();
  expect((await runToEnd(['--import', scratch('in'), ...journal('a')])).code).toBe(0);
  expect((await runToEnd(['--export', scratch('x'), ...journal('a')])).code).toBe(0);
  expect((await runToEnd(['--import', scratch('x'), ...sqlite('db')])).code).toBe(0);
  expect((await runToEnd(['--export', scratch('y'), ...sqlite('db')])).code).toBe(0);
  expect(sorted('x')).toEqual([...lines].sort());
  expect(sorted('y')).toEqual([...lines].sort());
});

it.skipIf(!hasSqlite)('carries jobs between different stores', async () => {
  const lines = Array.from({ length: 500 }, (_, i) => lineOf(i, { workload: binary }));
  writeFileSync(scratch('in'), lines.join('\n'));
  expect((await runToEnd(['--import', scratch('in'), ...journal('a'), '-t', '2'])).code).toBe(0);
  expect((await runToEnd(['--export', scratch('x'), ...journal('a')])).code).toBe(0);
  expect((await runToEnd(['--import', scratch('x'), ...sqlite('db')])).code).toBe(0);
  expect((await runToEnd(['--export', scratch('y'), ...sqlite('db')])).code).toBe(0);
  expect(byFunction(readFileSync(scratch('y'), 'utf8')) === byFunction(lines.join('\n'))).toBe(
    true,
  );
});

it('does not write over a file, and leaves none behind that is not whole', async () => {
  writeFileSync(scratch('out'), 'mine');
  const run = await runToEnd(['--export', scratch('out'), ...journal('a')]);
  expect(run).toMatchObject({ code: 1 });
  expect(run.stderr).toContain('it exists already');
  expect(readFileSync(scratch('out'), 'utf8')).toBe('mine');
  const missing = await runToEnd(['--export', scratch('other'), ...journal('a')]);
  expect(missing.stderr).toContain('there is no journal');
  expect(readdirSync(scratch())).toEqual(['out']);
  expect((await runToEnd(['--export', scratch('z')])).stderr).toContain('-q builtin keeps no jobs');
  expect((await runToEnd(['--export', 'a', '--import', 'b'])).stderr).toContain(
    'not together with --import',
  );
});
