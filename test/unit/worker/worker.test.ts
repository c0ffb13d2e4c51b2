/** The worker against a server that does what the test says: what it offers, grabs, sends, and when it leaves. */
import { describe, expect, it } from 'vitest';
import { JobFailed, json, Worker, type WorkerJob, type WorkerOptions } from '../../../src/index.ts';
import type { ScriptedPeer, ScriptedServer } from '../../support/scripted-server.ts';
import { endScripted, keep, quick, scripted } from '../../support/scripted-yard.ts';

endScripted();

function workerOf(servers: ScriptedServer[], options: WorkerOptions = {}): Worker {
  return keep(new Worker({ ...quick(servers), ...options }));
}

const assign = (peer: ScriptedPeer, handle: string, name: string, data = ''): ScriptedPeer =>
  peer.send('JOB_ASSIGN_UNIQ', handle, name, '', data);

const shown = (item: { name: string; args: readonly Buffer[]; data: Buffer }): string =>
  [item.name, ...item.args.map(String), String(item.data)].join(' ').trim();

/** Something that a test lets go on. */
function gate(): { wait: Promise<void>; open: () => void } {
  let release = (): void => {};
  const wait = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { wait, open: release };
}

describe('a worker that starts', () => {
  it('sends id, option, functions and ECHO in one write, and is started when that is answered', async () => {
    const server = await scripted();
    const worker = workerOf([server], { id: 'wörker 1' });
    worker.add('a', () => '').add('b', () => '', { timeoutMs: 2500 });
    let isStarted = false;
    const started = worker.start().then(() => {
      isStarted = true;
    });
    const peer = await server.accept();
    await peer.until(() => peer.items.length === 5, 'the greeting');
    expect(peer.readCount).toBe(1);
    expect(isStarted).toBe(false);
    expect((await peer.welcome()).map((item) => item.args.map(String).join(' '))).toEqual([
      'wörker 1',
      'attempts',
      'a',
      'b 2500',
    ]);
    expect(peer.heard).toEqual([
      'SET_CLIENT_ID',
      'OPTION_REQ',
      'CAN_DO',
      'CAN_DO_TIMEOUT',
      'ECHO_REQ',
    ]);
    await started;
    await peer.expect('GRAB_JOB_ALL');
  });

  it('does the same again when its connection was lost', async () => {
    const server = await scripted();
    const worker = workerOf([server], { id: 'w' });
    worker.add('a', () => '');
    await Promise.all([worker.start(), server.acceptReady().then((peer) => peer.close())]);
    worker.add('b', () => '');
    const again = await server.accept();
    await again.until(() => again.items.length >= 5, 'the greeting');
    expect(again.readCount).toBe(1);
    expect((await again.welcome()).map((item) => String(item.args[0]))).toEqual([
      'w',
      'attempts',
      'a',
      'b',
    ]);
    await again.expect('GRAB_JOB_ALL');
  });

  it('offers a function that is added behind the greeting and before its answer', async () => {
    const server = await scripted();
    const worker = workerOf([server]);
    worker.add('a', () => '');
    const started = worker.start();
    const peer = await server.accept();
    await peer.until(() => peer.items.length === 3, 'the greeting');
    worker.add('b', () => '');
    await peer.welcome();
    expect(shown(await peer.expect('CAN_DO'))).toBe('CAN_DO b');
    await peer.expect('GRAB_JOB_ALL');
    await started;
  });

  it('offers a function that is added later, and looks for its jobs', async () => {
    const server = await scripted();
    const worker = workerOf([server]);
    worker.add('a', () => '');
    const started = worker.start();
    const peer = await server.acceptReady();
    await started;
    await peer.expect('GRAB_JOB_ALL');
    peer.send('NO_JOB');
    await peer.expect('PRE_SLEEP');
    worker.add('b', () => 'r');
    expect(shown(await peer.expect('CAN_DO'))).toBe('CAN_DO b');
    await peer.expect('GRAB_JOB_ALL');
  });

  it('is told that a server does not let it work, also when it has a connection for each function', async () => {
    const server = await scripted();
    const worker = workerOf([server]);
    worker.add('a', () => '').add('b', () => '', { concurrency: 1 });
    const failed = expect(worker.start()).rejects.toMatchObject({
      code: 'ERR_GEARMAN_SERVER',
      serverCode: 'NOT_ALLOWED',
      message: expect.stringContaining('to work on this function'),
    });
    for (let i = 0; i < 2; i++) {
      const peer = await server.accept();
      await peer.until(() => peer.items.length === 3, 'the greeting');
      if (String(peer.items[1]?.args[0]) === 'b')
        peer.send('ERROR', 'NOT_ALLOWED', 'Not allowed to work on this function');
      await peer.welcome();
    }
    await failed;
  });

  it('starts where one server refuses it and another does not', async () => {
    const [strict, open] = [await scripted(), await scripted()];
    const worker = workerOf([strict, open]);
    worker.add('a', () => '');
    const started = worker.start();
    const refusing = await strict.accept();
    await refusing.until(() => refusing.items.length === 3, 'the greeting');
    refusing.send('ERROR', 'NOT_ALLOWED', 'Not allowed to work on this function');
    await refusing.welcome();
    await open.acceptReady();
    await started;
  });

  it('refuses options that do not exist', () => {
    const options = { concurency: 2 } as object;
    expect(() => new Worker(options)).toThrow(
      'there is no option concurency, did you mean concurrency?',
    );
    const worker = keep(new Worker());
    expect(() => worker.add('f', () => '', { timeout: 1 } as object)).toThrow(
      'add f: there is no option timeout, did you mean timeoutMs?',
    );
  });

  it('waits for a server as long as it may', async () => {
    const server = await scripted();
    const { address } = server;
    await server.stop();
    const worker = new Worker({ servers: [address] });
    keep(worker);
    worker.add('a', () => '');
    await expect(worker.start({ timeoutMs: 20 })).rejects.toMatchObject({
      code: 'ERR_GEARMAN_TIMEOUT',
    });
    const { signal } = new AbortController();
    // Heard before the close, which takes several turns: nobody would hear the rejection meanwhile.
    const never = expect(worker.start({ signal })).rejects.toMatchObject({
      code: 'ERR_GEARMAN_CLOSED',
    });
    await worker.close();
    await never;
  });

  it('refuses what cannot be', async () => {
    const worker = workerOf([await scripted()]);
    await expect(worker.start()).rejects.toMatchObject({ code: 'ERR_GEARMAN_ARGUMENT' });
    worker.add('a', () => '');
    const wrong: (() => unknown)[] = [
      () => worker.add('a', () => ''),
      () => worker.add('', () => ''),
      () => worker.add('a\0b', () => ''),
      () => worker.add('b', () => '', { timeoutMs: 0 }),
      () => worker.add('b', () => '', { concurrency: 0 }),
      () => worker.add('b', { file: '/nowhere/at/all.js' }),
      () => new Worker({ concurrency: 0 }),
      () => new Worker({ servers: ['x y'] }),
    ];
    for (const attempt of wrong)
      expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_GEARMAN_ARGUMENT' }));
  });
});

describe('grabs', () => {
  it('never exceed the free slots', async () => {
    const server = await scripted();
    const worker = workerOf([server], { concurrency: 3 });
    const gates = new Map<string, ReturnType<typeof gate>>();
    const full = gate();
    worker.add('f', async (job) => {
      const one = gate();
      gates.set(job.handle, one);
      if (gates.size === 3) full.open();
      await one.wait;
      return 'r';
    });
    const started = worker.start();
    const peer = await server.acceptReady();
    await started;
    for (let i = 1; i <= 3; i++) {
      await peer.expect('GRAB_JOB_ALL');
      assign(peer, `H:${i}`, 'f');
    }
    await full.wait;
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.items).toEqual([]);
    expect(worker.busy).toBe(3);
    gates.get('H:2')?.open();
    expect(shown(await peer.expect('WORK_COMPLETE'))).toBe('WORK_COMPLETE H:2 r');
    await peer.expect('GRAB_JOB_ALL');
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.items).toEqual([]);
    for (const one of gates.values()) one.open();
  });

  it('grow with the jobs that come and shrink to one', async () => {
    const server = await scripted();
    const worker = workerOf([server], { concurrency: 64 });
    const stop = gate();
    worker.add('f', () => stop.wait);
    const started = worker.start();
    const peer = await server.acceptReady();
    await started;
    for (const expected of [1, 2, 4, 8]) {
      await peer.until(() => peer.items.length === expected, `${expected} grabs`);
      for (const [i] of peer.items.splice(0).entries()) assign(peer, `H:${expected}.${i}`, 'f');
    }
    // All grabs that are open find nothing: one PRE_SLEEP behind the last answer.
    await peer.until(() => peer.items.length === 16, '16 grabs');
    for (const _ of peer.items.splice(0)) peer.send('NO_JOB');
    await peer.expect('PRE_SLEEP');
    expect(peer.items).toEqual([]);
    peer.send('NOOP');
    await peer.expect('GRAB_JOB_ALL');
    expect(peer.items).toEqual([]);
    stop.open();
  });

  it('keep to the limit of a function, on a connection of its own', async () => {
    const server = await scripted();
    const worker = workerOf([server], { concurrency: 10 });
    const stop = gate();
    worker.add('free', () => stop.wait);
    worker.add('limited', () => stop.wait, { concurrency: 2 });
    const started = worker.start();
    const peers: Record<string, ScriptedPeer> = {};
    for (let i = 0; i < 2; i++) {
      const peer = await server.accept();
      const greeting = await peer.welcome();
      peers[String(greeting[1]?.args[0])] = peer;
    }
    await started;
    const limited = peers.limited as ScriptedPeer;
    await limited.expect('GRAB_JOB_ALL');
    assign(limited, 'H:1', 'limited');
    await limited.expect('GRAB_JOB_ALL');
    assign(limited, 'H:2', 'limited');
    const free = peers.free as ScriptedPeer;
    await free.expect('GRAB_JOB_ALL');
    assign(free, 'H:3', 'free');
    await free.expect('GRAB_JOB_ALL');
    await new Promise((resolve) => setImmediate(resolve));
    expect(limited.items).toEqual([]);
    stop.open();
  });

  it('share the slots between servers', async () => {
    const servers = [await scripted(), await scripted()];
    const worker = workerOf(servers, { concurrency: 1 });
    worker.add('f', (job) => job.text());
    const started = worker.start();
    const [left, right] = (await Promise.all(servers.map((server) => server.acceptReady()))) as [
      ScriptedPeer,
      ScriptedPeer,
    ];
    await started;
    const answered = { left: 0, right: 0 };
    // One slot: never is more than one grab open; each server gets its turn.
    for (let i = 0; i < 10; i++) {
      await Promise.race([
        left.until(() => left.items.length > 0 || right.items.length > 0, 'a grab'),
        right.until(() => left.items.length > 0 || right.items.length > 0, 'a grab'),
      ]);
      const [side, peer] =
        left.items.length > 0 ? (['left', left] as const) : (['right', right] as const);
      await peer.expect('GRAB_JOB_ALL');
      expect([left.items, right.items]).toEqual([[], []]);
      answered[side]++;
      assign(peer, `H:${i}`, 'f', 'x');
      await peer.expect('WORK_COMPLETE');
    }
    expect(Math.min(answered.left, answered.right)).toBeGreaterThanOrEqual(3);
  });
});

describe('a job', () => {
  async function running(
    handler: Parameters<Worker['add']>[1],
    options: WorkerOptions = {},
    limits: Parameters<Worker['add']>[2] = {},
  ): Promise<{ peer: ScriptedPeer; worker: Worker; server: ScriptedServer; errors: unknown[] }> {
    const server = await scripted();
    const worker = workerOf([server], options);
    const errors: unknown[] = [];
    worker.on('jobError', (error) => errors.push(error));
    worker.add('f', handler, limits);
    const started = worker.start();
    const peer = await server.acceptReady();
    await started;
    await peer.expect('GRAB_JOB_ALL');
    return { peer, worker, server, errors };
  }

  it('shows what came, and sends what its handler says', async () => {
    const seen: unknown[] = [];
    const { peer } = await running((job) => {
      seen.push(job.functionName, job.handle, job.unique, job.reducer, job.text(), job.data);
      job.progress(1, 3);
      job.sendData(Buffer.from('\0part'));
      job.warn('careful');
      return new Uint8Array([0, 255]);
    });
    peer.send('JOB_ASSIGN_ALL', 'H:1', 'f', 'ü', 'red', 'wörk\0load');
    const packets = [];
    for (const name of ['WORK_STATUS', 'WORK_DATA', 'WORK_WARNING', 'WORK_COMPLETE'] as const)
      packets.push((await peer.expect(name)).payload.toString('latin1'));
    expect(packets).toEqual(['H:1\x001\x003', 'H:1\0\0part', 'H:1\0careful', 'H:1\0\0\xff']);
    expect(seen.slice(0, 4)).toEqual(['f', 'H:1', Buffer.from('ü', 'latin1').toString(), 'red']);
  });

  it.each([
    ['an Error', () => Promise.reject(new Error('no coffee')), 'no coffee'],
    [
      'an Error at once',
      () => {
        throw new TypeError('wrong');
      },
      'wrong',
    ],
    ['text', () => Promise.reject('plain'), 'plain'],
    ['bytes', () => Promise.reject(Buffer.from('bytes')), 'bytes'],
    ['nothing', () => Promise.reject(undefined), 'undefined'],
    ['an object as result', () => ({ a: 1 }) as never, 'result of f: object is neither'],
  ])('that throws %s fails, its exception before', async (_what, handler, text) => {
    const { peer, errors } = await running(handler as () => Promise<string>);
    assign(peer, 'H:1', 'f');
    expect(shown(await peer.expect('WORK_EXCEPTION'))).toContain(text);
    expect((await peer.expect('WORK_FAIL')).payload.toString()).toBe('H:1');
    await peer.expect('GRAB_JOB_ALL');
    expect(errors.length).toBe(1);
  });

  it.each([
    [true, false],
    ['stack', true],
  ] as const)(
    'that throws an Error sends its stack only when asked to: exceptions %j',
    async (exceptions, hasStack) => {
      const thrown = new Error('no coffee');
      const { peer, errors } = await running(() => Promise.reject(thrown), { exceptions });
      assign(peer, 'H:1', 'f');
      const frames = String(thrown.stack).slice('Error: no coffee'.length);
      const text = (await peer.expect('WORK_EXCEPTION')).payload.toString();
      expect(text).toBe(`H:1\0no coffee${hasStack ? frames : ''}`);
      expect(errors).toEqual([thrown]);
    },
  );

  it('refuses other words for exceptions', () => {
    expect(() => new Worker({ exceptions: 'stacks' as never })).toThrow(
      `new Worker: exceptions "stacks", allowed are true, false and 'stack'`,
    );
  });

  it.each([
    ['JobFailed is thrown', () => Promise.reject(new JobFailed()), {}],
    ['exceptions are off', () => Promise.reject(new Error('x')), { exceptions: false }],
  ])('fails without an exception when %s', async (_what, handler, options) => {
    const { peer } = await running(handler, options);
    assign(peer, 'H:1', 'f');
    await peer.expect('WORK_FAIL');
    await peer.expect('GRAB_JOB_ALL');
  });

  it('sends nothing behind its end', async () => {
    let first: WorkerJob | null = null;
    const { peer } = await running((job) => {
      first ??= job;
      return 'r';
    });
    assign(peer, 'H:1', 'f');
    await peer.expect('WORK_COMPLETE');
    await peer.expect('GRAB_JOB_ALL');
    const ended = first as unknown as WorkerJob;
    ended.sendData('late');
    ended.progress(1, 1);
    ended.warn('late');
    assign(peer, 'H:2', 'f');
    expect(shown(await peer.expect('WORK_COMPLETE'))).toBe('WORK_COMPLETE H:2 r');
  });

  it('may fill the memory of a part again as soon as it has sent it', async () => {
    const { peer } = await running((job) => {
      const memory = new Uint8Array(100_000);
      for (const byte of [1, 2]) job.sendData(memory.fill(byte));
      memory.fill(3);
    });
    assign(peer, 'H:1', 'f');
    for (const byte of [1, 2])
      expect((await peer.expect('WORK_DATA')).data.every((one) => one === byte)).toBe(true);
    await peer.expect('WORK_COMPLETE');
  });

  it('refuses progress and data that the protocol cannot carry', async () => {
    const { peer } = await running((job) => {
      for (const [n, d] of [
        [-1, 1],
        [0.5, 1],
        [1, 2 ** 32],
        [Number.NaN, 1],
      ])
        expect(() => job.progress(n as number, d as number)).toThrow('allowed is 0 to 4294967295');
      expect(() => job.sendData(7 as never)).toThrow('neither Uint8Array nor text');
      return 'checked';
    });
    assign(peer, 'H:1', 'f');
    expect(shown(await peer.expect('WORK_COMPLETE'))).toBe('WORK_COMPLETE H:1 checked');
  });

  it('fails when its time is over, and its signal aborts behind that', async () => {
    let reason: unknown;
    const { peer, errors, worker } = await running(
      (_job, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            reason = signal.reason;
            resolve('too late');
          });
        }),
      {},
      { timeoutMs: 30 },
    );
    assign(peer, 'H:1', 'f');
    expect(shown(await peer.expect('WORK_EXCEPTION'))).toContain('not done within 30 ms');
    await peer.expect('WORK_FAIL');
    await peer.expect('GRAB_JOB_ALL');
    expect(reason).toMatchObject({ code: 'ERR_GEARMAN_TIMEOUT' });
    expect(errors).toEqual([reason]);
    expect(worker.busy).toBe(1);
  });

  it('keeps its slot beyond its time while its handler runs', async () => {
    const stop = gate();
    const { peer, worker } = await running(() => stop.wait, {}, { timeoutMs: 20 });
    assign(peer, 'H:1', 'f');
    await peer.expect('WORK_EXCEPTION');
    await peer.expect('WORK_FAIL');
    await new Promise((resolve) => setImmediate(resolve));
    expect([peer.items, worker.busy]).toEqual([[], 1]);
    stop.open();
    await peer.expect('GRAB_JOB_ALL');
  });

  it('hears that its connection is lost, and sends no result anywhere', async () => {
    const aborted = gate();
    const stop = gate();
    let reason: unknown;
    const { peer, server } = await running((_job, { signal }) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
        aborted.open();
      });
      return stop.wait;
    });
    assign(peer, 'H:1', 'f');
    await new Promise((resolve) => setImmediate(resolve));
    peer.close();
    await aborted.wait;
    expect(reason).toMatchObject({ code: 'ERR_GEARMAN_LOST' });
    const again = await server.acceptReady();
    stop.open();
    // Its slot is free only now.
    await again.expect('GRAB_JOB_ALL');
    expect(again.heard).not.toContain('WORK_COMPLETE');
  });

  it('of a function that nobody offers fails', async () => {
    const { peer } = await running(() => '');
    assign(peer, 'H:1', 'unheard of');
    await peer.expect('WORK_FAIL');
    await peer.expect('GRAB_JOB_ALL');
  });

  it('reads its input by the codec, and fails when it cannot', async () => {
    const { peer } = await running(
      ((job: { input: { n: number } }) => job.input.n + 1) as never,
      {
        codec: json,
      } as WorkerOptions,
    );
    assign(peer, 'H:1', 'f', '{"n":1}');
    expect(shown(await peer.expect('WORK_COMPLETE'))).toBe('WORK_COMPLETE H:1 2');
    await peer.expect('GRAB_JOB_ALL');
    assign(peer, 'H:2', 'f', '{');
    await peer.expect('WORK_EXCEPTION');
    await peer.expect('WORK_FAIL');
  });

  it('makes no AbortController for a handler that does not read the signal', async () => {
    const Original = globalThis.AbortController;
    let made = 0;
    globalThis.AbortController = class extends Original {
      constructor() {
        super();
        made++;
      }
    };
    try {
      const { peer } = await running((job, context) => {
        if (job.text() === 'look') expect(context.signal.aborted).toBe(false);
        return '';
      });
      assign(peer, 'H:1', 'f');
      await peer.expect('WORK_COMPLETE');
      expect(made).toBe(0);
      await peer.expect('GRAB_JOB_ALL');
      assign(peer, 'H:2', 'f', 'look');
      await peer.expect('WORK_COMPLETE');
      expect(made).toBe(1);
    } finally {
      globalThis.AbortController = Original;
    }
  });

  it('that was given to another worker meanwhile is told as a server error', async () => {
    const { peer, worker } = await running(() => 'r');
    const told = new Promise((resolve) => worker.once('serverError', resolve));
    assign(peer, 'H:1', 'f');
    await peer.expect('WORK_COMPLETE');
    peer.send('ERROR', 'JOB_NOT_FOUND', 'Job given in work result not found');
    expect(await told).toMatchObject({ serverCode: 'JOB_NOT_FOUND' });
    await peer.expect('GRAB_JOB_ALL');
  });
});

describe('a worker that is broken off', () => {
  it.each([
    ['NO_JOB to no grab', 'NO_JOB', []],
    ['a job that it did not ask for', 'JOB_ASSIGN', ['H:1', 'f', '']],
    ['an answer for clients', 'JOB_CREATED', ['H:1']],
  ] as const)('by %s connects again', async (_what, name, args) => {
    const server = await scripted();
    const worker = workerOf([server]);
    const stop = gate();
    worker.add('f', () => stop.wait);
    const started = worker.start();
    const peer = await server.acceptReady();
    await started;
    await peer.expect('GRAB_JOB_ALL');
    assign(peer, 'H:0', 'f');
    peer.send(name, ...args);
    await peer.untilClosed();
    stop.open();
    const again = await server.acceptReady();
    await again.expect('GRAB_JOB_ALL');
  });
});

describe('draining', () => {
  it('finishes what runs, takes nothing new, sends the result and leaves', async () => {
    const server = await scripted();
    const worker = workerOf([server], { concurrency: 4 });
    const stop = gate();
    worker.add('f', async () => {
      await stop.wait;
      return 'finished';
    });
    const started = worker.start();
    const peer = await server.acceptReady();
    await started;
    await peer.expect('GRAB_JOB_ALL');
    assign(peer, 'H:1', 'f');
    await peer.until(() => peer.items.length === 2, 'further grabs');
    peer.items.splice(0);
    const drained = worker.drain();
    // A job that was on its way is done, too.
    assign(peer, 'H:2', 'f');
    peer.send('NO_JOB').send('NOOP');
    stop.open();
    for (const handle of ['H:1', 'H:2'])
      expect(shown(await peer.expect('WORK_COMPLETE'))).toBe(`WORK_COMPLETE ${handle} finished`);
    expect(await drained).toEqual({ abandoned: 0 });
    await peer.untilClosed();
    expect(peer.items).toEqual([]);
    expect(server.connectionCount).toBe(1);
  });

  it('leaves at once when nothing runs', async () => {
    const server = await scripted();
    const worker = workerOf([server]);
    worker.add('f', () => '');
    const started = worker.start();
    const peer = await server.acceptReady();
    await started;
    await peer.expect('GRAB_JOB_ALL');
    peer.send('NO_JOB');
    await peer.expect('PRE_SLEEP');
    expect(await worker.drain()).toEqual({ abandoned: 0 });
    await peer.untilClosed();
  });

  it('gives up after its time, and says how many jobs', async () => {
    const server = await scripted();
    const worker = workerOf([server]);
    let reason: unknown;
    worker.add('f', (_job, { signal }) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
      });
      return new Promise(() => undefined);
    });
    const started = worker.start();
    const peer = await server.acceptReady();
    await started;
    await peer.expect('GRAB_JOB_ALL');
    assign(peer, 'H:1', 'f');
    await new Promise((resolve) => setImmediate(resolve));
    expect(await worker.drain({ timeoutMs: 20 })).toEqual({ abandoned: 1 });
    await peer.untilClosed();
    expect(peer.heard).not.toContain('WORK_COMPLETE');
    expect(reason).toMatchObject({ code: 'ERR_GEARMAN_CLOSED' });
  });
});
