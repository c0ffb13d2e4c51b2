/**
 * Servers and the process that hosts them: very many one after the other, the end of the process with servers open or
 * closed, exits inside of a turn, servers in threads of the host. Each is a program of its own.
 */
import { describe, expect, it } from 'vitest';
import { runProgram } from '../../support/embedding/programs.ts';
import { variants } from '../../support/embedding/servers.ts';

/** One foreground job from submit to result, through \`port\`; and a garbage collector that can be called. */
const HEAD = `
const { setFlagsFromString } = await import('node:v8');
const { runInNewContext } = await import('node:vm');
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
const packets = async (socket, count) => {
  let bytes = Buffer.alloc(0);
  const found = [];
  while (found.length < count) {
    const [chunk] = await once(socket, 'data');
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 12 && bytes.length >= 12 + bytes.readUInt32BE(8)) {
      const end = 12 + bytes.readUInt32BE(8);
      found.push({ type: bytes.readUInt32BE(4), payload: bytes.subarray(12, end) });
      bytes = bytes.subarray(end);
    }
  }
  return found;
};
const work = async (server, fn) => {
  const open = () => connect(server.address.port, '127.0.0.1');
  const [client, worker] = [open(), open()];
  client.write(packet(7, fn, '', 'data'));
  await packets(client, 1);
  worker.write(Buffer.concat([packet(1, fn), packet(9)]));
  const [job] = await packets(worker, 1);
  const handle = job.payload.subarray(0, job.payload.indexOf(0)).toString();
  worker.write(packet(13, handle, 'result'));
  const [result] = await packets(client, 1);
  if (result.type !== 13) throw new Error('no WORK_COMPLETE but ' + result.type);
  return [client, worker];
};
const end = (sockets) => Promise.all(sockets.map((socket) => {
  socket.destroy();
  return once(socket, 'close');
}));
`;

/**
 * glibc's malloc keeps what was freed, by chance up to 180 MB of it, once it has seen that a program frees large blocks.
 * With fixed thresholds it gives them back at once, and the size of a process is what it uses: mallopt(3).
 */
const GIVING_BACK = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' };

describe.each(variants([0, 2]))('a process with servers, $label', (variant) => {
  const run = (source: string) => runProgram(variant, HEAD + source, 100_000, GIVING_BACK);
  const serverCount = variant.threads > 0 ? 24 : 300;

  it(`has what it had before when ${serverCount} servers have come and gone`, async () => {
    const ended = await run(`
      const look = async () => {
        gc();
        // A thread of V8's own gives back what was found, and says to nobody when.
        await new Promise((resolve) => setTimeout(resolve, 100));
        gc();
        return {
          descriptors: descriptors(),
          resources: process.getActiveResourcesInfo()
            .filter((name) => name !== 'Immediate').sort().join(' '),
          rss: process.memoryUsage.rss(),
          heap: process.memoryUsage().heapUsed,
        };
      };
      const looks = [];
      for (let i = 1; i <= ${serverCount}; i++) {
        const server = await listening();
        const sockets = await work(server, 'fn-' + i);
        // One half leaves before its server, the other is closed by it.
        if (i % 2 === 0) await end(sockets);
        await server.close();
        if (i % 2 === 1) await end(sockets.filter((socket) => !socket.closed));
        if (i % ${serverCount / 4} === 0) looks.push(await look());
      }
      console.log(JSON.stringify(looks));`);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    interface Look {
      readonly descriptors: number;
      readonly resources: string;
      readonly rss: number;
      readonly heap: number;
    }
    // The first quarter fills what the process keeps.
    const [, first, , last] = JSON.parse(ended.stdout) as [Look, Look, Look, Look];
    expect(last.descriptors).toBe(first.descriptors);
    expect(last.resources).toBe(first.resources);
    expect(last.heap - first.heap).toBeLessThan(2 * 1024 * 1024);
    expect(last.rss - first.rss).toBeLessThan(48 * 1024 * 1024);
  }, 110_000);

  it('ends by itself once its server is closed, or when it never listened', async () => {
    const ended = await run(`
      createServer({ ...variant });
      const server = await listening();
      await end(await work(server, 'f'));
      await server.close();
      console.log('closed');`);
    expect(ended).toEqual({ code: 0, signal: null, stdout: 'closed\n', stderr: '' });
  });

  it('is kept alive by a server that listens, and ends by a signal', async () => {
    const ended = await run(`
      const server = await listening();
      await work(server, 'f');
      // Nothing else is left to do: without the server the process would end here, by itself.
      setTimeout(() => process.kill(process.pid, 'SIGTERM'), 100).unref();`);
    expect(ended).toMatchObject({ code: null, signal: 'SIGTERM', stderr: '' });
  });

  it('exits while servers are open, with connections and jobs', async () => {
    const ended = await run(`
      for (let i = 0; i < 3; i++) {
        const server = await listening();
        const [client] = await work(server, 'f');
        for (let n = 0; n < 50; n++) client.write(packet(18, 'fn-' + n, '', 'left behind'));
        await packets(client, 50);
      }
      process.exit(7);`);
    expect(ended).toMatchObject({ code: 7, signal: null, stderr: '' });
  });

  it('exits while a server starts, and while one closes', async () => {
    for (const moment of ['server.listen().catch(() => {});', 'server.close();']) {
      const ended = await run(`
        const server = createServer({ host: '127.0.0.1', port: 0, ...variant });
        ${moment.startsWith('server.close') ? 'await server.listen(); await work(server, "f");' : ''}
        ${moment}
        process.exit(5);`);
      expect(ended, moment).toMatchObject({ code: 5, signal: null, stderr: '' });
    }
  });

  it('exits inside of a turn', async () => {
    // A line of the log is written within the turn that it tells of.
    const ended = await run(`
      const logger = { level: 7, log: (level, text) => { if (/magic/.test(text)) process.exit(6); } };
      const server = await listening({ logger });
      await work(server, 'f');
      connect(server.address.port, '127.0.0.1').write('\\0BAD and more of it, so that a header is whole');`);
    expect(ended).toMatchObject({ code: 6, signal: null, stderr: '' });
  });

  it('hosts servers in threads of its own that are terminated at any time', async () => {
    const ended = await run(`
      const { Worker } = await import('node:worker_threads');
      const source = \`
        import { parentPort, workerData } from 'node:worker_threads';
        const { createServer } = await import(workerData.dist + 'index.js');
        const server = createServer({ host: '127.0.0.1', port: 0, ...workerData.variant });
        await server.listen();
        parentPort.postMessage(server.address);
        parentPort.on('message', () => server.close().then(() => process.exit(0)));
      \`;
      const url = new URL('data:text/javascript,' + encodeURIComponent(source));
      const counts = [];
      for (let i = 0; i < 8; i++) {
        const worker = new Worker(url, { workerData: { dist, variant } });
        const exit = once(worker, 'exit');
        if (i % 4 === 0) {
          // While it starts.
          await new Promise((resolve) => setTimeout(resolve, 10 * i));
          await worker.terminate();
        } else {
          const [address] = await once(worker, 'message');
          const sockets = await work({ address }, 'f');
          const gone = sockets.map((socket) => once(socket, 'close'));
          if (i % 4 === 1) {
            worker.postMessage('close');
            await exit;
          } else await worker.terminate();
          await Promise.all(gone);
        }
        if (i % 4 === 3) counts.push(descriptors());
      }
      console.log(JSON.stringify(counts));`);
    expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    const counts = JSON.parse(ended.stdout) as number[];
    expect(counts.at(-1), ended.stdout).toBe(counts.at(-2));
  });
});

describe.each(variants([0]))('an error of our own, $label', (variant) => {
  /** Another version of a method of ours, that fails when it meets a certain function. */
  const BROKEN = `
    const { Broker } = await import(dist + 'broker/broker.js');
    const { functionNamed } = Broker.prototype;
    Broker.prototype.functionNamed = function (bytes, start, count, hash) {
      const name = Buffer.from(bytes.subarray(start, start + count)).toString();
      if (name === 'bomb') throw new TypeError('it is broken');
      return functionNamed.call(this, bytes, start, count, hash);
    };
  `;

  it('ends its server alone: the process and other servers go on', async () => {
    const ended = await runProgram(
      variant,
      `${HEAD}${BROKEN}
      const [broken, other] = [await listening(), await listening()];
      const told = [];
      broken.on('error', (error) => told.push('error ' + error.message));
      broken.on('close', () => told.push('close'));
      broken.closed.catch((error) => told.push('closed ' + error.name));
      const witness = await work(broken, 'f');
      const bystander = await work(other, 'f');
      const socket = connect(broken.address.port, '127.0.0.1');
      socket.on('error', () => {});
      witness.map((peer) => peer.on('error', () => {}));
      socket.write(packet(7, 'bomb', '', ''));
      await Promise.all([socket, ...witness].map((peer) => once(peer, 'close')));
      await broken.closed.catch(() => {});
      await broken.close().catch((error) => told.push('close() ' + error.message));
      const refused = await broken.listen().catch((error) => error.code);
      await end(bystander);
      await end(await work(other, 'again'));
      await other.close();
      console.log(JSON.stringify({ told, refused, address: broken.address }));`,
    );
    expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(JSON.parse(ended.stdout)).toEqual({
      told: ['error it is broken', 'close', 'closed TypeError'],
      refused: 'ERR_GEARTRAIN_CLOSED',
      address: null,
    });
  });

  it('needs no listener: it is in the log and in `closed`', async () => {
    const ended = await runProgram(
      variant,
      `${HEAD}${BROKEN}
      const lines = [];
      const logger = { level: 0, log: (level, text) => lines.push(text.split('\\n', 1)[0]) };
      const server = await listening({ logger });
      const socket = connect(server.address.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(packet(1, 'bomb'));
      const failure = await server.closed.catch((error) => error.message);
      console.log(JSON.stringify([failure, ...lines]));`,
    );
    expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(JSON.parse(ended.stdout)).toEqual([
      'it is broken',
      'the server ends: TypeError: it is broken',
    ]);
  });

  it('lets the host exit from its `error` event', async () => {
    const ended = await runProgram(
      variant,
      `${HEAD}${BROKEN}
      const server = await listening();
      server.on('error', () => process.exit(9));
      connect(server.address.port, '127.0.0.1').write(packet(1, 'bomb'));`,
    );
    expect(ended).toMatchObject({ code: 9, signal: null, stderr: '' });
  });
});
