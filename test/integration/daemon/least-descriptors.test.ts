/** The least number of descriptors: below it one sentence, from it on a server that no flood of peers ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { descriptorsNeeded } from '../../../src/cli/enough-descriptors.ts';
import { loadNative } from '../../../src/native/load.ts';
import { Authority } from '../../support/certificates.ts';
import { freePort } from '../../support/free-port.mjs';
import { daemonPath } from '../../support/servers.ts';
import { watchOutput } from '../../support/watch-output.ts';
import { connectSecurely, ask as say } from '../tls/peers.ts';
import { ask } from './command.ts';

const FLOOD = 1_100;
const isNative = loadNative().kind === 'addon';
let ours: Authority;
beforeAll(() => {
  ours = new Authority();
  ours.sign('server', 'localhost');
});
afterAll(() => ours.remove());

function run(limit: number, words: readonly string[]) {
  const command = `ulimit -n ${limit}; exec "$@"`;
  const argv = ['-c', command, 'sh', process.execPath, daemonPath, ...words];
  const env = { ...process.env, GEARTRAIN_LOG_FORMAT: 'gearmand' };
  const child = spawn('/bin/sh', argv, { stdio: ['ignore', 'pipe', 'pipe'], env });
  return { ...watchOutput(child, 'utf8'), kill: (signal: NodeJS.Signals) => child.kill(signal) };
}

/** A peer that says nothing; resolves when the system has connected it. */
async function silent(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  return socket;
}

describe.each([0, 2, 4])('with threads: %i', (threads) => {
  const least = descriptorsNeeded(threads);
  const common = ['-t', String(threads)];

  it.each([24, least - 1])('%i descriptors are refused in one sentence', async (limit) => {
    const server = run(limit, [...common, '-L', '127.0.0.1:0']);
    expect(await server.ended).toEqual({ code: 1, signal: null });
    const text = server.stderr();
    expect(text).toContain(`the limit of descriptors is ${limit}, `);
    expect(text).toMatch(limit === 24 ? / 88 are needed / : new RegExp(` ${least} are needed `));
    expect(text).not.toContain('    at ');
  });

  it.each([least + 8, least + 32, 1024])(
    'with %i descriptors a flood of silent peers ends nothing',
    { timeout: 120_000 },
    async (limit) => {
      const [port, secure] = [await freePort(), await freePort()];
      const keys = ['cert', 'key'].map((name) =>
        ours.file(`server.${name.replace('cert', 'pem')}`),
      );
      const files = [`--ssl-certificate=${keys[0]}`, `--ssl-key=${keys[1]}`];
      const places = ['-L', `tcp://127.0.0.1:${port}`, '-L', `tls://127.0.0.1:${secure}`];
      const server = run(limit, [...common, ...places, ...files]);
      await server.until(/^geartrain /m);
      const flood = await Promise.all(Array.from({ length: FLOOD }, () => silent(port)));
      // It may be refused, left waiting, or served with the last ones.
      const handshake = connectSecurely(secure, { ca: ours.read('ca.pem') }).catch(() => null);
      // With the TypeScript core libuv closes those that it cannot accept, and nobody hears of it.
      if (isNative) await server.until(/EMFILE/);
      for (const socket of flood) socket.destroy();
      (await handshake)?.destroy();
      expect(await ask('version', port)).toMatch(/^OK/);
      const next = await connectSecurely(secure, { ca: ours.read('ca.pem') });
      expect(await say(next, 'version')).toMatch(/^OK/);
      next.destroy();
      server.kill('SIGTERM');
      expect(await server.ended).toEqual({ code: 0, signal: null });
    },
  );
});
