/**
 * What may end a shard's thread, and what that leaves behind in the process: programs of their own, with a preload that
 * obeys orders to die in several ways. Descriptors are counted before and after many deaths.
 */
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type Ended, runProgram } from '../../support/embedding/programs.ts';
import { type Variant, variants } from '../../support/embedding/servers.ts';
import { SpoiledPackage } from '../../support/embedding/spoiled.ts';

const sabotage = fileURLToPath(new URL('../../support/shards/sabotage.cjs', import.meta.url));

/** What the programs share: a server whose shards die on order, and peers of every shard. */
const HEAD = `
const { BroadcastChannel } = await import('node:worker_threads');
const orders = new BroadcastChannel('sabotage');
orders.unref();
const threads = new Set();
process.on('worker', (thread) => {
  const id = thread.threadId;
  threads.add(id);
  thread.once('exit', () => threads.delete(id));
});
const lines = [];
let look = () => {};
const logger = { level: 6, log: (level, text) => { lines.push(text); look(); } };
const until = async (isThere) => {
  while (!isThere()) await new Promise((resolve) => { look = resolve; });
};
const died = () => lines.filter((line) => / has died/.test(line));
const mended = () => lines.filter((line) => /runs again/.test(line)).length;
const order = (way) => orders.postMessage({ victim: [...threads].at(-1), way });
const peer = (server) => {
  const socket = connect(server.address.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.closed_ = new Promise((resolve) => socket.once('close', resolve));
  socket.resume();
  return socket;
};
const echo = (socket) => new Promise((resolve) => {
  socket.once('data', resolve);
  socket.write(packet(16, 'x'));
});
`;

function run(variant: Variant, source: string, nodeOptions = ''): Promise<Ended> {
  const options = `--require=${sabotage} ${nodeOptions}`;
  return runProgram(variant, HEAD + source, 60_000, { NODE_OPTIONS: options });
}

describe.each(variants([2]))('a shard that dies, $label', (variant) => {
  it.each([
    ['throws in a callback', 'throw', 'sabotage'],
    ['calls process.exit', 'exit', 'code: 3'],
    ['runs out of memory', 'fill', 'memory'],
  ])('because it %s is started again', async (_name, way, reason) => {
    const ended = await run(
      variant,
      `const server = await listening({ logger });
      for (let round = 1; round <= 2; round++) {
        order('${way}');
        await until(() => mended() === round);
        for (let i = 0; i < 8; i++) {
          const socket = peer(server);
          socket.write(packet(1, 'fn-' + i));
          await echo(socket);
          socket.destroy();
        }
      }
      await server.close();
      await server.closed;
      console.log(died().join('\\n'));`,
      '--max-old-space-size=64',
    );
    expect(ended).toMatchObject({ code: 0, signal: null });
    const deaths = ended.stdout.trim().split('\n');
    expect(deaths).toHaveLength(2);
    for (const line of deaths)
      expect(line).toMatch(
        new RegExp(`^shard [12] has died, 0 jobs are lost with it: .*${reason}`),
      );
  });

  it('leaves no descriptor behind, not even of connections on their way to it', async () => {
    const ended = await run(
      variant,
      `const rounds = [];
      for (let round = 0; round < 4; round++) {
        lines.length = 0;
        const server = await listening({ logger, backlog: 512 });
        for (let death = 1; death <= 2; death++) {
          // It does not read its ring any more, and connections of all functions move on.
          order('loop');
          const sockets = Array.from({ length: 100 }, () => peer(server));
          for (const [i, socket] of sockets.entries()) socket.write(packet(1, 'fn-' + i));
          const witness = peer(server);
          await echo(witness);
          // Every connection is there when the thread ends, most of those of the dead shard in its ring.
          process.kill(process.pid, 'SIGUSR2');
          await until(() => mended() === death);
          await echo(witness);
          const shard = Number(/shard (\\d+)/.exec(died().at(-1))[1]);
          // Those of the living shard are served, the others are closed: nobody waits.
          let closed = 0;
          await Promise.all(sockets.map((socket) => Promise.race([
            socket.closed_.then(() => { closed++; }),
            echo(socket),
          ])));
          if (closed === 0 || closed === sockets.length) throw new Error(closed + ' were closed');
          for (const socket of [...sockets, witness]) { socket.destroy(); await socket.closed_; }
        }
        await server.close();
        await server.closed;
        rounds.push(descriptors());
      }
      console.log(JSON.stringify(rounds));`,
    );
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const rounds = JSON.parse(ended.stdout) as number[];
    // The first server fills what the process keeps: its pool of threads, its own channels.
    expect(new Set(rounds.slice(1)).size, ended.stdout).toBe(1);
  }, 70_000);
});

describe.each(variants([2]))('a shard that cannot be started, $label', (variant) => {
  let copy: SpoiledPackage | null = null;
  afterEach(() => copy?.remove());

  it.each([
    ['its file fails while it is loaded', 'shard/thread.js', `throw new Error('spoiled');`],
    ['its file has no default export', 'shard/thread.js', 'export const nothing = 1;'],
    [
      'its thread fails before any file',
      'shard/entry.js',
      `import { isMainThread } from 'node:worker_threads';
      export const STAGE_QUEUED = 0;
      export const STAGE_RUNNING = 1;
      export const STAGE_LOADED = 2;
      if (!isMainThread) throw new Error('spoiled');`,
    ],
  ])('because %s makes listen reject and ends the server', async (_name, file, source) => {
    copy = new SpoiledPackage({ [`dist/${file}`]: source }, true);
    const ended = await run(
      variant,
      `const { createServer: createSpoiled } = await import('${copy.index}');
      const server = createSpoiled({ host: '127.0.0.1', port: 0, ...variant, logger });
      const errors = [];
      server.on('error', (error) => errors.push(error.code));
      const told = await Promise.allSettled([server.listen(), server.closed]);
      const reasons = told.map(({ reason }) => [reason.code, reason.cause?.code].join(' '));
      console.log(JSON.stringify({ reasons, errors, address: server.address }));`,
    );
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(JSON.parse(ended.stdout)).toEqual({
      reasons: [
        'ERR_GEARTRAIN_CLOSED ERR_GEARTRAIN_SHARD_LOAD',
        expect.stringContaining('ERR_GEARTRAIN_SHARD_LOAD'),
      ],
      errors: ['ERR_GEARTRAIN_SHARD_LOAD'],
      address: null,
    });
  });
});
