/**
 * Connections to a database that end although the database is there: killed by its administrator, closed for being idle,
 * reset on the way, or reset between a commit and its answer. Rule: no submit is refused, and every job is there once.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { CLIENT_SERVER_STORES, type ProxiedStore } from '../../support/store/proxied-stores.ts';
import type { WireConnection } from '../../support/wire.ts';

const yard = useYard();
/** What happens is the same in all; both kinds of cores and both counts of threads are met. */
const ways = [...variants([0]).slice(0, 1), ...variants([2]).slice(-1)];
const PIPELINED = 40;
const ROUNDS = 2;

/** Names of all jobs that wait, in the order in which they are given out. */
async function drain(port: number): Promise<string[]> {
  const worker = await yard().peer({ port }, 'drain');
  worker.send('CAN_DO', 'f');
  const names: string[] = [];
  for (;;) {
    worker.send('GRAB_JOB');
    const item = await worker.next();
    if (item.kind !== 'packet' || item.name !== 'JOB_ASSIGN') return names;
    names.push(String(item.data));
    worker.send('WORK_COMPLETE', item.args[0] as Buffer, '');
  }
}

function sendJobs(client: WireConnection, names: readonly string[]): void {
  // Every other one without a unique.
  for (const [i, name] of names.entries())
    client.send('SUBMIT_JOB_BG', 'f', i % 2 === 0 ? name : '', name);
}

for (const { name, isThere, start } of CLIENT_SERVER_STORES)
  describe.skipIf(!isThere())(`a connection to ${name}`, () => {
    let place: ProxiedStore | null = null;
    afterEach(async () => {
      await yard().end();
      await place?.close();
      place = null;
    });

    for (const way of ways)
      it(`that is ended again and again refuses no job, loses none and doubles none (${way.label})`, async () => {
        place = await start();
        const { proxy, kill } = place;
        const { server, port, log } = await yard().start(way, place.options);
        const client = await yard().peer({ port }, 'client');
        const other = await yard().peer({ port }, 'other');
        const sent: string[] = [];
        const cuts = [async () => proxy.reset(), ...(kill === null ? [] : [kill])];
        for (let round = 0; round < ROUNDS; round++)
          for (const [number, cut] of cuts.entries()) {
            const names = Array.from({ length: PIPELINED }, (_, i) => `${round}-${number}-${i}`);
            sent.push(...names);
            sendJobs(client, names.slice(0, PIPELINED / 2));
            const isCut = cut();
            sendJobs(client, names.slice(PIPELINED / 2));
            await isCut;
            await other.barrier();
            await other.ask('JOB_CREATED', 'SUBMIT_JOB', 'g', '', 'foreground');
            for (const _ of names) await client.expect('JOB_CREATED');
          }
        expect(log.lines.filter((line) => /jobs are refused/.test(line))).toEqual([]);
        await server.close();
        const next = await yard().start(way, place.options);
        expect(await drain(next.port)).toEqual(sent);
        await next.server.close();
        expect(await drain((await yard().start(way, place.options)).port)).toEqual([]);
      }, 120_000);

    it('that is reset between a commit and its answer has each job once, and holds nobody else up', async () => {
      const [way] = ways;
      place = await start();
      const { proxy, words } = place;
      const { server, port, log } = await yard().start(way as (typeof ways)[0], place.options);
      const client = await yard().peer({ port }, 'client');
      const other = await yard().peer({ port }, 'other');
      const names = Array.from({ length: PIPELINED }, (_, i) => `job${i}`);
      const hasCommitted = proxy.swallowAnswerTo(words).then(() => {
        proxy.isShut = true;
      });
      sendJobs(client, names);
      await hasCommitted;
      await other.barrier();
      await other.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', 'foreground', 'foreground');
      other.send('CAN_DO', 'f');
      const job = await other.ask('JOB_ASSIGN', 'GRAB_JOB');
      expect(String(job.data)).toBe('foreground');
      other.send('WORK_COMPLETE', job.args[0] as Buffer, '');
      await other.expect('WORK_COMPLETE');
      proxy.isShut = false;
      for (const _ of names) await client.expect('JOB_CREATED');
      expect(log.lines.filter((line) => /jobs are refused/.test(line))).toEqual([]);
      await server.close();
      const next = await yard().start(way as (typeof ways)[0], place.options);
      expect(await drain(next.port)).toEqual(names);
    }, 60_000);

    it('that the database ends for being idle is opened anew', async (context) => {
      const [way] = ways;
      place = await start();
      if (place.endIdle === null) context.skip(`${name} ends no idle connection by a setting`);
      await place.endIdle?.();
      const { port, log } = await yard().start(way as (typeof ways)[0], place.options);
      const client = await yard().peer({ port }, 'client');
      for (let round = 1; round <= 3; round++) {
        await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', `${round}`);
        await log.until(/connected anew/, round);
      }
      expect(log.lines.filter((line) => /jobs are refused/.test(line))).toEqual([]);
      expect(await drain(port)).toEqual(['1', '2', '3']);
    }, 60_000);
  });
