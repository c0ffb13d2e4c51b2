/**
 * Servers whose jobs Redis or memcached keeps: killed under load (3 rounds, 30 with GEARTRAIN_FULL=1), Redis itself
 * killed and restarted under load, and Redis handed over between gearmand and ours.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../../src/index.ts';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { requirePeer } from '../../support/peers.ts';
import { Random } from '../../support/random.ts';
import { startServer } from '../../support/servers.ts';
import { CrashRounds } from '../../support/store/crash-rounds.ts';
import {
  type KeyValueName,
  KeyValueServer,
  requireKeyValue,
} from '../../support/store/key-value-servers.ts';
import type { WireConnection } from '../../support/wire.ts';

const isFull = process.env.GEARTRAIN_FULL === '1';
const rounds = isFull ? 30 : 3;
/** They are fast: with fewer jobs most rounds are over before anything is surely committed. */
const LOAD_MAX = isFull ? 6000 : 1500;
const yard = useYard();
let store: KeyValueServer;

const OPTIONS: { readonly [name in KeyValueName]: () => ServerOptions } = {
  redis: () => ({ queueType: 'redis', redisPort: store.port }),
  memcached: () => ({
    queueType: 'libmemcached',
    libmemcachedServers: `127.0.0.1:${store.port}`,
  }),
};

for (const name of ['redis', 'memcached'] as const)
  describe.skipIf(!requireKeyValue(name))(`a server with ${name}`, () => {
    beforeEach(async () => {
      store = await KeyValueServer.start(name);
    });
    afterEach(() => store.remove());

    it(`loses nothing acknowledged and brings nothing committed back in ${rounds} kills`, async () => {
      const seed = Number(process.env.GEARTRAIN_SEED ?? Math.floor(Math.random() * 2 ** 31));
      const options = { ...OPTIONS[name](), stateDir: null };
      const crash = new CrashRounds('', new Random(seed), options, LOAD_MAX);
      for (let round = 0; round < rounds; round++) await crash.round();
      const { lost, cameBack, ...counts } = crash.counts;
      console.log(`kill -9 with ${name}, seed ${seed}: ${JSON.stringify(counts)}`);
      expect({ lost, cameBack }).toEqual({ lost: [], cameBack: [] });
      expect(counts.acknowledged).toBeGreaterThan(rounds);
    }, 600_000);

    it('refuses background jobs while it is away, goes on with all else, and recovers', async () => {
      const [variant] = variants([2]);
      if (variant === undefined) throw new Error('no way to run a server');
      const { server, log, port } = await yard().start(variant, OPTIONS[name]());
      const client = await yard().peer({ port }, 'client');
      const worker = await yard().peer({ port }, 'worker');
      await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'before', '1');
      await store.kill();
      const refused = await client.ask('ERROR', 'SUBMIT_JOB_BG', 'f', 'meanwhile', '2');
      expect(String(refused.args[0])).toBe('QUEUE_ERROR');
      await log.until(/fails, background jobs are refused/);
      expect((await server.stats()).store).toMatchObject({ isAccepting: false });
      worker.send('CAN_DO', 'f');
      const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
      worker.send('WORK_COMPLETE', job.args[0] as Buffer, '');
      await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'g', '', 'foreground');
      await store.start();
      while ((await server.stats()).store?.isAccepting !== true)
        await new Promise((resolve) => setImmediate(resolve));
      await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'after', '3');
      await server.close();
      const next = await yard().start(variant, OPTIONS[name]());
      const other = await yard().peer(next, 'other');
      other.send('CAN_DO', 'f');
      const left = await other.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_UNIQ');
      // The end of the first one came while the store was away, and was not forgotten.
      expect(String(left.args[2])).toBe('after');
      other.send('WORK_COMPLETE', left.args[0] as Buffer, '');
      await other.ask('NO_JOB', 'GRAB_JOB');
    }, 60_000);
  });

describe.skipIf(!requireKeyValue('redis'))('Redis under load', () => {
  beforeEach(async () => {
    store = await KeyValueServer.start('redis');
  });
  afterEach(() => store.remove());

  it('is killed and started again: nothing acknowledged is lost, nothing completed comes back', async () => {
    const [variant] = variants([2]);
    if (variant === undefined) throw new Error('no way to run a server');
    const { server, port } = await yard().start(variant, OPTIONS.redis());
    const acknowledged = new Set<string>();
    const ran = new Set<string>();
    let isOver = false;
    const submit = async (client: WireConnection, name: string): Promise<void> => {
      for (let number = 0; !isOver; number++) {
        const unique = `${name}-${number}`;
        client.send('SUBMIT_JOB_BG', `f${number % 4}`, unique, unique);
        const answer = await client.next();
        if (answer.kind === 'packet' && answer.name === 'JOB_CREATED') acknowledged.add(unique);
      }
    };
    const work = async (worker: WireConnection): Promise<void> => {
      for (let i = 0; i < 4; i++) worker.send('CAN_DO', `f${i}`);
      while (!isOver) {
        worker.send('GRAB_JOB');
        const item = await worker.next();
        if (item.kind !== 'packet' || item.name !== 'JOB_ASSIGN') continue;
        ran.add(String(item.data));
        worker.send('WORK_COMPLETE', item.args[0] as Buffer, '');
      }
      await worker.barrier();
    };
    const names = ['a', 'b', 'c', 'd'];
    const clients = await Promise.all(names.map((name) => yard().peer({ port }, name)));
    const worker = await yard().peer({ port }, 'worker');
    const load = [...clients.map((client, i) => submit(client, names[i] as string)), work(worker)];
    for (let kill = 0; kill < 3; kill++) {
      const before = acknowledged.size;
      while (acknowledged.size < before + 200) await new Promise((r) => setImmediate(r));
      await store.kill();
      await store.start();
    }
    const before = acknowledged.size;
    while (acknowledged.size < before + 200) await new Promise((r) => setImmediate(r));
    isOver = true;
    await Promise.all(load);
    while ((await server.stats()).store?.uncommitted !== 0)
      await new Promise((resolve) => setImmediate(resolve));
    await server.close();
    const next = await yard().start(variant, OPTIONS.redis());
    const last = await yard().peer(next, 'last');
    for (let i = 0; i < 4; i++) last.send('CAN_DO', `f${i}`);
    const cameBack: string[] = [];
    for (;;) {
      last.send('GRAB_JOB');
      const item = await last.next();
      if (item.kind !== 'packet' || item.name !== 'JOB_ASSIGN') break;
      if (ran.has(String(item.data))) cameBack.push(String(item.data));
      ran.add(String(item.data));
      last.send('WORK_COMPLETE', item.args[0] as Buffer, '');
    }
    const lost = [...acknowledged].filter((unique) => !ran.has(unique));
    console.log(`Redis killed 3 times: ${acknowledged.size} acknowledged, ${ran.size} ran`);
    expect({ lost, cameBack }).toEqual({ lost: [], cameBack: [] });
  }, 120_000);
});

const hasHandOver = requireKeyValue('redis') && requirePeer('gearmand');
describe.skipIf(!hasHandOver)('a Redis queue that gearmand and ours share in turn', () => {
  beforeEach(async () => {
    // gearmand 1.1.20 starts only when the workload is the first field: Redis keeps the order in small rows alone.
    store = await KeyValueServer.start('redis', ['--hash-max-listpack-value', '1000000']);
  });
  afterEach(() => store.remove());

  const PRIORITIES = ['SUBMIT_JOB_HIGH_BG', 'SUBMIT_JOB_BG', 'SUBMIT_JOB_LOW_BG'] as const;
  /** All bytes but NUL, behind which gearmand cuts a workload off when it reads it back. */
  const binary = Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1));
  const workloadOf = (unique: string): Buffer => Buffer.concat([Buffer.from(`${unique}|`), binary]);

  const args = (): string[] => [
    '--queue-type=redis',
    '--redis-server=127.0.0.1',
    `--redis-port=${store.port}`,
  ];

  it('gives each of them all jobs of the other, unchanged, in 5 hand-overs', async () => {
    const waiting = new Map<string, number>();
    let number = 0;
    for (let turn = 0; turn <= 5; turn++) {
      const kind = turn % 2 === 0 ? 'gearmand' : 'geartrain';
      const server = await startServer(kind, { args: args() });
      const peer = await server.connect('peer');
      peer.send('CAN_DO', 'resize');
      // A third of what waits is worked on, the rest stays for the next one.
      const priorities: number[] = [];
      for (let i = Math.floor(waiting.size / 3); i > 0; i--) {
        peer.send('GRAB_JOB_UNIQ');
        const job = await peer.expect('JOB_ASSIGN_UNIQ');
        const unique = String(job.args[2]);
        expect(job.data.equals(workloadOf(unique))).toBe(true);
        priorities.push(waiting.get(unique) as number);
        waiting.delete(unique);
        peer.send('WORK_COMPLETE', job.args[0] as Buffer, '');
      }
      expect(priorities).toEqual([...priorities].sort());
      expect((await peer.list('show unique jobs')).sort()).toEqual([...waiting.keys()].sort());
      for (let i = 0; i < 9; i++) {
        const unique = `unique-${++number}`;
        const packet = PRIORITIES[i % 3] ?? 'SUBMIT_JOB_BG';
        peer.send(packet, 'resize', unique, workloadOf(unique));
        await peer.expect('JOB_CREATED');
        waiting.set(unique, i % 3);
      }
      await peer.close();
      await server.stop();
    }
  }, 120_000);
});
