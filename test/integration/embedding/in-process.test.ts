/** Connections inside the process: no port, the same rules, and nothing left behind. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createServer } from '../../../dist/index.js';
import { variants } from '../../support/embedding/servers.ts';
import { LibraryYard } from '../../support/library.ts';

const yard = new LibraryYard();
const descriptors = (): number => readdirSync('/proc/self/fd').length;

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
