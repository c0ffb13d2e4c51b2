/** What happens when the process has no descriptor left: peers are refused, counted and logged; nothing ends. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadNative } from '../../../src/native/load.ts';
import { Authority } from '../../support/certificates.ts';
import {
  leaveDescriptors,
  limitDescriptors,
  openDescriptors,
  whyNoDescriptorTests,
} from '../../support/descriptors.ts';
import { freePort } from '../../support/free-port.mjs';
import { connectSecurely, ask as say } from '../tls/peers.ts';
import { ask, start, startDaemon, useScratch } from './command.ts';

const missing = whyNoDescriptorTests();
if (missing !== null) console.log(`skipped: ${missing}`);
const isNative = loadNative().kind === 'addon';
if (!isNative) console.log('skipped: with the TypeScript core libuv drops peers');

useScratch();
let ours: Authority;
beforeAll(() => {
  ours = new Authority();
  ours.sign('server', 'localhost');
});
afterAll(() => ours.remove());

const sabotage = fileURLToPath(new URL('../../support/shards/sabotage.cjs', import.meta.url));
const ENOUGH = 1024;

async function incidents(control: number): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${control}/metrics`)).text();
  return Number(/geartrain_incidents_total\{reason="descriptors"\} (\d+)/.exec(page)?.[1] ?? 0);
}

test.skipIf(missing !== null || !isNative).each(['0', '2'])(
  'a TLS peer takes one descriptor; when none is left the next one waits until one is, -t %s',
  async (threads) => {
    const [port, control] = [await freePort(), await freePort()];
    const files = [
      `--ssl-certificate=${ours.file('server.pem')}`,
      `--ssl-key=${ours.file('server.key')}`,
    ];
    const places = ['-L', `tls://127.0.0.1:${port}`, `--control=127.0.0.1:${control}`];
    const run = start([...places, '-t', threads, ...files]);
    await run.until(/^geartrain /m);
    leaveDescriptors(run.pid, 1);
    const connectNext = () => connectSecurely(port, { ca: ours.read('ca.pem') });
    const peer = await connectNext();
    expect(await say(peer, 'version')).toMatch(/^OK/);
    const waiting = connectNext();
    await run.until(/ ERROR .* accept a connection: EMFILE/);
    expect(await say(peer, 'version')).toMatch(/^OK/);
    limitDescriptors(run.pid, ENOUGH);
    const next = await waiting;
    expect(await say(next, 'version')).toMatch(/^OK/);
    expect(await incidents(control)).toBeGreaterThanOrEqual(1);
    for (const socket of [peer, next]) socket.destroy();
    run.kill('SIGTERM');
    expect(await run.ended).toEqual({ code: 0, signal: null });
  },
);

test.skipIf(missing !== null || !isNative).each(['0', '2'])(
  'peers who come when none is left wait until one is, -t %s',
  async (threads) => {
    const control = await freePort();
    const daemon = await startDaemon(['-t', threads, `--control=127.0.0.1:${control}`]);
    leaveDescriptors(daemon.pid, 0);
    const answer = ask('version', daemon.port);
    await daemon.until(/ ERROR .* accept a connection: EMFILE/);
    // The control port has a first-message queue of its own.
    const probe = connect(control, '127.0.0.1');
    probe.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await daemon.until(/(.* accept a connection: EMFILE.*\n){2}/);
    limitDescriptors(daemon.pid, ENOUGH);
    expect(await answer).toMatch(/^OK/);
    expect(String((await once(probe, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /);
    probe.destroy();
    expect(await incidents(control)).toBeGreaterThanOrEqual(2);
  },
);

test.skipIf(missing !== null)(
  'a shard that dies when none is left is tried again until there are some, and no death is counted',
  async () => {
    const env = { NODE_OPTIONS: `--require=${sabotage}` };
    const daemon = await startDaemon(['-t', '2', '--verbose', 'NOTICE'], { env });
    const idle = openDescriptors(daemon.pid).length;
    // The thread that dies gives back fewer than the files that one reads to begin.
    limitDescriptors(daemon.pid, idle - 8);
    daemon.kill('SIGUSR2');
    await daemon.until(/( {2}ERROR .* shard \d cannot run without descriptors \(EMFILE\).*\n){4}/);
    limitDescriptors(daemon.pid, ENOUGH);
    await daemon.until(/shard \d runs again/);
    expect(await ask('status', daemon.port)).toBe('.\n');
    daemon.kill('SIGTERM');
    expect(await daemon.ended).toEqual({ code: 0, signal: null });
    expect(daemon.stderr().match(/^CRITICAL /gm)).toHaveLength(1);
  },
);
