/** Of servers that start at the same moment on one state directory exactly one gets it, also behind one that was killed. */
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lockState, type StateLock } from '../../../src/store/state-lock.ts';
import { scratch, start, startDaemon, useScratch } from '../daemon/command.ts';

useScratch();

const IN_USE = /another server uses this state directory/;

/** What a server leaves behind that was killed: a socket with nobody behind it. */
async function leaveSocket(folder: string): Promise<void> {
  const path = join(folder, 'lock.sock');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  renameSync(path, join(folder, 'kept'));
  await new Promise((resolve) => server.close(resolve));
  renameSync(join(folder, 'kept'), path);
}

/** So many at once; gives back who got it, and checks what the others were told. */
async function race(folder: string, count: number): Promise<StateLock[]> {
  const results = await Promise.allSettled(Array.from({ length: count }, () => lockState(folder)));
  for (const result of results)
    if (result.status === 'rejected') expect(String(result.reason)).toMatch(IN_USE);
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

it.each([2, 3, 8])('gives a directory to one of %i that lock it at once', async (count) => {
  const folder = scratch('state');
  mkdirSync(folder);
  for (let round = 0; round < 10; round++) {
    if (round % 2 === 0) await leaveSocket(folder);
    const [winner, ...others] = await race(folder, count);
    expect(others).toEqual([]);
    await expect(lockState(folder)).rejects.toThrow(IN_USE);
    await winner?.release();
    expect(winner).toBeDefined();
    expect(readdirSync(folder)).toEqual([]);
  }
});

it('lets one of two daemons start that were started at the same moment', async () => {
  const words = ['-p', '0', '-L', '127.0.0.1', '-q', 'journal', '--state-dir', scratch('state')];
  for (let round = 0; round < 2; round++) {
    const both = [start([...words, '-t', '0']), start([...words, '-t', '2'])];
    const fates = both.map((run) =>
      Promise.race([run.until(/^geartrain .*listening/m).then(() => 'up'), run.ended]),
    );
    const [first, second] = await Promise.all(fates.map((fate) => fate.catch(() => 'ended')));
    const loser = both[first === 'up' ? 1 : 0] as (typeof both)[0];
    expect([first, second].filter((fate) => fate === 'up')).toHaveLength(1);
    expect(await loser.ended).toEqual({ code: 1, signal: null });
    expect(loser.stderr()).toMatch(/another server (uses this state|has used it since)/);
    const winner = both[first === 'up' ? 0 : 1] as (typeof both)[0];
    winner.kill('SIGKILL');
    await winner.ended;
  }
  await startDaemon(['-q', 'journal', '--state-dir', scratch('state')]);
});
