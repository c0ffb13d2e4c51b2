/**
 * A shard's thread ends in the middle of its work: who is told, what goes on, what is served afterwards.
 * Source: docs/design.md, section 7; src/DECISIONS.md, no. 7.
 */
import { describe, expect, it } from 'vitest';
import {
  endNewestThread,
  killShard,
  namesByShard,
  shardOf,
  untilMended,
} from '../../support/embedding/deaths.ts';
import { type StartedServer, useYard, variants } from '../../support/embedding/servers.ts';
import type { WireConnection } from '../../support/wire.ts';

// Three shards: one dies, and of the others some have to do with it and some have not.
describe.each(variants([3]))('death of a shard, $label', (variant) => {
  const yard = useYard();

  async function start(): Promise<StartedServer & { readonly names: string[] }> {
    const started = await yard().start(variant);
    const asker = await yard().peer(started, 'asker');
    const names = await namesByShard(asker, variant.threads);
    await asker.close();
    return { ...started, names };
  }

  /** A worker of the functions of these shards. */
  async function workerOf(
    server: StartedServer & { readonly names: string[] },
    name: string,
    ...shards: number[]
  ): Promise<WireConnection> {
    const worker = await yard().peer(server, name);
    for (const shard of shards) worker.send('CAN_DO', server.names[shard] as string);
    await worker.barrier();
    return worker;
  }

  it('closes every connection that has named one of its functions, and no other', async () => {
    const server = await start();
    const shards = server.names.map((_, shard) => shard).slice(1);
    const idle = await yard().peer(server, 'idle');
    await idle.barrier();
    const homes: WireConnection[] = [];
    // The second function is far from home.
    const pairs: { readonly peer: WireConnection; readonly shards: number[] }[] = [];
    for (const shard of shards) {
      homes[shard] = await workerOf(server, `home-${shard}`, shard);
      const other = (shard % variant.threads) + 1;
      const peer = await workerOf(server, `both-${shard}-${other}`, shard, other);
      pairs.push({ peer, shards: [shard, other] });
    }
    const dead = await killShard(server.log);
    await homes[dead]?.untilClosed();
    for (const { peer, shards } of pairs) if (shards.includes(dead)) await peer.untilClosed();
    await untilMended(server.log);
    await idle.barrier();
    for (const shard of shards) if (shard !== dead) await homes[shard]?.barrier();
    for (const { peer, shards } of pairs) if (!shards.includes(dead)) await peer.barrier();
  });

  it('loses its jobs, says how many, and keeps those of the others', async () => {
    const server = await start();
    const handles: Buffer[][] = server.names.map(() => []);
    for (const [shard, name] of server.names.entries()) {
      const client = await yard().peer(server, `client-${shard}`);
      for (let i = 0; shard > 0 && i < 10 * shard; i++) {
        const { payload } = await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', name, '', 'x');
        expect(shardOf(payload)).toBe(shard);
        handles[shard]?.push(payload);
      }
    }
    const dead = await killShard(server.log);
    const line = server.log.lines.find((text) => text.includes('has died'));
    expect(line).toContain(`shard ${dead} has died, ${10 * dead} jobs are lost with it`);
    await untilMended(server.log);
    const asker = await yard().peer(server, 'asker');
    for (const [shard, all] of handles.entries()) {
      for (const handle of all) {
        const status = await asker.ask('STATUS_RES', 'GET_STATUS', handle);
        expect(status.args[1]?.toString(), `${handle}`).toBe(shard === dead ? '0' : '1');
      }
    }
    const jobs = handles.flatMap((all, shard) => (shard === dead ? [] : all)).length;
    expect((await server.server.stats()).jobs).toBe(jobs);
  });

  it('gives a running job of another shard back when its worker lived in the dead one', async () => {
    const server = await start();
    // Each worker lives in one shard and runs a job of the next.
    const next = (shard: number) => (shard % variant.threads) + 1;
    const workers: WireConnection[] = [];
    for (let shard = 1; shard <= variant.threads; shard++) {
      const client = await yard().peer(server, `client-${shard}`);
      const other = next(shard);
      await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', server.names[other] as string, '', 'x');
      workers[shard] = await workerOf(server, `worker-${shard}`, shard, other);
      await workers[shard]?.ask('JOB_ASSIGN', 'GRAB_JOB');
    }
    const dead = await killShard(server.log);
    await workers[dead]?.untilClosed();
    const heir = await workerOf(server, 'heir', next(dead));
    // The shard of the job has heard of the death when it says that nobody is on the function but the heir.
    heir.send('PRE_SLEEP');
    await heir.expect('NOOP');
    await heir.ask('JOB_ASSIGN', 'GRAB_JOB');
  });

  it('is served again, with handles that never came before', async () => {
    const server = await start();
    const seen = new Set<string>();
    const serveAll = async (round: string) => {
      for (let shard = 1; shard <= variant.threads; shard++) {
        const name = server.names[shard] as string;
        const client = await yard().peer(server, `client-${round}-${shard}`);
        const worker = await workerOf(server, `worker-${round}-${shard}`, shard);
        worker.send('PRE_SLEEP');
        await worker.barrier();
        const { payload } = await client.ask('JOB_CREATED', 'SUBMIT_JOB', name, '', round);
        expect(shardOf(payload)).toBe(shard);
        expect(seen.has(payload.toString())).toBe(false);
        seen.add(payload.toString());
        await worker.expect('NOOP');
        const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
        worker.send('WORK_COMPLETE', job.args[0] as Buffer, `${round} done`);
        expect((await client.expect('WORK_COMPLETE')).data.toString()).toBe(`${round} done`);
      }
    };
    await serveAll('before');
    await killShard(server.log);
    await untilMended(server.log);
    await serveAll('after');
    await killShard(server.log);
    await untilMended(server.log);
    await serveAll('again');
  });

  it('closes a connection that names its function before it runs again, and answers all else', async () => {
    const server = await start();
    const peers: WireConnection[] = [];
    for (let shard = 1; shard <= variant.threads; shard++)
      peers[shard] = await yard().peer(server, `late-${shard}`);
    const dead = await killShard(server.log);
    // Written at once: what is here before the new thread can be.
    for (const [shard, peer] of peers.entries())
      peer?.send('CAN_DO', server.names[shard] as string);
    const witness = await yard().peer(server, 'witness');
    await witness.barrier();
    await peers[dead]?.untilClosed();
    expect(server.log.lines.some((line) => line.endsWith('runs again'))).toBe(false);
    for (const [shard, peer] of peers.entries()) if (shard !== dead) await peer?.barrier();
    // A question to all shards is answered by those that live.
    expect(await witness.list('status')).not.toEqual([]);
    await untilMended(server.log);
    await (await workerOf(server, 'later', dead)).barrier();
  });

  it('lets a graceful close end although jobs were lost', async () => {
    const server = await start();
    for (const [shard, name] of server.names.entries()) {
      if (shard === 0) continue;
      const client = await yard().peer(server, `client-${shard}`);
      await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', name, '', 'x');
    }
    const closing = server.server.close({ graceful: true });
    const dead = await killShard(server.log);
    await untilMended(server.log);
    expect((await server.server.stats()).jobs).toBe(variant.threads - 1);
    expect(dead).toBeGreaterThan(0);
    await server.server.close();
    await closing;
    await server.server.closed;
  });

  it('can be closed while a shard is being started again', async () => {
    const server = await start();
    await killShard(server.log);
    await server.server.close();
    await server.server.closed;
  });

  it('ends the server with an error at the third death within a minute', async () => {
    const server = await start();
    const errors: Error[] = [];
    server.server.on('error', (error) => errors.push(error));
    const idle = await yard().peer(server, 'idle');
    await idle.barrier();
    for (let i = 0; i < 2; i++) {
      await killShard(server.log);
      await untilMended(server.log);
    }
    await idle.barrier();
    endNewestThread();
    await expect(server.server.closed).rejects.toThrow('3 shards died within a minute');
    await idle.untilClosed();
    expect(errors).toHaveLength(1);
    expect(errors[0]?.cause).toBeInstanceOf(Error);
    await expect(server.server.listen()).rejects.toMatchObject({ code: 'ERR_GEARTRAIN_CLOSED' });
    expect(server.log.lines.filter((line) => line.startsWith('the server ends'))).toHaveLength(1);
  });
});
