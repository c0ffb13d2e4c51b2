/** Policies of functions against a running server: what workers and clients of every language see. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client, Worker } from '../../../dist/index.js';
import { type ServerOptions, startServer, type TestServer } from '../../support/servers.ts';
import type { WireConnection } from '../../support/wire.ts';

const THREADS = [0, 2] as const;

let server: TestServer | null = null;
let stateDir = '';

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'geartrain-policies-'));
});
afterEach(async () => {
  await server?.stop();
  server = null;
  rmSync(stateDir, { recursive: true, force: true });
});

async function start(threads: number, args: readonly string[] = []): Promise<TestServer> {
  const options: ServerOptions = { threads, args };
  server = await startServer('geartrain', options);
  return server;
}

const submitted = (client: WireConnection, fn: string, data: string, name = 'SUBMIT_JOB_BG') =>
  client.ask('JOB_CREATED', name as 'SUBMIT_JOB_BG', fn, '', data);

const told = async (operator: WireConnection, command: string): Promise<string> => {
  operator.sendRaw(Buffer.from(`${command}\n`), command);
  return lineOf(operator);
};

/** The next line of an answer, without its end. */
const lineOf = async (operator: WireConnection): Promise<string> =>
  (await operator.line()).replace(/\r?\n$/, '');

async function workerOn(where: TestServer, fn: string): Promise<WireConnection> {
  const worker = await where.connect('worker');
  worker.send('CAN_DO', fn);
  return worker;
}

describe.each(THREADS)('policies, --threads %i', (threads) => {
  it('keep a paused function: no NOOP to sleepers, order and priority stay', async () => {
    const running = await start(threads);
    const operator = await running.connect('operator');
    const client = await running.connect('client');
    const sleepers = await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const sleeper = await workerOn(running, 'f');
        sleeper.send('PRE_SLEEP');
        await sleeper.barrier();
        return sleeper;
      }),
    );
    expect(await told(operator, 'pause f')).toBe('OK until+the+server+ends');
    for (const data of ['1', '2']) await submitted(client, 'f', data);
    await submitted(client, 'f', 'low', 'SUBMIT_JOB_LOW_BG');
    await submitted(client, 'f', 'high', 'SUBMIT_JOB_HIGH_BG');
    const worker = await workerOn(running, 'f');
    await worker.ask('NO_JOB', 'GRAB_JOB');
    await Promise.all(sleepers.map((sleeper) => sleeper.barrier()));
    for (const sleeper of sleepers) expect(await sleeper.arrived()).toEqual([]);

    expect(await told(operator, 'resume f')).toBe('OK until+the+server+ends');
    const got: string[] = [];
    for (let i = 0; i < 4; i++)
      got.push((await worker.ask('JOB_ASSIGN', 'GRAB_JOB')).data.toString());
    expect(got).toEqual(['high', '1', '2', 'low']);
  });

  it('let a drained function end its jobs and join submits, and refuse new ones with the reason', async () => {
    const running = await start(threads);
    const operator = await running.connect('operator');
    const client = await running.connect('client');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'known', 'a');
    await told(operator, 'drain f');
    const refused = await client.ask('ERROR', 'SUBMIT_JOB_BG', 'f', 'new', 'b');
    expect(refused.payload.toString()).toBe('QUEUE_ERROR\0The function takes no new jobs');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'known', 'c');
    const worker = await workerOn(running, 'f');
    expect((await worker.ask('JOB_ASSIGN', 'GRAB_JOB')).data.toString()).toBe('a');
    await told(operator, 'resume f');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', 'new', 'b');
  });

  it('are kept in the state directory, over the options key by key, and named at the start', async () => {
    const args = [
      `--state-dir=${stateDir}`,
      '--policy=mail=concurrency:5,rate:100/s',
      '--verbose=NOTICE',
    ];
    const first = await start(threads, args);
    const operator = await first.connect('operator');
    expect(await told(operator, 'policy mail concurrency:2,burst:7')).toBe('OK');
    expect(await told(operator, 'pause other%20one')).toBe('OK');
    await first.stop();
    const second = await start(threads, args);
    const later = await second.connect('operator');
    later.sendRaw(Buffer.from('policy\n'), 'policy');
    expect(await lineOf(later)).toBe('mail\tconcurrency:2,rate:100/s,burst:7\topen');
    expect(await lineOf(later)).toBe('other%20one\t-\tpaused');
    expect(await lineOf(later)).toBe('.');
    expect(second.output()).toContain(
      'policy of mail: concurrency:5 of the options is hidden by concurrency:2',
    );
    expect(await told(later, 'policy mail reset')).toBe('OK');
    expect(await told(later, 'policy mail')).toBe('concurrency\t5\toption');
  });

  it('refuse to start with a file that is not theirs, and leave it as it is', async () => {
    const first = await start(threads, [`--state-dir=${stateDir}`]);
    await told(await first.connect('operator'), 'pause f');
    await first.stop();
    const path = join(stateDir, 'policies.json');
    const damaged = readFileSync(path, 'utf8').replace('"format":1', '"format":9');
    writeFileSync(path, damaged);
    const again = startServer('geartrain', { threads, args: [`--state-dir=${stateDir}`] });
    await expect(again).rejects.toThrow(/policies\.json: its format is 9, this version reads 1/);
    expect(readFileSync(path, 'utf8')).toBe(damaged);
  });

  it('leave no file where the server has no state directory', async () => {
    const running = await start(threads);
    await told(await running.connect('operator'), 'policy f rate:1/h');
    expect(existsSync(join(stateDir, 'policies.json'))).toBe(false);
  });
});

describe('a cap over shards', () => {
  it('of 5 is never passed by 50 workers of a function, with 10,000 jobs and 4 shards', {
    timeout: 120_000,
  }, async () => {
    const running = await start(4, ['--policy=f=concurrency:5']);
    const servers = [`127.0.0.1:${running.port}`];
    const JOBS = 10_000;
    let now = 0;
    let most = 0;
    let ended = 0;
    let finish = (): void => {};
    const all = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const workers = Array.from({ length: 50 }, () => {
      const worker = new Worker({ servers });
      worker.add('f', async () => {
        now++;
        most = Math.max(most, now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
        if (++ended === JOBS) finish();
      });
      return worker;
    });
    const client = new Client({ servers });
    try {
      await Promise.all(workers.map((worker) => worker.start()));
      await Promise.all(
        Array.from({ length: JOBS }, () => client.submit('f', 'x', { background: true })),
      );
      await all;
    } finally {
      await Promise.all([client.close(), ...workers.map((worker) => worker.close())]);
    }
    expect(most).toBe(5);
  });
});
