/** Options of an embedded server: refused before anything happens, and the limits that they set. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createServer, OptionError } from '../../../dist/index.js';
import { namesByShard } from '../../support/embedding/deaths.ts';
import { runProgram } from '../../support/embedding/programs.ts';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { request } from '../../support/packet-text.ts';
import type { WireConnection } from '../../support/wire.ts';

/** True when the system holds nothing that was sent on a connection between two ports, at neither end. */
function isRead(from: number, to: number): boolean {
  const hex = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const ports = [hex(from), hex(to)];
  const ends = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .filter(([, connection = '', remote = '', state]) => {
      const pair = [connection.slice(-5), remote.slice(-5)];
      return state === '01' && ports.every((port) => pair.includes(port));
    });
  return ends.length === 2 && ends.every((end) => end[4] === '00000000:00000000');
}

describe('createServer', () => {
  it.each([
    [{ port: -1 }, 'option port: -1 is not allowed'],
    [{ threads: 31 }, 'option threads: 31 is not allowed'],
    [{ threads: 1.5 }, 'option threads: 1.5 is not allowed'],
    [{ jobHandlePrefix: 'x'.repeat(29) }, 'option jobHandlePrefix: "xxx'],
    [{ jobHandlePrefix: 'a b' }, 'option jobHandlePrefix: "a b" is not allowed'],
    [{ jobHandlePrefix: '' }, 'option jobHandlePrefix: "" is not allowed'],
    [{ adminFrom: 'nowhere' }, 'option adminFrom: "nowhere" is not allowed'],
    [{ listen: 'unix:relative' }, 'option listen: "unix:relative" is not allowed'],
    [{ host: '127.0.0.1', listen: '::1' }, 'host'],
    [{ prot: 4730 }, 'option prot: there is no such option'],
  ])('refuses %j', (options, message) => {
    let refusal: unknown;
    try {
      createServer(options as never);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(OptionError);
    expect(refusal).toMatchObject({ name: 'OptionError', code: 'ERR_GEARMAN_OPTION' });
    expect((refusal as OptionError).message).toContain(message);
  });

  it('leaves nothing behind that keeps a process alive when it refuses', async () => {
    const ended = await runProgram(
      { threads: 2, native: 'off' },
      `try { createServer({ ...variant, port: 'nonsense' }); } catch (e) { console.log(e.code); }`,
    );
    expect(ended).toMatchObject({ code: 0, stdout: 'ERR_GEARMAN_OPTION\n' });
  });
});

describe.each(variants())('limits, $label', (variant) => {
  const yard = useYard();

  it('gives handles the prefix of up to 28 bytes, and digits alone after it', async () => {
    const jobHandlePrefix = 'p'.repeat(28);
    const { port } = await yard().start(variant, { jobHandlePrefix });
    const client = await yard().peer({ port }, 'client');
    const created = await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', 'x');
    expect(created.payload.toString()).toMatch(/^p{28}:\d{21,34}$/);
    expect(created.payload.length).toBeLessThanOrEqual(63);
    const status = await client.ask('STATUS_RES', 'GET_STATUS', created.payload);
    expect(status.args.map(String)).toEqual([created.payload.toString(), '1', '0', '0', '0']);
  });

  it('closes connections above --max-connections, and takes new ones when some have gone', async () => {
    const { server, port, log } = await yard().start(variant, { maxConnections: 3 });
    const peers = [];
    for (const fn of ['a', 'b', 'c']) {
      const peer = await yard().peer({ port }, fn);
      // Named functions move connections to their shards: the limit is that of all threads together.
      peer.send('CAN_DO', fn);
      await peer.barrier();
      peers.push(peer);
    }
    while ((await server.stats()).connections < 3) await peers[0]?.barrier();
    await (await yard().peer({ port }, 'fourth')).untilClosed();
    expect(log.lines.filter((line) => line.includes('3 connections, the limit'))).toHaveLength(1);
    await peers[1]?.close();
    while ((await server.stats()).connections > 2) await peers[0]?.barrier();
    await (await yard().peer({ port }, 'next')).barrier();
  });

  it('refuses function names above --max-functions in submits, and in CAN_DO by closing', async () => {
    const { port } = await yard().start(variant, { maxFunctions: 2 });
    const client = await yard().peer({ port }, 'client');
    // The bound holds for each owner of functions, so as many names as threads own some are needed.
    const taken = [];
    let refusal = '';
    for (let i = 0; i < 40 && refusal === ''; i++) {
      client.send('SUBMIT_JOB_BG', `fn-${i}`, '', 'x');
      const reply = await client.next();
      if (reply.kind !== 'packet') throw new Error('a text line');
      if (reply.name === 'JOB_CREATED') taken.push(`fn-${i}`);
      else refusal = `${reply.name} ${reply.args[0]}`;
    }
    expect(refusal).toBe('ERROR QUEUE_ERROR');
    expect(taken.length).toBeGreaterThanOrEqual(2);
    expect(taken.length).toBeLessThanOrEqual(2 * Math.max(1, variant.threads));
    // Known names go on.
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', taken[0] ?? '', '', 'x');
  });

  it('answers QUEUE_ERROR above --max-memory, and takes jobs again when the queue is shorter', async () => {
    const { server, port } = await yard().start(variant, { maxMemory: 8 << 20 });
    const client = await yard().peer({ port }, 'client');
    const workload = Buffer.alloc(256 << 10, 'w');
    let accepted = 0;
    for (let refused = 0; refused === 0; ) {
      client.send('SUBMIT_JOB_BG', 'f', '', workload);
      const reply = await client.next();
      if (reply.kind === 'packet' && reply.name === 'JOB_CREATED') accepted++;
      else {
        expect(reply).toMatchObject({ name: 'ERROR' });
        if (reply.kind === 'packet')
          expect(reply.args.map(String)).toEqual(['QUEUE_ERROR', 'Job queue is full']);
        refused++;
      }
      expect(accepted).toBeLessThan(64);
    }
    // Two steps of 1 MiB may be lost to each thread.
    expect(accepted * workload.length).toBeGreaterThanOrEqual(
      (8 - 2 * (variant.threads + 1)) << 20,
    );
    expect((await server.stats()).refused).toBe(1);
    const worker = await yard().peer({ port }, 'worker');
    worker.send('CAN_DO', 'f');
    for (let i = 0; i < accepted; i++) {
      const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
      expect(job.data.length).toBe(workload.length);
      worker.send('WORK_COMPLETE', job.args[0] ?? '', '');
    }
    await worker.barrier();
    // What is free is known to all threads behind their next turns.
    for (;;) {
      client.send('SUBMIT_JOB_BG', 'f', '', workload);
      const reply = await client.next();
      if (reply.kind === 'packet' && reply.name === 'JOB_CREATED') break;
    }
  });

  it('counts unfinished packets in --max-memory, until their connection is gone', async () => {
    const { port } = await yard().start(variant, { maxMemory: 4 << 20 });
    const [slow, client, worker] = [
      await yard().peer({ port }, 'slow'),
      await yard().peer({ port }, 'client'),
      await yard().peer({ port }, 'worker'),
    ];
    worker.send('CAN_DO', 'g');
    await worker.barrier();
    /** Submits 2 MiB; a job that is taken is done at once, so that nothing stays of it. */
    const isTaken = async (): Promise<boolean> => {
      client.send('SUBMIT_JOB_BG', 'g', '', Buffer.alloc(2 << 20, 'w'));
      const reply = await client.next();
      if (reply.kind !== 'packet' || reply.name !== 'JOB_CREATED') return false;
      const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
      worker.send('WORK_COMPLETE', job.args[0] ?? '', '');
      await worker.barrier();
      return true;
    };
    expect(await isTaken()).toBe(true);
    // A thread knows what is left since its last turn: without this one its packet would be refused where the job was.
    await slow.barrier();
    const packet = request('SUBMIT_JOB_BG', 'f', '', Buffer.alloc(3 << 20, 'w'));
    slow.sendRaw(packet.subarray(0, packet.length - 1), 'all but the last byte');
    while (slow.socket.writableLength > 0 || !isRead(slow.socket.localPort ?? 0, port))
      await worker.barrier();
    // Other threads hear of it behind the turn that has read it.
    while (await isTaken());
    slow.socket.destroy();
    while (!(await isTaken()));
  });

  it('refuses admin commands of addresses that --admin-from does not name, and packets of nobody', async () => {
    const { server, port } = await yard().start(variant, {
      adminFrom: ['10.0.0.0/8', '127.0.0.2'],
    });
    const refused = await yard().peer({ port }, 'refused');
    const text = 'ERR NOT_ALLOWED Not+allowed+from+this+address\r\n';
    for (const command of ['status', 'version', 'maxqueue f 1', 'no-such-command'])
      expect(await refused.command(command)).toBe(text);
    await refused.barrier();
    await refused.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', 'x');
    await server.listen({ host: '127.0.0.2', port: 0 });
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    socket.end('version\n');
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toMatch(/^OK /);
  });

  it('answers a packet above --max-packet-size with an ERROR and closes', async () => {
    const { port } = await yard().start(variant, { maxPacketSize: 64 << 10 });
    const peer = await yard().peer({ port }, 'peer');
    await peer.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', Buffer.alloc((64 << 10) - 3));
    peer.send('SUBMIT_JOB_BG', 'f', '', Buffer.alloc((64 << 10) - 2));
    const error = await peer.expect('ERROR');
    expect(error.args.map(String)).toEqual([
      'ARGUMENT_TOO_LARGE',
      'packet is 65537 bytes, limit 65536',
    ]);
    await peer.untilClosed();
  });
});

describe.each(variants([2]))('--max-memory, $label', (variant) => {
  const yard = useYard();

  it('is that of all threads together', async () => {
    const { server, port } = await yard().start(variant, { maxMemory: 8 << 20 });
    const asker = await yard().peer({ port }, 'asker');
    const names = await namesByShard(asker, variant.threads);
    const workload = Buffer.alloc(256 << 10, 'w');
    const isTaken = async (client: WireConnection, name: string): Promise<boolean> => {
      client.send('SUBMIT_JOB_BG', name, '', workload);
      const reply = await client.next();
      return reply.kind === 'packet' && reply.name === 'JOB_CREATED';
    };
    const clients: WireConnection[] = [];
    for (const [shard, name] of names.entries()) {
      if (shard === 0) continue;
      const client = await yard().peer({ port }, `client-${shard}`);
      // So that it lives in this shard before the memory is gone.
      await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', name, '', 'x');
      clients[shard] = client;
    }
    const [first, second] = [clients[1] as WireConnection, clients[2] as WireConnection];
    let taken = 0;
    while (await isTaken(first, names[1] as string)) taken++;
    expect(taken * workload.length).toBeLessThanOrEqual(8 << 20);
    // The other shard has a step of 1 MiB of its own at most.
    let others = 0;
    while (await isTaken(second, names[2] as string)) others++;
    expect((taken + others) * workload.length).toBeLessThanOrEqual(8 << 20);
    expect(others).toBeLessThanOrEqual(4);
    expect((await server.stats()).refused).toBe(2);
    // What the first gives back is there for the second.
    for (let i = 0; i <= taken; i++) {
      if (i === 0) first.send('CAN_DO', names[1] as string);
      const job = await first.ask('JOB_ASSIGN', 'GRAB_JOB');
      first.send('WORK_COMPLETE', job.args[0] ?? '', '');
    }
    await first.barrier();
    while (others < taken) if (await isTaken(second, names[2] as string)) others++;
  });
});
