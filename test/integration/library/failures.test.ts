/** Handlers that say what happens to the job that they fail. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer, Dead, Retry } from '../../../dist/index.js';
import type { Server } from '../../../src/index.ts';
import { LibraryYard } from '../../support/library.ts';
import { hasPeer, requirePeer } from '../../support/peers.ts';
import { startServer } from '../../support/servers.ts';

const yard = new LibraryYard();
const file = new URL('../../support/handlers/failing.mjs', import.meta.url);

describe('a handler', () => {
  let server: Server;
  beforeAll(() => {
    // Without Retry the second run would come after an hour.
    const policy = { attempts: 3, backoff: 'fixed:1h', fg: 1 } as const;
    server = createServer({ policies: { here: policy, threads: policy } });
  });
  afterAll(async () => {
    await server.close();
  });

  const failureOf = async (name: string, workload: string): Promise<string> => {
    const client = yard.client({ server });
    const error = await client.submit(name, workload).then(
      () => null,
      (failure: Error) => failure,
    );
    return error?.message ?? 'it did not fail';
  };

  it.each(['here', 'threads'])('tries again, or gives up, in %s', async (name) => {
    const worker = yard.worker({ server });
    let runs = 0;
    if (name === 'threads') worker.add(name, { file });
    else
      worker.add(name, (job) => {
        runs++;
        if (job.text() === 'dead') throw new Dead('no such user');
        throw new Retry({ delayMs: 1, message: 'busy' });
      });
    await worker.start();
    // The client hears of the last failure only; the order to the server is not in its text.
    expect(await failureOf(name, 'retry')).toMatch(/failed: busy$/);
    if (name === 'here') expect(runs).toBe(3);
    expect(await failureOf(name, 'dead')).toMatch(/failed: no such user$/);
    if (name === 'here') expect(runs).toBe(4);
  });

  it('cannot ask for something else than a delay and a reason', () => {
    const wrong = (make: (given: never) => unknown, given: unknown) => () => make(given as never);
    const refused = expect.objectContaining({ code: 'ERR_GEARMAN_ARGUMENT' });
    expect(wrong((given) => new Retry(given), undefined)).toThrow(refused);
    expect(wrong((given) => new Retry(given), 'later')).toThrow(refused);
    expect(wrong((given) => new Dead(given), { message: 'x' })).toThrow(refused);
  });

  it.each([-1, 1.5, Number.NaN, 31 * 86_400_000])('cannot ask for a delay of %d', (delayMs) => {
    expect(() => new Retry({ delayMs })).toThrow(
      expect.objectContaining({ code: 'ERR_GEARMAN_ARGUMENT' }),
    );
  });
});

it.skipIf(!requirePeer('gearmand'))('C gearmand passes the order on as text', async () => {
  expect(hasPeer('gearmand')).toBe(true);
  const gearmand = await startServer('gearmand');
  const servers = [`127.0.0.1:${gearmand.port}`];
  const worker = yard.worker({ servers });
  worker.add('f', () => {
    throw new Dead('no such user');
  });
  await worker.start();
  const client = yard.client({ servers });
  const error = await client.submit('f', '').then(
    () => null,
    (failure: { exception: Uint8Array | null }) => failure,
  );
  expect(Buffer.from(error?.exception ?? []).toString()).toBe('geartrain:dead\nno such user');
  await gearmand.stop();
});
