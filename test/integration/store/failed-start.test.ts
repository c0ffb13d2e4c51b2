/** A journal that cannot be read: one clear error at the start, nobody is served, and a later attempt can succeed. */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { start, useScratch } from '../daemon/command.ts';

useScratch();
const yard = useYard();
let stateDir = '';
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'geartrain-failed-'));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

/** Puts a folder where the first segment was, which nobody can read; returns how to undo it. */
function spoil(journal: string): { readonly path: string; mend(): void } {
  const folder = join(stateDir, journal);
  const name = readdirSync(folder).find((file) => file.endsWith('.log')) as string;
  const path = join(folder, name);
  renameSync(path, join(stateDir, 'kept'));
  mkdirSync(path);
  const mend = (): void => {
    rmSync(path, { recursive: true });
    renameSync(join(stateDir, 'kept'), path);
  };
  return { path, mend };
}

describe.each(variants([0, 2]))('a server whose journal cannot be read ($label)', (variant) => {
  const options = () => ({ queueType: 'journal', stateDir }) as const;

  it('does not start, says which file and why, and starts when it can be read again', async () => {
    const first = await yard().start(variant, options());
    const client = await yard().peer(first, 'client');
    const names = Array.from({ length: 12 }, (_, i) => `function-${i}`);
    for (const name of names) await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', name, '', name);
    await first.server.close();

    const { threads, native } = variant;
    const server = yard().create({ ...options(), threads, native, host: '127.0.0.1', port: 0 });
    const { path, mend } = spoil(threads === 0 ? 'journal-1-0' : 'journal-1-2');
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(server.listen()).rejects.toThrow(`read ${path}: it is a folder (EISDIR)`);
      expect(server.addresses).toEqual([]);
      expect((await server.stats()).jobs).toBe(0);
    }
    mend();
    await server.listen();
    expect((await server.stats()).store).toMatchObject({ jobs: names.length, isAccepting: true });
    await server.close();
    await server.closed;
  });
});

it.each([0, 2])('can be closed behind a start that failed, with %i threads', async (threads) => {
  mkdirSync(join(stateDir, `journal-1-${threads}`, '000000000001.log'), { recursive: true });
  const options = { queueType: 'journal', stateDir, threads, host: '127.0.0.1', port: 0 } as const;
  const server = yard().create(options);
  await expect(server.listen()).rejects.toThrow('EISDIR');
  await server.close();
  await expect(server.closed).resolves.toBeUndefined();
});

it('listens again when another server has left its directory', async () => {
  const [variant] = variants([0]);
  if (variant === undefined) throw new Error('no way to run a server');
  const first = await yard().start(variant, { queueType: 'journal', stateDir });
  const second = yard().create({ queueType: 'journal', stateDir, host: '127.0.0.1', port: 0 });
  await expect(second.listen()).rejects.toThrow('another server uses this state directory');
  await first.server.close();
  await second.listen();
  expect(second.addresses).toHaveLength(1);
});

it('ends the command with exit code 1 and one sentence', async () => {
  const words = ['-p', '0', '-L', '127.0.0.1', '-q', 'journal', '--state-dir', stateDir, '-t', '2'];
  const first = start(words);
  await first.until(/^geartrain .*listening/m);
  first.kill('SIGKILL');
  await first.ended;
  mkdirSync(join(stateDir, 'journal-1-2', '000000000001.log'));
  const run = start(words);
  expect(await run.ended).toEqual({ code: 1, signal: null });
  expect(run.stdout()).toBe('');
  expect(run.stderr()).toContain('journal-1-2/000000000001.log: it is a folder (EISDIR)');
  expect(run.stderr()).not.toMatch(/died/);
});
