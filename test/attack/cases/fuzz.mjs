/**
 * A fuzzer with a memory: connections that know functions, uniques and handles of each other send whole, torn and
 * changed packets and text, stop reading, close half, reset, over TLS as well. Functions of all shards are named, so
 * that connections move and jobs cross threads. Afterwards an honest client and worker must get through.
 */
import { limited } from '../play.mjs';
import { Random } from '../random.mjs';
import { packet, Type } from '../wire.mjs';

const PEERS_MAX = 24;
const HANDLES_MAX = 256;
const FUNCTIONS = Array.from({ length: 14 }, (_, i) => `fuzz${i}`);
const UNIQUES = ['', '-', 'u1', 'u2', 'u3', 'x'.repeat(64), 'a-b'];
const TEXT = [
  ...['status', 'workers', 'prioritystatus', 'version', 'getpid', 'verbose', 'show jobs'],
  ...['show unique jobs', 'maxqueue fuzz1 5', 'maxqueue fuzz1', 'create function fuzz3'],
  ...['drop function fuzz3', 'cancel job H:x:1', 'maxqueue fuzz2 1 2 3', 'nonsense', ''],
];
const SUBMITS = [7, 18, 21, 32, 33, 34];
const WORKS = [12, 13, 14, 25, 28, 29];

/** What all connections of one run know. */
class World {
  random;
  handles = ['H:nobody:1'];

  constructor(seed) {
    this.random = new Random(seed);
  }

  learn(bytes) {
    for (const [handle] of bytes.toString('latin1').matchAll(/H:[!-~]{5,60}/g)) {
      if (this.handles.length < HANDLES_MAX) this.handles.push(handle);
      else this.handles[this.random.below(HANDLES_MAX)] = handle;
    }
  }

  data() {
    const { random } = this;
    if (random.oneIn(200)) return Buffer.alloc(random.below(300_000), 'w');
    return random.bytes(random.below(40));
  }

  /** One request that a confused but capable peer could send. */
  request() {
    const { random } = this;
    const fn = random.pick(FUNCTIONS);
    const unique = random.pick(UNIQUES);
    const handle = random.pick(this.handles);
    switch (random.below(14)) {
      case 0:
        return packet(Type.CAN_DO, fn);
      case 1:
        return packet(Type.CAN_DO_TIMEOUT, fn, random.pick(['0', '1', '2', 'x', '-1']));
      case 2:
        return packet(random.oneIn(8) ? Type.RESET_ABILITIES : Type.CANT_DO, fn);
      case 3:
        return packet(Type.PRE_SLEEP);
      case 4:
      case 5:
        return packet(random.pick([Type.GRAB_JOB, Type.GRAB_JOB_UNIQ, Type.GRAB_JOB_ALL]));
      case 6:
      case 7:
      case 8:
        return packet(random.pick(SUBMITS), fn, unique, this.data());
      case 9: {
        const type = random.pick(WORKS);
        if (type === Type.WORK_STATUS) return packet(type, handle, '1', '2');
        return type === Type.WORK_FAIL ? packet(type, handle) : packet(type, handle, this.data());
      }
      case 10:
        return random.oneIn(2)
          ? packet(Type.GET_STATUS, handle)
          : packet(Type.GET_STATUS_UNIQUE, unique);
      case 11:
        return random.oneIn(2)
          ? packet(Type.SUBMIT_JOB_EPOCH, fn, unique, `${random.below(2 ** 31)}`, this.data())
          : packet(Type.SUBMIT_REDUCE_JOB, fn, unique, random.pick(FUNCTIONS), this.data());
      case 12:
        return random.oneIn(2)
          ? packet(Type.SET_CLIENT_ID, random.bytes(random.below(200)))
          : packet(Type.OPTION_REQ, random.pick(['exceptions', 'none', '']));
      default:
        return random.oneIn(3)
          ? packet(random.below(60), this.data())
          : Buffer.from(`${random.pick(TEXT)}\n`);
    }
  }

  /** Some requests; now and then with bytes changed, lost or doubled. */
  batch() {
    const { random } = this;
    const parts = Array.from({ length: 1 + random.below(12) }, () => this.request());
    const bytes = Buffer.concat(parts);
    if (!random.oneIn(12)) return bytes;
    for (let i = 1 + random.below(3); i > 0; i--)
      bytes[random.below(bytes.length)] = random.below(256);
    const cut = random.below(bytes.length);
    if (random.oneIn(3)) return Buffer.concat([bytes.subarray(0, cut), bytes.subarray(cut + 1)]);
    return random.oneIn(3) ? Buffer.concat([bytes, bytes.subarray(cut)]) : bytes;
  }
}

async function step(attack, world, peers) {
  const { random } = world;
  const index = random.below(PEERS_MAX);
  let peer = peers[index];
  if (peer === undefined || peer.isClosed) {
    peer = await attack.peer({ on: random.oneIn(6) ? 'tls' : 'plain' });
    peer.socket.on('data', (bytes) => world.learn(bytes));
    peers[index] = peer;
  }
  const bytes = world.batch();
  if (random.oneIn(4)) {
    const cut = random.below(bytes.length + 1);
    peer.socket.write(bytes.subarray(0, cut));
    await new Promise(setImmediate);
    peer.socket.write(bytes.subarray(cut));
  } else peer.socket.write(bytes);
  switch (random.below(40)) {
    case 0:
      return peer.reset();
    case 1:
      return peer.end();
    case 2:
      return peer.pause();
    case 3:
    case 4:
      return peer.resume();
  }
}

/** An honest client and an honest worker of a function of their own. */
async function throughput(attack, count) {
  const worker = await attack.peer();
  const client = await attack.peer();
  await worker.send(packet(Type.CAN_DO, 'honest'));
  for (let i = 0; i < count; i++) {
    await client.send(packet(Type.SUBMIT_JOB, 'honest', '', `${i};`));
    // The job is there before the worker asks.
    if (!(await client.barrier())) return false;
    const handle = await worker.grab();
    if (handle === null) return false;
    await worker.send(packet(Type.WORK_COMPLETE, handle, `result ${i};`));
    if ((await client.until(`result ${i};`)) === null) return false;
  }
  return true;
}

export const FUZZ = [
  {
    name: 'fuzz',
    about: '60,000 batches of packets, text and ends of connections, from --seed',
    start: { args: ['--max-memory', '64M', '--output-limit', '1M'], listens: ['tls'] },
    growthMib: (threads) => limited(64)(threads) + 64,
    async play(attack) {
      const world = new World(attack.seed);
      const peers = [];
      const count = attack.scaled(60_000);
      for (let i = 0; i < count && attack.server.ending === null; i++) {
        await step(attack, world, peers);
        if (i % 16 === 0) await new Promise(setImmediate);
      }
      for (const peer of peers) peer?.socket.destroy();
      attack.check(await throughput(attack, 50), 'an honest client and worker do not get through');
    },
  },
];
