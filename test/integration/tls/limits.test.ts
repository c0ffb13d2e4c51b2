/** Limits of connections: how many an address may have, and how fast one may send. */
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { createServer } from '../../../dist/index.js';
import type { Server, ServerOptions } from '../../../src/index.ts';
import { Authority, describeTls as describe, itTls as it } from '../../support/certificates.ts';
import { WireConnection } from '../../support/wire.ts';
import { ask, connectSecurely, endingOf } from './peers.ts';

const servers = new Set<Server>();
let ours: Authority;
beforeAll(() => {
  ours = new Authority();
  ours.sign('server', 'localhost');
});
afterEach(async () => {
  await Promise.all([...servers].map((server) => server.close()));
  servers.clear();
});
afterAll(() => ours.remove());

async function serve(options: ServerOptions): Promise<{ server: Server; port: number }> {
  const server = createServer({ listen: '127.0.0.1:0', ...options });
  servers.add(server);
  await server.listen();
  return { server, port: (server.address as { port: number }).port };
}

const peer = (port: number): Promise<WireConnection> =>
  WireConnection.connect({ port, name: 'peer', transcript: null });

const countOf = async (server: Server, reason: string): Promise<number> =>
  (await server.stats()).threads.reduce((sum, { incidents }) => sum + (incidents[reason] ?? 0), 0);

/** Resolves when the server has no connection any more; no event of the server says so from outside. */
async function untilEmpty(server: Server): Promise<void> {
  while ((await server.stats()).connections > 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Connects from another loopback address. */
const connectFrom = (localAddress: string, port: number): Socket =>
  connect({ port, host: '127.0.0.1', localAddress });

describe.each([0, 2])('connections of one address, threads: %i', (threads) => {
  it('are limited over all threads, and free again when they end', async () => {
    const { server, port } = await serve({ threads, maxConnectionsPerAddress: 3 });
    const peers = [await peer(port), await peer(port), await peer(port)];
    // Each moves to the owner of its function.
    for (const [i, one] of peers.entries())
      await one.ask('JOB_CREATED', 'SUBMIT_JOB_BG', `f${i}`, '', 'x');
    expect((await endingOf(connect(port, '127.0.0.1'))).text).toBe('');
    expect(await countOf(server, 'address_limit')).toBe(1);

    const stranger = connectFrom('127.0.0.2', port);
    stranger.write('version\n');
    expect(
      await new Promise((resolve) => stranger.once('data', (data) => resolve(String(data)))),
    ).toMatch(/^OK/);
    stranger.destroy();

    await peers[0]?.close();
    // The acceptor hears of it from the thread that it had moved to.
    for (;;) {
      const again = connect(port, '127.0.0.1');
      again.write('version\n');
      const answer = await Promise.race([
        new Promise<string>((resolve) => again.once('data', (data) => resolve(String(data)))),
        endingOf(again).then(() => ''),
      ]);
      again.destroy();
      if (answer.startsWith('OK')) break;
    }
  });

  it('count with their handshake', async () => {
    const { port } = await serve({
      threads,
      listen: 'tls://127.0.0.1:0',
      sslCertificate: ours.file('server.pem'),
      sslKey: ours.file('server.key'),
      maxConnectionsPerAddress: 2,
    });
    const ca = ours.read('ca.pem');
    const halfOpen = connect(port, '127.0.0.1');
    halfOpen.write(Buffer.from([22]));
    const served = await connectSecurely(port, { ca });
    await expect(connectSecurely(port, { ca })).rejects.toThrow();
    halfOpen.destroy();
    for (;;) {
      const socket = await connectSecurely(port, { ca }).catch(() => null);
      socket?.destroy();
      if (socket !== null) break;
    }
    served.destroy();
  });

  it('count once by TLS, and are free again when they end', async () => {
    const { server, port } = await serve({
      threads,
      listen: 'tls://127.0.0.1:0',
      sslCertificate: ours.file('server.pem'),
      sslKey: ours.file('server.key'),
      maxConnectionsPerAddress: 2,
    });
    const connectNext = () => connectSecurely(port, { ca: ours.read('ca.pem') });
    for (let round = 0; round < 3; round++) {
      const peers = [await connectNext(), await connectNext()];
      for (const socket of peers) expect(await ask(socket, 'version')).toMatch(/^OK/);
      await expect(connectNext()).rejects.toThrow();
      for (const socket of peers) socket.destroy();
      // The acceptor hears of it from the thread that had shaken hands.
      await untilEmpty(server);
    }
    expect(await countOf(server, 'address_limit')).toBe(3);
  });
});

describe.each([0, 2])('the rate of one connection, threads: %i', (threads) => {
  const PACKETS = 60;

  it('is held by pauses: everything is answered, later', async () => {
    const { server, port } = await serve({ threads, maxPacketRate: 40 });
    const fast = await peer(port);
    const begun = performance.now();
    for (let i = 0; i < PACKETS; i++) fast.send('SUBMIT_JOB_BG', 'f', '', `${i}`);
    // Others are served meanwhile.
    const other = await peer(port);
    await other.ask('ECHO_RES', 'ECHO_REQ', 'hello');
    const otherMs = performance.now() - begun;
    for (let i = 0; i < PACKETS; i++) await fast.expect('JOB_CREATED');
    const tookMs = performance.now() - begun;
    // A second's worth at once, 20 more at 40 a second.
    expect(tookMs).toBeGreaterThan(400);
    expect(otherMs).toBeLessThan(tookMs);
    expect((await server.stats()).jobs).toBe(PACKETS);
    expect(await countOf(server, 'rate_limit')).toBeGreaterThan(0);
  });

  it('counts bytes, text lines and large packets', async () => {
    const { port } = await serve({ threads, maxByteRate: 100_000 });
    const fast = await peer(port);
    const begun = performance.now();
    const large = 'x'.repeat(120_000);
    await fast.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', large);
    await fast.command('version');
    expect(performance.now() - begun).toBeGreaterThan(250);
  });

  it('lets a paused connection end', async () => {
    const { server, port } = await serve({ threads, maxPacketRate: 2 });
    const fast = await peer(port);
    for (let i = 0; i < 10; i++) fast.send('ECHO_REQ', `${i}`);
    await fast.expect('ECHO_RES');
    fast.socket.destroy();
    await untilEmpty(server);
  });
});
