/** The client against a server that does what the test says: order, promises, retries, limits. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Client, type ClientOptions, json } from '../../../src/index.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import { endScripted, keep, quick, scripted } from '../../support/scripted-yard.ts';

endScripted();

function clientOf(servers: ScriptedServer[], options: ClientOptions = {}): Client {
  return keep(new Client({ ...quick(servers), ...options }));
}

const failureOf = (promise: PromiseLike<unknown>): Promise<Error & { code?: string }> =>
  Promise.resolve(promise).then(
    (value) => Promise.reject(new Error(`did not fail: ${String(value)}`)),
    (error) => error,
  );

async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** Unhandled rejections while `body` runs and a turn after it. */
async function unhandled(body: () => Promise<void>): Promise<unknown[]> {
  const seen: unknown[] = [];
  const listener = (error: unknown): void => void seen.push(error);
  // Vitest listens too and would fail the run; it is told nothing meanwhile.
  const others = process.rawListeners('unhandledRejection') as ((error: unknown) => void)[];
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', listener);
  try {
    await body();
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('unhandledRejection', listener);
    for (const other of others) process.on('unhandledRejection', other);
  }
  return seen;
}

describe('options', () => {
  const options = (some: object) => () => new Client(some as ClientOptions);

  it('that do not exist are refused by name, with the one that may be meant', () => {
    expect(options({ servres: ['a'] })).toThrow(
      'new Client: there is no option servres, did you mean servers?',
    );
    expect(options({ colour: 1 })).toThrow(/^new Client: there is no option colour$/);
    expect(options({ backoff: { minMS: 1 } })).toThrow(
      'option backoff: there is no option minMS, did you mean minMs?',
    );
    expect(options({ whenOffline: 'wait' })).toThrow('whenOffline: wait, allowed is queue, fail');
    expect(options({ constructor: 1 })).toThrow('there is no option constructor');
  });

  it('of a submit are refused as well, and no job is submitted', () => {
    const client = keep(new Client({ servers: ['127.0.0.1:1'] }));
    const wrong = { prioirty: 'high' } as object;
    expect(() => client.submit('f', '', wrong)).toThrow(
      'submit f: there is no option prioirty, did you mean priority?',
    );
    expect(client.outstanding).toBe(0);
  });

  it('of submitMany are refused, its own and those of a job', async () => {
    const client = keep(new Client({ servers: ['127.0.0.1:1'] }));
    const job = { functionName: 'f', input: '' };
    await expect(client.submitMany([job], { inFlight: 1 } as object)).rejects.toThrow(
      'submitMany: there is no option inFlight',
    );
    await expect(client.submitMany([{ ...job, uniqe: 'u' } as typeof job])).rejects.toThrow(
      'submit f: there is no option uniqe, did you mean unique?',
    );
  });
});

describe('a server that cannot be reached', () => {
  it('is the cause of a time that is over', async () => {
    const client = keep(new Client({ servers: ['127.0.0.1:1'] }));
    const cause = { code: 'ERR_GEARMAN_CONNECT', message: expect.stringContaining('ECONNREFUSED') };
    const late = {
      code: 'ERR_GEARMAN_TIMEOUT',
      message: expect.stringContaining('127.0.0.1:1'),
      cause,
    };
    expect(await failureOf(client.connect({ timeoutMs: 200 }))).toMatchObject(late);
    expect(await failureOf(client.submit('f', '', { timeoutMs: 200 }))).toMatchObject(late);
  });

  it('is warned of once, where nobody listens', async () => {
    const warnings: Error[] = [];
    const listener = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listener);
    try {
      const heard = keep(new Client({ servers: ['127.0.0.1:1'] }));
      heard.on('connection', () => undefined);
      const client = keep(new Client({ servers: ['127.0.0.1:1'] }));
      for (const each of [heard, client]) each.connect().catch(() => undefined);
      while (warnings.length === 0) await once(process, 'warning');
      expect(warnings.map(String)).toEqual([
        expect.stringMatching(
          /^GearmanWarning: client: no job server within 1 s, trying on: job server 127.0.0.1:1: .*ECONNREFUSED/,
        ),
      ]);
    } finally {
      process.off('warning', listener);
    }
  });
});

describe('requests of a client', () => {
  it('leave in one write a turn, whatever they are', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const connected = client.connect();
    const peer = await server.acceptReady();
    await connected;
    const reads = peer.readCount;
    const jobs = Array.from({ length: 50 }, (_, i) => client.submit('f', String(i)));
    await peer.until(() => peer.items.length === 50, '50 submits');
    expect(peer.readCount - reads).toBe(1);
    for (const [i, item] of peer.items.splice(0).entries()) {
      expect(item.data.toString()).toBe(String(i));
      peer.send('JOB_CREATED', `H:${i}`);
    }
    expect(await Promise.all(jobs.map((job) => job.handle))).toEqual(jobs.map((_, i) => `H:${i}`));
  });

  it('are matched to their answers in order, errors among them', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const first = client.submit('f', 'a');
    const second = client.submit('f', 'b');
    const third = client.submit('f', 'c', { background: true });
    const peer = await server.acceptReady();
    await peer.until(() => peer.items.length === 3, 'three submits');
    peer.send('JOB_CREATED', 'H:1');
    peer.send('ERROR', 'QUEUE_ERROR', 'Job queue is full');
    peer.send('JOB_CREATED', 'H:3');
    peer.send('WORK_COMPLETE', 'H:1', 'done');
    expect(await first.text()).toBe('done');
    expect(await failureOf(second)).toMatchObject({
      code: 'ERR_GEARMAN_SERVER',
      serverCode: 'QUEUE_ERROR',
    });
    expect(await third).toBe('H:3');
  });

  it('name type, unique, priority, run time and reducer as the protocol does', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    client.submit('f', 'w', { unique: 'u', priority: 'high' });
    client.submit('f', 'w', { priority: 'low' });
    client.submit('f', 'w', { background: true, priority: 'high' });
    client.submit('f', 'w', { background: true });
    client.submit('f', 'w', { background: true, priority: 'low' });
    client.submit('f', 'w', { runAt: new Date(1_700_000_000_001) });
    client.submit('f', 'w', { reducer: 'r', unique: 'u' });
    client.submit('f', 'w', { reducer: 'r', background: true });
    const peer = await server.acceptReady();
    await peer.until(() => peer.items.length === 8, 'eight submits');
    expect(
      peer.items.map(({ name, args, data }) => [name, ...args.map(String), String(data)]),
    ).toEqual([
      ['SUBMIT_JOB_HIGH', 'f', 'u', 'w'],
      ['SUBMIT_JOB_LOW', 'f', '', 'w'],
      ['SUBMIT_JOB_HIGH_BG', 'f', '', 'w'],
      ['SUBMIT_JOB_BG', 'f', '', 'w'],
      ['SUBMIT_JOB_LOW_BG', 'f', '', 'w'],
      ['SUBMIT_JOB_EPOCH', 'f', '', '1700000001', 'w'],
      ['SUBMIT_REDUCE_JOB', 'f', 'u', 'r', '', 'w'],
      ['SUBMIT_REDUCE_JOB_BACKGROUND', 'f', '', 'r', '', 'w'],
    ]);
  });

  it('are refused before they leave when Gearman cannot carry them', async () => {
    const client = clientOf([await scripted()]);
    const wrong: [string, unknown, object][] = [
      ['', 'w', {}],
      ['f\0g', 'w', {}],
      ['f'.repeat(8001), 'w', {}],
      ['f', { an: 'object' }, {}],
      ['f', undefined, {}],
      ['f', 'w', { unique: 'u'.repeat(65) }],
      ['f', 'w', { unique: 'a\0b' }],
      ['f', 'w', { priority: 'urgent' }],
      ['f', 'w', { priority: 'constructor' }],
      ['f', 'w', { runAt: 1e15, priority: 'high' }],
      ['f', 'w', { runAt: Number.NaN }],
      ['f', 'w', { runAt: 1e12, reducer: 'r' }],
      ['f', 'w', { reducer: 'r'.repeat(65) }],
      ['f', 'w', { timeoutMs: 0 }],
      ['f', 'w', { timeoutMs: 2 ** 31 }],
    ];
    for (const [name, input, options] of wrong)
      expect(() => client.submit(name, input as string, options)).toThrow(
        expect.objectContaining({ code: 'ERR_GEARMAN_ARGUMENT' }),
      );
    expect(client.outstanding).toBe(0);
    expect(client.servers[0]?.state).toBe('idle');
  });

  it.each([
    [{ servers: [] }, 'at least one'],
    [{ servers: ['a', 'a:4730'] }, 'twice'],
    [{ servers: ['a b'] }, 'allowed is HOST'],
    [{ connectTimeoutMs: 0 }, 'connectTimeoutMs'],
    [{ keepaliveMs: 1.5 }, 'keepaliveMs'],
    [{ backoff: { minMs: 10, maxMs: 5 } }, 'backoff'],
    [{ id: 'a\0b' }, 'id'],
    [{ id: 'x'.repeat(128) }, 'limit 127'],
    [{ offlineQueueMax: -1 }, 'offlineQueueMax'],
    [{ unreadBytesMax: -1 }, 'unreadBytesMax'],
  ])('options %j are refused', (options, message) => {
    expect(() => new Client(options)).toThrow(
      expect.objectContaining({
        code: 'ERR_GEARMAN_ARGUMENT',
        message: expect.stringContaining(message),
      }),
    );
  });
});

describe('promises of a job', () => {
  it('meet no unhandled rejection when somebody iterates only, or does nothing', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const seen = await unhandled(async () => {
      const iterated = client.submit('f', 'a');
      client.submit('f', 'b');
      const peer = await server.acceptReady();
      await peer.until(() => peer.items.length === 2, 'two submits');
      peer.send('JOB_CREATED', 'H:1').send('JOB_CREATED', 'H:2');
      peer.send('WORK_FAIL', 'H:1').send('WORK_FAIL', 'H:2');
      const events = (async () => {
        for await (const event of iterated) expect(event).toBe('none');
      })();
      expect(await failureOf(events)).toMatchObject({ name: 'JobFailed', handle: 'H:1' });
      await client.drain();
    });
    expect(seen).toEqual([]);
  });

  it('may be awaited again and late', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const good = client.submit('f', 'a');
    const bad = client.submit('f', 'b');
    const peer = await server.acceptReady();
    await peer.until(() => peer.items.length === 2, 'two submits');
    peer.send('JOB_CREATED', 'H:1').send('JOB_CREATED', 'H:2');
    peer.send('WORK_COMPLETE', 'H:1', 'x').send('WORK_FAIL', 'H:2');
    await client.drain();
    expect([await good.text(), await good.text(), await good.handle]).toEqual(['x', 'x', 'H:1']);
    expect(await failureOf(bad)).toBe(await failureOf(bad.text()));
    expect(await bad.handle).toBe('H:2');
    const [event] = await collect(good);
    expect(event).toMatchObject({ type: 'complete' });
  });

  it('keep events for who iterates later, and none for who only awaits', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const later = client.submit('f', 'a');
    const awaited = client.submit('f', 'b');
    const result = awaited.text();
    const peer = await server.acceptReady();
    await peer.until(() => peer.items.length === 2, 'two submits');
    for (const handle of ['H:1', 'H:2']) peer.send('JOB_CREATED', handle);
    for (const handle of ['H:1', 'H:2'])
      peer.send('WORK_DATA', handle, 'd').send('WORK_COMPLETE', handle, 'r');
    await client.drain();
    expect(await result).toBe('r');
    expect((await collect(later)).map((event) => event.type)).toEqual(['data', 'complete']);
    expect((await collect(awaited)).map((event) => event.type)).toEqual(['complete']);
  });

  it('end the exception of a worker with JobFailed, its bytes in it', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const job = client.submit('f', 'a');
    const peer = await server.acceptReady();
    await peer.expect('SUBMIT_JOB');
    peer.send('JOB_CREATED', 'H:1').send('WORK_EXCEPTION', 'H:1', 'no\0coffee');
    const types: string[] = [];
    const iterated = (async () => {
      for await (const event of job) types.push(event.type);
    })();
    const error = await failureOf(iterated);
    expect(error).toMatchObject({ code: 'ERR_GEARMAN_JOB_FAILED' });
    expect((error as { exception?: Uint8Array }).exception).toEqual(
      new TextEncoder().encode('no\0coffee'),
    );
    expect(types).toEqual(['exception']);
  });

  it('keep the stack of a worker out of their message', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const failed = failureOf(client.submit('f', 'a'));
    const peer = await server.acceptReady();
    await peer.expect('SUBMIT_JOB');
    const text = 'geartrain:dead\nno net\n    at mail (/w.js:1:2)';
    peer.send('JOB_CREATED', 'H:1').send('WORK_EXCEPTION', 'H:1', text);
    expect(await failed).toMatchObject({
      message: 'job H:1 of f failed: no net',
      exception: new TextEncoder().encode(text),
      remoteStack: '    at mail (/w.js:1:2)',
    });
  });

  it('reject with what a codec throws', async () => {
    const server = await scripted();
    const client = clientOf([server], { codec: json } as ClientOptions);
    const job = client.submit('f', 'a');
    const peer = await server.acceptReady();
    const submit = await peer.expect('SUBMIT_JOB');
    expect(submit.data.toString()).toBe('"a"');
    peer.send('JOB_CREATED', 'H:1').send('WORK_COMPLETE', 'H:1', '{');
    expect(await failureOf(job)).toBeInstanceOf(SyntaxError);
    expect(await job.text()).toBe('{');
  });

  it('give copies of one packet to the submits of one job in turn', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const jobs = [
      client.submit('f', 'a', { unique: 'u' }),
      client.submit('f', 'a', { unique: 'u' }),
    ];
    const events = jobs.map((job) => collect(job));
    const peer = await server.acceptReady();
    await peer.until(() => peer.items.length === 2, 'two submits');
    peer.send('JOB_CREATED', 'H:1').send('JOB_CREATED', 'H:1');
    for (const part of ['x', 'y'])
      peer.send('WORK_DATA', 'H:1', part).send('WORK_DATA', 'H:1', part);
    peer.send('WORK_COMPLETE', 'H:1', 'r').send('WORK_COMPLETE', 'H:1', 'r');
    for (const told of await Promise.all(events))
      expect(
        told.map((event) => ('data' in event ? String.fromCharCode(...event.data) : 'r')),
      ).toEqual(['x', 'y', 'r']);
    expect(client.outstanding).toBe(0);
  });
});

describe('events that nobody reads', () => {
  const flood = async (options: ClientOptions) => {
    const server = await scripted();
    const client = clientOf([server], options);
    const job = client.submit('f', 'a');
    const peer = await server.acceptReady();
    await peer.expect('SUBMIT_JOB');
    peer.send('JOB_CREATED', 'H:1');
    await job.handle;
    for (let i = 0; i < 20; i++) peer.send('WORK_DATA', 'H:1', 'x'.repeat(1000));
    peer.send('WORK_COMPLETE', 'H:1', 'r');
    await client.drain();
    return { job };
  };

  it('wait up to a limit; above it the iteration fails and the result is there', async () => {
    const { job } = await flood({ unreadBytesMax: 10_000 });
    const error = await failureOf(collect(job));
    expect(error).toMatchObject({ name: 'UnreadError', code: 'ERR_GEARMAN_UNREAD' });
    expect(error.message).toContain('10000 bytes');
    expect(await job.text()).toBe('r');
  });

  it('wait without loss below it', async () => {
    const { job } = await flood({ unreadBytesMax: 22_000 });
    expect(await collect(job)).toHaveLength(21);
  });
});

describe('a job that is given up', () => {
  it('fails with the reason of its signal, wherever it is', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const controller = new AbortController();
    const { signal } = controller;
    const before = client.submit('f', 'a', { signal });
    const peer = await server.acceptReady();
    await peer.expect('SUBMIT_JOB');
    peer.send('JOB_CREATED', 'H:1');
    await before.handle;
    const sent = client.submit('f', 'b', { signal });
    await peer.expect('SUBMIT_JOB');
    controller.abort(new Error('enough'));
    const after = client.submit('f', 'c', { signal });
    for (const job of [before, sent, after]) expect(await failureOf(job)).toBe(signal.reason);
    // What still comes for them disturbs nobody.
    peer
      .send('JOB_CREATED', 'H:2')
      .send('WORK_COMPLETE', 'H:2', 'x')
      .send('WORK_COMPLETE', 'H:1', 'x');
    const next = client.submit('f', 'd');
    await peer.expect('SUBMIT_JOB');
    peer.send('JOB_CREATED', 'H:3').send('WORK_COMPLETE', 'H:3', 'fine');
    expect(await next.text()).toBe('fine');
  });

  it('leaves no listener at its signal', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    const jobs = Array.from({ length: 100 }, () => client.submit('f', 'a', { signal }));
    expect(listeners).toBe(1);
    const peer = await server.acceptReady();
    await peer.until(() => peer.items.length === 100, '100 submits');
    for (let i = 0; i < 100; i++) peer.send('JOB_CREATED', `H:${i}`).send('WORK_FAIL', `H:${i}`);
    await Promise.allSettled(jobs);
    expect(listeners).toBe(0);
  });

  it('fails when its time is over', async () => {
    const server = await scripted();
    const client = clientOf([server], { timeoutMs: 10 });
    const error = await failureOf(client.submit('f', 'a'));
    expect(error).toMatchObject({ code: 'ERR_GEARMAN_TIMEOUT' });
    expect(await failureOf(client.status('H:1'))).toMatchObject({ code: 'ERR_GEARMAN_TIMEOUT' });
    expect(await failureOf(client.ping())).toMatchObject({ code: 'ERR_GEARMAN_TIMEOUT' });
  });
});

describe('a connection that ends', () => {
  it('sends submits with a unique key again, and says of others that they may be queued', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const keyed = client.submit('f', 'a', { unique: 'u' });
    const bare = client.submit('f', 'b');
    const once = client.submit('f', 'c', { unique: 'v', retry: false });
    const created = client.submit('f', 'd');
    const peer = await server.acceptReady();
    await peer.until(() => peer.items.length === 4, 'four submits');
    peer.close();
    const again = await server.acceptReady();
    const submit = await again.expect('SUBMIT_JOB');
    expect(submit.args.map(String)).toEqual(['f', 'u']);
    again.send('JOB_CREATED', 'H:9').send('WORK_COMPLETE', 'H:9', 'r');
    expect(await keyed.text()).toBe('r');
    for (const job of [bare, once, created])
      expect(await failureOf(job)).toMatchObject({
        name: 'MaybeQueuedError',
        code: 'ERR_GEARMAN_MAYBE_QUEUED',
        cause: { code: 'ERR_GEARMAN_LOST' },
      });
    expect(again.items).toEqual([]);
  });

  it('again and again at the same submit gives that submit up, and not the others', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const poison = client.submit('f', 'poison', { unique: 'p' });
    const behind = client.submit('f', 'behind', { unique: 'b' });
    for (let i = 0; i < 5; i++) {
      const peer = await server.acceptReady();
      await peer.until(() => peer.items.length === 2, 'both submits');
      peer.close();
    }
    const peer = await server.acceptReady();
    expect((await peer.expect('SUBMIT_JOB')).data.toString()).toBe('behind');
    peer.send('JOB_CREATED', 'H:1').send('WORK_COMPLETE', 'H:1', 'r');
    expect(await behind.text()).toBe('r');
    expect(await failureOf(poison)).toMatchObject({ code: 'ERR_GEARMAN_MAYBE_QUEUED' });
  });

  it('fails jobs that were created with JobLostError', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const job = client.submit('f', 'a', { unique: 'u' });
    const peer = await server.acceptReady();
    await peer.expect('SUBMIT_JOB');
    peer.send('JOB_CREATED', 'H:1');
    await job.handle;
    peer.close();
    expect(await failureOf(job)).toMatchObject({ code: 'ERR_GEARMAN_JOB_LOST', handle: 'H:1' });
  });

  it('sends again what had not left', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const connected = client.connect();
    const peer = await server.acceptReady();
    await connected;
    peer.socket.pause();
    // More than what system and server take: the end of it is still here when the connection ends.
    const first = client.submit('f', new Uint8Array(64 << 20));
    const second = client.submit('f', 'small');
    await new Promise((resolve) => setImmediate(resolve));
    peer.close();
    const again = await server.acceptReady();
    await again.until(() => again.items.length === 2, 'both submits');
    expect(again.items.map((item) => item.data.length)).toEqual([64 << 20, 5]);
    again.send('JOB_CREATED', 'H:1').send('JOB_CREATED', 'H:2');
    again.send('WORK_COMPLETE', 'H:1', 'a').send('WORK_COMPLETE', 'H:2', 'b');
    expect([await first.text(), await second.text()]).toEqual(['a', 'b']);
  });

  it.each([
    ['an answer that nobody asked for', 'NO_JOB', []],
    ['an ERROR to no request', 'ERROR', ['X', 'y']],
  ] as const)('because of %s', async (_what, name, args) => {
    const server = await scripted();
    const client = clientOf([server]);
    const changes: string[] = [];
    client.on('connection', ({ state, error }) => changes.push(error?.code ?? state));
    const connected = client.connect();
    const peer = await server.acceptReady();
    await connected;
    peer.send(name, ...args);
    await peer.untilClosed();
    await server.acceptReady();
    await client.connect();
    expect(changes).toEqual(['connecting', 'ready', 'ERR_GEARMAN_PROTOCOL', 'connecting', 'ready']);
  });
});

describe('a client without a server', () => {
  it('keeps submits until one comes, up to the limit', async () => {
    const server = await scripted();
    const { port } = server;
    await server.stop();
    const client = new Client({
      servers: [`127.0.0.1:${port}`],
      backoff: { minMs: 1, maxMs: 5 },
      offlineQueueMax: 2,
    });
    keep(client);
    const kept = [client.submit('f', 'a'), client.submit('f', 'b')];
    expect(await failureOf(client.submit('f', 'c'))).toMatchObject({ code: 'ERR_GEARMAN_OFFLINE' });
    const revived = await ScriptedServer.start(port);
    keep(revived);
    const peer = await revived.acceptReady();
    await peer.until(() => peer.items.length === 2, 'both submits');
    peer.send('JOB_CREATED', 'H:1').send('JOB_CREATED', 'H:2');
    peer.send('WORK_COMPLETE', 'H:1', 'x').send('WORK_COMPLETE', 'H:2', 'y');
    expect(await Promise.all(kept.map((job) => job.text()))).toEqual(['x', 'y']);
  });

  it('keeps no submit that was given up', async () => {
    const server = await scripted();
    const { address } = server;
    await server.stop();
    const client = new Client({ servers: [address], offlineQueueMax: 3 });
    keep(client);
    for (let round = 0; round < 5; round++) {
      const controller = new AbortController();
      const jobs = [1, 2, 3].map(() => client.submit('f', 'x', { signal: controller.signal }));
      controller.abort();
      for (const job of jobs) expect(await failureOf(job)).toBe(controller.signal.reason);
    }
    expect(client.outstanding).toBe(0);
  });

  it('fails at once when it is told to', async () => {
    const server = await scripted();
    const { address } = server;
    await server.stop();
    const client = new Client({ servers: [address], whenOffline: 'fail' });
    keep(client);
    const error = await failureOf(client.submit('f', 'a'));
    expect(error).toMatchObject({
      code: 'ERR_GEARMAN_OFFLINE',
      cause: { code: 'ERR_GEARMAN_CONNECT', cause: { code: 'ECONNREFUSED' } },
    });
    expect(await failureOf(client.connect())).toMatchObject({ code: 'ERR_GEARMAN_OFFLINE' });
    expect(await failureOf(client.status('H:1'))).toMatchObject({ code: 'ERR_GEARMAN_CONNECT' });
    expect(await failureOf(client.ping())).toMatchObject({ code: 'ERR_GEARMAN_CONNECT' });
  });

  it('ends what waits when it is closed, and takes nothing more', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const queued = client.submit('f', 'a');
    await client.close();
    await client.close();
    for (const job of [queued, client.submit('f', 'b')])
      expect(await failureOf(job)).toMatchObject({ code: 'ERR_GEARMAN_CLOSED' });
    expect(client.servers[0]?.state).toBe('closed');
  });

  it('says what may be queued when it is closed', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const sent = client.submit('f', 'a', { unique: 'u' });
    const peer = await server.acceptReady();
    await peer.expect('SUBMIT_JOB');
    await client.close();
    expect(await failureOf(sent)).toMatchObject({ code: 'ERR_GEARMAN_MAYBE_QUEUED' });
  });
});

describe('several servers', () => {
  it('get jobs in turn, and equal keys go to the same one', async () => {
    const servers = [await scripted(), await scripted(), await scripted()];
    const client = clientOf(servers);
    const peers = Promise.all(servers.map((server) => server.acceptReady()));
    await client.connect();
    const all = await peers;
    // Every server is ready when it has answered: an echo of each says so.
    const pinged = client.ping();
    for (const peer of all) peer.send('ECHO_RES', (await peer.expect('ECHO_REQ')).payload);
    await pinged;
    for (let i = 0; i < 30; i++) client.submit('bare', String(i));
    for (let i = 0; i < 30; i++) client.submit('keyed', 'w', { unique: `key ${i % 10}` });
    const count = (name: string): number[] =>
      all.map((peer) => peer.items.filter((item) => String(item.args[0]) === name).length);
    await Promise.all(
      all.map((peer) =>
        peer.until(
          () => all.reduce((sum, one) => sum + one.items.length, 0) === 60 || peer.items.length > 9,
          'jobs',
        ),
      ),
    );
    await all[0]?.until(
      () => all.reduce((sum, one) => sum + one.items.length, 0) === 60,
      'all jobs',
    );
    expect(count('bare')).toEqual([10, 10, 10]);
    const homes = new Map<string, Set<number>>();
    for (const [i, peer] of all.entries())
      for (const item of peer.items)
        if (String(item.args[0]) === 'keyed') {
          const key = String(item.args[1]);
          homes.set(key, (homes.get(key) ?? new Set()).add(i));
        }
    expect([...homes.values()].map((where) => where.size)).toEqual(Array(10).fill(1));
    expect(new Set([...homes.values()].flatMap((where) => [...where])).size).toBeGreaterThan(1);
  });

  it('that fail are left, and their keys move', async () => {
    const gone = await scripted();
    const alive = await scripted();
    const { address } = gone;
    await gone.stop();
    const client = new Client({ servers: [address, alive.address] });
    keep(client);
    for (let i = 0; i < 20; i++) client.submit('f', 'w', i < 10 ? {} : { unique: `k${i}` });
    const peer = await alive.acceptReady();
    await peer.until(() => peer.items.length === 20, 'all jobs');
  });

  it('are all asked for a status; one that knows the job is enough', async () => {
    const servers = [await scripted(), await scripted()];
    const client = clientOf(servers);
    const asked = client.status('H:7');
    const [left, right] = await Promise.all(servers.map((server) => server.acceptReady()));
    await left?.expect('GET_STATUS');
    left?.send('STATUS_RES', 'H:7', '0', '0', '0', '0');
    await right?.expect('GET_STATUS');
    right?.send('STATUS_RES', 'H:7', '1', '1', '3', '4');
    expect(await asked).toEqual({ isKnown: true, isRunning: true, numerator: 3, denominator: 4 });
    const unknown = client.statusByUnique('u');
    for (const peer of [left, right]) {
      await peer?.expect('GET_STATUS_UNIQUE');
      peer?.send('STATUS_RES_UNIQUE', 'u', '0', '0', '0', '0', '0');
    }
    expect((await unknown).isKnown).toBe(false);
    const half = client.status('H:8');
    await left?.expect('GET_STATUS');
    left?.send('STATUS_RES', 'H:8', '0', '0', '0', '0');
    await right?.expect('GET_STATUS');
    right?.close();
    expect(await failureOf(half)).toMatchObject({ code: 'ERR_GEARMAN_LOST' });
  });
});

describe('many submits', () => {
  it('hold no more than the limit and count what became of them', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    let taken = 0;
    const jobs = (function* () {
      for (; taken < 100; taken++) yield { functionName: 'f', input: String(taken) };
    })();
    const outcomes: string[] = [];
    const progress: number[] = [];
    const run = client.submitMany(jobs, {
      inFlightMax: 10,
      onJob: (outcome) => outcomes.push('error' in outcome ? `${outcome.index} failed` : 'fine'),
      onProgress: ({ completed, failed }) => progress.push(completed + failed),
    });
    const peer = await server.acceptReady();
    for (let i = 0; i < 100; i++) {
      await peer.expect('SUBMIT_JOB');
      expect(taken - i).toBeLessThanOrEqual(11);
      peer.send('JOB_CREATED', `H:${i}`);
      if (i % 10 === 3) peer.send('WORK_FAIL', `H:${i}`);
      else peer.send('WORK_COMPLETE', `H:${i}`, 'r');
    }
    const result = await run;
    expect(result).toMatchObject({ submitted: 100, completed: 90, failed: 10 });
    expect(result.errors.length).toBe(10);
    expect(outcomes.filter((outcome) => outcome !== 'fine')).toEqual(
      Array.from({ length: 10 }, (_, i) => `${i * 10 + 3} failed`),
    );
    expect(progress.at(-1)).toBe(100);
  });

  it('hold no more bytes than the limit, or one job', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    let taken = 0;
    const jobs = (async function* () {
      for (; taken < 6; taken++) yield { functionName: 'f', input: new Uint8Array(1000) };
    })();
    const run = client.submitMany(jobs, { inFlightBytesMax: 1500 });
    const peer = await server.acceptReady();
    for (let i = 0; i < 6; i++) {
      await peer.expect('SUBMIT_JOB');
      expect(taken - i).toBeLessThanOrEqual(2);
      peer.send('JOB_CREATED', `H:${i}`).send('WORK_COMPLETE', `H:${i}`, '');
    }
    expect((await run).completed).toBe(6);
  });

  it('end with the signal, and close their iterable', async () => {
    const server = await scripted();
    const client = clientOf([server]);
    const controller = new AbortController();
    let isClosed = false;
    const jobs = (function* () {
      try {
        for (;;) yield { functionName: 'f', input: 'x' };
      } finally {
        isClosed = true;
      }
    })();
    const run = client.submitMany(jobs, { inFlightMax: 5, signal: controller.signal });
    const peer = await server.acceptReady();
    await peer.until(() => peer.items.length === 5, 'five jobs');
    controller.abort();
    expect(await failureOf(run)).toBe(controller.signal.reason);
    expect(isClosed).toBe(true);
  });

  it('end with what the iterable or a callback throws', async () => {
    const server = await scripted();
    const client = clientOf([server], { whenOffline: 'fail' });
    const oops = new Error('oops');
    const jobs = (function* () {
      yield { functionName: 'f', input: 'x' };
      throw oops;
    })();
    expect(await failureOf(client.submitMany(jobs))).toBe(oops);
    await server.stop();
    const run = client.submitMany([{ functionName: 'f', input: 'x' }], {
      onJob() {
        throw oops;
      },
    });
    expect(await failureOf(run)).toBe(oops);
  });
});
