/** Connections inside the process: no port, the same rules, and nothing left behind. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createServer } from '../../../dist/index.js';
import { variants } from '../../support/embedding/servers.ts';
import { LibraryYard } from '../../support/library.ts';
import { requirePeer } from '../../support/peers.ts';

const yard = new LibraryYard();
const program = fileURLToPath(new URL('../../support/embedding/in-process.mjs', import.meta.url));
const run = promisify(execFile);
const hasStrace = requirePeer('strace');
const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** System calls that move bytes, or make what moves them, in a process that runs `count` jobs. */
async function transfers(count: number, threads: number, native: string): Promise<number> {
  const kinds = '%network,read,write,readv,writev,epoll_ctl';
  const { stdout, stderr } = await run('strace', [
    ...['-f', '-c', '-U', 'calls,name', '-e', `trace=${kinds}`, process.execPath],
    ...[program, String(count), String(threads), native],
  ]);
  expect(stdout.trim()).toBe(String(count));
  return Number(/^\s*(\d+) total$/m.exec(stderr)?.[1]);
}

describe.each(variants())('server.connect(), $label', ({ threads, native }) => {
  const create = () => yard.keep(createServer({ threads, native }));

  it('needs no address', async () => {
    const server = create();
    const worker = yard.worker({ server });
    worker.add('reverse', (job) => [...job.text()].reverse().join(''));
    await worker.start();
    expect(await yard.client({ server }).submit('reverse', 'abc').text()).toBe('cba');
    expect(server.address).toBe(null);
    expect((await server.stats()).connections).toBe(2);
  });

  it('speaks the text protocol, too, and shows itself as a local peer', async () => {
    const server = create();
    const stream = server.connect();
    stream.end('workers\n');
    let answer = '';
    for await (const chunk of stream) answer += chunk;
    expect(answer).toMatch(/^\d+ \S+ - :\n\.\n$/);
  });

  it('ends with the server, and begins no more', async () => {
    const server = create();
    const client = yard.client({ server, whenOffline: 'fail' });
    await client.connect();
    const job = client.submit('never', 'x');
    await job.handle;
    await server.close();
    await expect(job).rejects.toMatchObject({ code: 'ERR_GEARMAN_JOB_LOST' });
    expect(() => server.connect()).toThrow(
      expect.objectContaining({ code: 'ERR_GEARTRAIN_CLOSED' }),
    );
    await expect(client.submit('never', 'x')).rejects.toMatchObject({
      code: 'ERR_GEARMAN_OFFLINE',
    });
  });

  it('is refused when the server closes before it was there', async () => {
    const server = create();
    const stream = server.connect();
    stream.resume();
    const ended = new Promise((resolve) => stream.once('close', resolve));
    await server.close();
    await ended;
  });

  it('opens no descriptor', async () => {
    const server = create();
    // Whatever the first connection and job load stays open.
    const first = yard.worker({ server });
    first.add('f', () => 'r');
    await first.start();
    expect(await yard.client({ server }).submit('f', '').text()).toBe('r');
    const before = descriptors();
    const clients = Array.from({ length: 20 }, () => yard.client({ server }));
    const worker = yard.worker({ server });
    worker.add('g', (job) => job.data);
    await worker.start();
    const large = Buffer.alloc(300_000, 'large');
    for (const client of clients) expect(large.equals(await client.submit('g', large))).toBe(true);
    expect(descriptors()).toBe(before);
  });

  // Threads of a server wake each other by system calls, whoever is connected.
  const ofOneThread = threads === 0 ? it.skipIf(!hasStrace) : () => {};
  ofOneThread(
    'makes no system call a job',
    async () => {
      const calls = await Promise.all(
        [500, 2500].map((count) => transfers(count, threads, native)),
      );
      // Garbage collection and other threads write to each other now and then.
      expect((calls[1] as number) - (calls[0] as number)).toBeLessThan(200);
    },
    60_000,
  );

  it('leaves no descriptor behind', async () => {
    const run = async (): Promise<void> => {
      const server = createServer({ threads, native });
      const worker = yard.worker({ server });
      worker.add('f', () => 'r');
      await worker.start();
      const client = yard.client({ server });
      await client.submit('f', '');
      await client.close();
      await worker.drain();
      await server.close();
    };
    await run();
    const before = descriptors();
    for (let i = 0; i < 2; i++) await run();
    expect(descriptors()).toBeLessThanOrEqual(before);
  });
});
