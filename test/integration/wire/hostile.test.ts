/**
 * Hostile and broken peers: the server answers as specified or closes, and serves the others.
 * GEARTRAIN_HOSTILE_STREAMS sets the number of random byte streams (default 2,000).
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { loadNative } from '../../../src/native/load.ts';
import { ARG_COUNT, HAS_DATA } from '../../../src/protocol/packet-columns.ts';
import { Packet } from '../../../src/protocol/packets.ts';
import { rawPacket, request } from '../../support/packet-text.ts';
import { Random } from '../../support/random.ts';
import { describeServer, grab, type Stage, submit, workerOf } from '../../support/stage.ts';

const streamCount = Number.parseInt(process.env.GEARTRAIN_HOSTILE_STREAMS ?? '2000', 10);
const MIB = 1024 * 1024;

/** Resident memory in bytes (Linux). */
function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

/** Packets of every type with small arguments, then a few bytes of them changed, dropped or doubled. */
function mutated(random: Random, fn: string): Buffer {
  const parts: Buffer[] = [];
  for (let i = random.between(1, 6); i > 0; i--) {
    const type = random.between(1, 42);
    const args = Array.from({ length: ARG_COUNT[type]! + HAS_DATA[type]! }, () =>
      random.pick([fn, '', '-', '1', 'H:x:1', 'exceptions']),
    );
    parts.push(rawPacket(type, args.join('\0')));
    if (random.oneIn(4)) parts.push(Buffer.from('status\n'));
  }
  const bytes = Buffer.concat(parts);
  for (let i = random.below(4); i > 0; i--) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  const cut = random.below(bytes.length);
  if (random.oneIn(4)) return Buffer.concat([bytes.subarray(0, cut), bytes.subarray(cut + 1)]);
  return random.oneIn(4) ? Buffer.concat([bytes, bytes.subarray(cut)]) : bytes;
}

/** The addon frees memory itself; what the TypeScript core drops waits for a full collection. */
const SLACK_BYTES = (loadNative().kind === 'addon' ? 64 : 256) * MIB;

/** Resolves when the server is about as small as it was; it gives memory back step by step. */
async function untilSmall(stage: Stage, before: number): Promise<void> {
  const witness = await stage.peer('witness');
  while (residentBytes(stage.server.pid) - before > SLACK_BYTES) await witness.barrier();
}

async function playStream(stage: Stage, random: Random, fn: string): Promise<void> {
  const peer = await stage.server.connect('stream');
  const bytes = random.oneIn(3) ? random.bytes(random.between(1, 300)) : mutated(random, fn);
  const half = random.below(bytes.length + 1);
  peer.socket.write(bytes.subarray(0, half));
  peer.socket.write(bytes.subarray(half));
  if (random.oneIn(2)) peer.reset();
  else peer.socket.end();
  // Half-closed or reset: in either case the server must let go of it.
  await peer.closed;
}

describeServer('hostile input', { args: ['--max-packet-size=4194304'] }, (stage) => {
  it(`outlives ${streamCount} random and mutated streams`, { timeout: 300_000 }, async () => {
    const random = new Random(20_241 + stage.threads);
    const fn = stage.fresh('hostile');
    const witness = await workerOf(stage, 'witness', stage.fresh('calm'));
    // The first streams fill pools and caches; from there on memory must not grow with their number.
    for (let i = 0; i < 200; i++) await playStream(stage, random, fn);
    const before = residentBytes(stage.server.pid);
    for (let i = 0; i < streamCount; i += 20) {
      await Promise.all(Array.from({ length: 20 }, () => playStream(stage, random, fn)));
    }
    await submit(witness, 'SUBMIT_JOB', stage.fresh('calm'), '', 'x');
    await grab(witness);
    expect(residentBytes(stage.server.pid) - before).toBeLessThan(64 * MIB);
  });

  it('answers a packet above --max-packet-size with an ERROR and closes', async () => {
    const before = residentBytes(stage.server.pid);
    const peer = await stage.peer('peer');
    peer.sendRaw(rawPacket(Packet.SUBMIT_JOB_BG, 'f\0\0x', { size: 2 ** 31 }), 'SUBMIT of 2 GiB');
    const error = await peer.expect('ERROR');
    expect(error.payload.toString()).toBe(
      'ARGUMENT_TOO_LARGE\0packet is 2147483648 bytes, limit 4194304',
    );
    await peer.untilClosed();
    expect(residentBytes(stage.server.pid) - before).toBeLessThan(64 * MIB);
  });

  it('takes memory as bytes arrive, not as announced', async () => {
    const before = residentBytes(stage.server.pid);
    const peers = await Promise.all(
      Array.from({ length: 25 }, (_, i) => stage.peer(`liar${i + 1}`)),
    );
    const start = rawPacket(Packet.SUBMIT_JOB_BG, `${stage.fresh('f')}\0\0x`, { size: 4_000_000 });
    for (const peer of peers) peer.sendRaw(start, 'the start of a 4 MB packet');
    const witness = await stage.peer('witness');
    await witness.barrier();
    expect(residentBytes(stage.server.pid) - before).toBeLessThan(50 * MIB);
  });

  it('serves others while a peer sends one byte at a time', async () => {
    const slow = await stage.peer('slow');
    const quick = await stage.peer('quick');
    const bytes = request('SUBMIT_JOB_BG', stage.fresh('slow'), 'u', 'data');
    for (const byte of bytes) {
      slow.sendRaw(Buffer.of(byte));
      await quick.barrier();
    }
    await slow.expect('JOB_CREATED');
  });

  it('gives the memory of unfinished packets back, whether reset or closed half', async () => {
    const before = residentBytes(stage.server.pid);
    const peers = await Promise.all(Array.from({ length: 40 }, (_, i) => stage.peer(`slow${i}`)));
    const bytes = Buffer.alloc(4_000_000, 'w');
    const start = rawPacket(Packet.SUBMIT_JOB_BG, `${stage.fresh('f')}\0\0`, { size: 4_100_000 });
    for (const peer of peers) peer.sendRaw(Buffer.concat([start, bytes]), 'nearly all of 4 MB');
    const witness = await stage.peer('witness');
    // Most of it has been taken: it is in nobody's buffers.
    while (residentBytes(stage.server.pid) - before < 120 * MIB) await witness.barrier();
    for (const [i, peer] of peers.entries()) {
      if (i % 2 === 0) peer.reset();
      else peer.end();
    }
    await Promise.all(peers.map((peer) => peer.closed));
    await untilSmall(stage, before);
  });

  it('pauses, then drops, a client that never reads, and keeps the worker', async () => {
    const before = residentBytes(stage.server.pid);
    const fn = stage.fresh('deluge');
    const worker = await workerOf(stage, 'worker', fn);
    const client = await stage.peer('client');
    await submit(client, 'SUBMIT_JOB', fn);
    const handle = await grab(worker);
    client.socket.pause();
    const chunk = Buffer.alloc(MIB);
    // 64 MiB is the limit of unsent output; sockets take some more.
    for (let i = 0; i < 100; i++) {
      worker.socket.write(request('WORK_DATA', handle, chunk));
      await worker.barrier();
    }
    worker.send('WORK_COMPLETE', handle, '');
    expect(await worker.arrived()).toEqual([]);
    expect(residentBytes(stage.server.pid)).toBeLessThan(500 * MIB);
    client.socket.resume();
    await client.untilClosed();
    await untilSmall(stage, before);
  });
});
