/** What the daemon does when its shards die: it goes on twice, and gives up at the third death within a minute. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { WireConnection } from '../../support/wire.ts';
import { ask, scratch, startDaemon, useScratch } from './command.ts';

useScratch();

const sabotage = fileURLToPath(new URL('../../support/shards/sabotage.cjs', import.meta.url));
/** SIGUSR2 ends a thread. */
const env = { NODE_OPTIONS: `--require=${sabotage}` };

test('two deaths are survived, the third within a minute ends it with exit code 1', async () => {
  const daemon = await startDaemon(['-t', '2', '-P', scratch('pid'), '--verbose', 'NOTICE'], {
    env,
  });
  const idle = await WireConnection.connect({ port: daemon.port, name: 'idle' });
  for (const nth of [1, 2]) {
    daemon.kill('SIGUSR2');
    await daemon.until(new RegExp(`(shard \\d has died[^]*?){${nth}}`));
    await daemon.until(new RegExp(`(shard \\d runs again[^]*?){${nth}}`));
    expect(await ask('status', daemon.port)).toBe('.\n');
    await idle.barrier();
  }
  daemon.kill('SIGUSR2');
  expect(await daemon.ended).toEqual({ code: 1, signal: null });
  expect(
    daemon.stderr().match(/^CRITICAL .* shard \d has died, 0 jobs are lost with it: /gm),
  ).toHaveLength(3);
  expect(daemon.stderr()).toMatch(/^ {2}FATAL .*3 shards died within a minute/m);
  expect(existsSync(scratch('pid'))).toBe(false);
});
