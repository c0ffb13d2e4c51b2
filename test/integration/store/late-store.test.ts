/**
 * A store that is away when the server starts: with --store-wait, and with memcached always, the server starts, refuses
 * background jobs until the store comes, and then gives back what it keeps. By default the start is refused.
 */
import { afterEach, describe, expect, it, onTestFailed } from 'vitest';
import type { ServerOptions } from '../../../src/index.ts';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { onlyWhere } from '../../support/peers.ts';
import { CLIENT_SERVER_STORES, type ProxiedStore } from '../../support/store/proxied-stores.ts';

const yard = useYard();
const ways = [...variants([0]).slice(0, 1), ...variants([2]).slice(-1)];

for (const { name, isThere, start } of CLIENT_SERVER_STORES)
  describe.skipIf(!isThere())(`a server whose ${name} is away at the start`, () => {
    let place: ProxiedStore | null = null;
    afterEach(async () => {
      await yard().end();
      await place?.close();
      place = null;
    });

    for (const way of ways)
      it(`refuses background jobs alone, and has kept ones back when it comes (${way.label})`, async () => {
        place = await start();
        const { proxy } = place;
        const options: ServerOptions =
          name === 'memcached' ? place.options : { ...place.options, storeWait: true };
        const first = await yard().start(way, options);
        const before = await yard().peer(first, 'before');
        for (const fn of ['f', 'g', 'f'])
          await before.ask('JOB_CREATED', 'SUBMIT_JOB_BG', fn, `kept-${fn}`, `kept ${fn}`);
        await first.server.close();
        proxy.isShut = true;
        const { server, port, log } = await yard().start(way, options);
        await log.until(/ fails, background jobs are refused: /);
        const client = await yard().peer({ port }, 'client');
        const worker = await yard().peer({ port }, 'worker');
        const refused = await client.ask('ERROR', 'SUBMIT_JOB_BG', 'f', 'early', 'w');
        expect(String(refused.args[0])).toBe('QUEUE_ERROR');
        expect((await server.stats()).store).toMatchObject({ isAccepting: false, jobs: 0 });
        for (const fn of ['f', 'g']) worker.send('CAN_DO', fn);
        await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', '', 'foreground');
        const foreground = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
        expect(String(foreground.data)).toBe('foreground');
        worker.send('WORK_COMPLETE', foreground.args[0] as Buffer, '');
        await client.expect('WORK_COMPLETE');
        await worker.ask('NO_JOB', 'GRAB_JOB');
        worker.send('PRE_SLEEP');
        await worker.barrier();
        proxy.isShut = false;
        // A sleeping worker is woken by jobs that come back.
        await worker.expect('NOOP');
        await log.until(/ works again after /);
        await expect.poll(async () => (await server.stats()).store?.isAccepting).toBe(true);
        const found: string[] = [];
        for (let i = 0; i < 2; i++) {
          const job = await worker.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_UNIQ');
          found.push(`${job.args[2]}: ${job.data}`);
          worker.send('WORK_COMPLETE', job.args[0] as Buffer, '');
        }
        expect(found.sort()).toEqual(['kept-f: kept f', 'kept-g: kept g']);
        await worker.ask('NO_JOB', 'GRAB_JOB');
        onTestFailed(async () => console.error(log.lines.join('\n')));
        await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'late', 'w');
        await server.close();
        const last = await yard().start(way, options);
        const drain = await yard().peer(last, 'drain');
        for (const fn of ['f', 'g']) drain.send('CAN_DO', fn);
        const job = await drain.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_UNIQ');
        expect(String(job.args[2])).toBe('late');
        drain.send('WORK_COMPLETE', job.args[0] as Buffer, '');
        await drain.ask('NO_JOB', 'GRAB_JOB');
      }, 60_000);

    it('ends in good order while it is still away', async () => {
      place = await start();
      place.proxy.isShut = true;
      const { server, log } = await yard().start(ways[0] as (typeof ways)[0], {
        ...place.options,
        storeWait: true,
      });
      await log.until(/ fails, background jobs are refused: /);
      await server.close();
    }, 60_000);

    const mayRefuse = onlyWhere(name !== 'memcached', 'with memcached a server always starts');
    it.skipIf(!mayRefuse)(
      'does not start unless it is to wait',
      async () => {
        place = await start();
        place.proxy.isShut = true;
        await expect(yard().start(ways[0] as (typeof ways)[0], place.options)).rejects.toThrow(
          /^open /,
        );
      },
      60_000,
    );
  });
