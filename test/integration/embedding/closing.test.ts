/** The end of an embedded server: at once, after the last job, by disposal; what peers and callers see of it. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { descriptorCount, useYard, variants } from '../../support/embedding/servers.ts';
import { request } from '../../support/packet-text.ts';
import { untilRefused } from '../../support/servers.ts';

describe.each(variants())('closing, $label', (variant) => {
  const yard = useYard();

  /** A worker and a client of each of several functions, so that every shard has some. */
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];

  it('closes every connection and resolves', async () => {
    const { server, port } = await yard().start(variant);
    const peers = [await yard().peer({ port }, 'idle')];
    for (const fn of names) {
      const worker = await yard().peer({ port }, `worker-${fn}`);
      worker.send('CAN_DO', fn);
      await worker.barrier();
      peers.push(worker);
    }
    await peers[0]?.barrier();
    const closing = server.close();
    await Promise.all(peers.map((peer) => peer.untilClosed()));
    await closing;
    await server.closed;
    await untilRefused(port);
  });

  it('is closed once, however often it is asked', async () => {
    const { server } = await yard().start(variant);
    let closes = 0;
    server.on('close', () => closes++);
    const first = server.close();
    expect(server.close()).toBe(first);
    await first;
    await server.close();
    await server.close({ graceful: true });
    await server.closed;
    expect(closes).toBe(1);
  });

  it('can be closed before it ever listened', async () => {
    const { threads, native } = variant;
    const now = yard().create({ threads, native });
    await now.close();
    await now.closed;
    const later = yard().create({ threads, native });
    await later.close({ graceful: true });
    await later.closed;
  });

  it('can be closed while it starts', async () => {
    const { threads, native } = variant;
    const server = yard().create({ threads, native, host: '127.0.0.1', port: 0 });
    const listening = server.listen().catch(() => {});
    await server.close();
    await listening;
    await server.closed;
  });

  it('sends what is owed before it closes', async () => {
    const { server, port } = await yard().start(variant);
    const client = await yard().peer({ port }, 'client');
    const worker = await yard().peer({ port }, 'worker');
    worker.send('CAN_DO', 'f');
    await worker.barrier();
    const handle = (await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', '', 'x')).payload.toString();
    await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    // More than the system's buffers take: most of it waits in the server when it closes.
    const result = Buffer.alloc(8 << 20, 'r');
    client.socket.pause();
    worker.send('WORK_COMPLETE', handle, result);
    await worker.barrier();
    const closing = server.close();
    client.socket.resume();
    const complete = await client.expect('WORK_COMPLETE');
    expect(complete.data.equals(result)).toBe(true);
    await client.untilClosed();
    await closing;
  });

  it('does not wait for peers that do not read for more than some seconds', async () => {
    const { server, port } = await yard().start(variant);
    const deaf = connect(port, '127.0.0.1');
    deaf.on('error', () => {});
    const gone = new Promise<void>((resolve) => deaf.once('close', () => resolve()));
    deaf.write(request('ECHO_REQ', Buffer.alloc(16 << 20)));
    // The first bytes of the answer are here, so the whole request has arrived there.
    await new Promise<void>((resolve) => deaf.once('readable', () => resolve()));
    await server.close();
    await server.closed;
    deaf.resume();
    await gone;
  });

  it('leaves no descriptor behind when connections are on their way to a shard', async () => {
    // The pool of threads and the loop of this process have their own, so one server goes before.
    const warm = await yard().start(variant);
    await warm.server.close();
    const before = descriptorCount();
    for (let round = 0; round < 5; round++) {
      const { server, port } = await yard().start(variant, { backlog: 128 });
      const sockets = Array.from({ length: 40 }, () => connect(port, '127.0.0.1'));
      const closed = sockets.map(
        (socket, i) =>
          new Promise<void>((resolve) => {
            socket.on('error', () => {});
            socket.once('close', () => resolve());
            socket.resume();
            socket.write(request('CAN_DO', `fn-${i}`));
          }),
      );
      while ((await server.stats()).connections < 10)
        await new Promise((resolve) => setImmediate(resolve));
      await server.close();
      await Promise.all(closed);
    }
    expect(descriptorCount()).toBeLessThanOrEqual(before);
  });
});

describe.each(variants())('closing after the last job, $label', (variant) => {
  const yard = useYard();

  it('ends at once without jobs, and closes the connections', async () => {
    const { server, port } = await yard().start(variant);
    const peer = await yard().peer({ port }, 'peer');
    peer.send('CAN_DO', 'f').send('PRE_SLEEP');
    await peer.barrier();
    const closing = server.close({ graceful: true });
    await peer.untilClosed();
    await closing;
    await server.closed;
  });

  it.each(['SUBMIT_JOB', 'SUBMIT_JOB_BG'] as const)('waits for the job of a %s', async (submit) => {
    const { server, port } = await yard().start(variant);
    const client = await yard().peer({ port }, 'client');
    const worker = await yard().peer({ port }, 'worker');
    worker.send('CAN_DO', 'other').send('CAN_DO', 'f');
    await worker.barrier();
    await client.ask('JOB_CREATED', submit, 'f', '', 'x');
    let isClosed = false;
    const closing = server.close({ graceful: true }).then(() => {
      isClosed = true;
    });
    await untilRefused(port);
    await expect(server.listen()).rejects.toMatchObject({ code: 'ERR_GEARTRAIN_CLOSED' });
    const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    // Long enough for several looks at whether the last job has ended.
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await worker.barrier();
    }
    expect(isClosed).toBe(false);
    worker.send('WORK_COMPLETE', job.args[0] ?? '', 'done');
    if (submit === 'SUBMIT_JOB')
      expect((await client.expect('WORK_COMPLETE')).data.toString()).toBe('done');
    await Promise.all([client.untilClosed(), worker.untilClosed()]);
    await closing;
    await server.closed;
  });

  it('takes the jobs that its clients go on submitting', async () => {
    const { server, port } = await yard().start(variant);
    const client = await yard().peer({ port }, 'client');
    const worker = await yard().peer({ port }, 'worker');
    worker.send('CAN_DO', 'f');
    await worker.barrier();
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', '', 'first');
    const closing = server.close({ graceful: true });
    await untilRefused(port);
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', '', 'second');
    for (const data of ['first', 'second']) {
      const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
      expect(job.data.toString()).toBe(data);
      worker.send('WORK_COMPLETE', job.args[0] ?? '', data);
    }
    expect((await client.expect('WORK_COMPLETE')).data.toString()).toBe('first');
    expect((await client.expect('WORK_COMPLETE')).data.toString()).toBe('second');
    await closing;
  });

  it('loses no result that is between two threads when the last job ends', async () => {
    // Names are spread over shards by chance: client, worker and job are in the same one or in three.
    for (let round = 0; round < 6; round++) {
      const { server, port } = await yard().start(variant);
      const client = await yard().peer({ port }, 'client');
      const worker = await yard().peer({ port }, 'worker');
      worker.send('CAN_DO', `home-${round}`).send('CAN_DO', 'f');
      client.send('CAN_DO', `other-${round}`);
      await Promise.all([worker.barrier(), client.barrier()]);
      await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', '', 'x');
      const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
      const closing = server.close({ graceful: true });
      worker.send('WORK_COMPLETE', job.args[0] ?? '', `${round}`);
      expect((await client.expect('WORK_COMPLETE')).data.toString()).toBe(`${round}`);
      await closing;
    }
  });

  it('waits for a scheduled job', async () => {
    const { server, port } = await yard().start(variant);
    const client = await yard().peer({ port }, 'client');
    const worker = await yard().peer({ port }, 'worker');
    worker.send('CAN_DO', 'f').send('PRE_SLEEP');
    await worker.barrier();
    const due = String(Math.floor(Date.now() / 1000) + 1);
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_EPOCH', 'f', '', due, 'x');
    const closing = server.close({ graceful: true });
    await worker.expect('NOOP');
    const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
    worker.send('WORK_COMPLETE', job.args[0] ?? '', '');
    await closing;
  });

  it('is ended by a plain close, and both resolve', async () => {
    const { server, port } = await yard().start(variant);
    const client = await yard().peer({ port }, 'client');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', '', 'x');
    const graceful = server.close({ graceful: true });
    const again = server.close({ graceful: true });
    await untilRefused(port);
    const plain = server.close();
    await client.untilClosed();
    await Promise.all([graceful, again, plain, server.closed]);
  });
});

describe.each(variants())('disposal, $label', (variant) => {
  const yard = useYard();

  it('closes at the end of `await using`', async () => {
    const { server, port } = await yard().start(variant);
    const peer = await yard().peer({ port }, 'peer');
    await peer.barrier();
    await server[Symbol.asyncDispose]();
    await peer.untilClosed();
    await server.closed;
    await server[Symbol.asyncDispose]();
  });
});
