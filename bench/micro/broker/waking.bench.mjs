/**
 * What a job costs a worker that sleeps for it: PRE_SLEEP, a submit that wakes it, GRAB, WORK_COMPLETE, by the number of
 * functions that it offers and of workers that offer the same. Broker alone: no sockets, effects are thrown away.
 * Runs the built output: `npx tsc && node bench/micro/broker/waking.bench.mjs`.
 */

import { Bench } from 'tinybench';
import { Account } from '../../../dist/base/account.js';
import { Broker } from '../../../dist/broker/broker.js';
import { Frame } from '../../../dist/protocol/frame.js';
import { HandleCodec } from '../../../dist/protocol/handle.js';
import { Packet } from '../../../dist/protocol/packets.js';

const SEED = 4711;
const SHAPES = [
  { functions: 1, workers: 1 },
  { functions: 1, workers: 100 },
  { functions: 20, workers: 100 },
  { functions: 100, workers: 100 },
  { functions: 200, workers: 100 },
  { functions: 1000, workers: 100 },
  { functions: 20_000, workers: 1 },
  { functions: 20_000, workers: 10 },
];

/** Keeps the last packet, so that its handle can be answered. */
class Sink {
  bytes = new Uint8Array(1 << 17);
  at = 0;
  woken = [];
  reply() {}
  notify() {}
  wake(peer) {
    this.woken.push(peer);
  }
  revoke() {}
  close() {}
  takesExceptions() {
    return false;
  }
}

class Scene {
  constructor({ functions, workers }) {
    this.sink = new Sink();
    const options = {
      thread: 0,
      hashSeed: SEED,
      lastSerial: 0,
      jobRetries: -1,
      functionsMax: 1e6,
      account: new Account(),
      log: { level: -1, log: () => {} },
      wakesPerJob: 1,
      wakeupDelayMs: 100,
      isPriorityGlobal: true,
      isRotating: true,
    };
    const blobs = { blobRelease() {}, blobRetain() {}, blobRead() {} };
    this.broker = new Broker(options, this.sink, new HandleCodec('H:t', 1, 0), blobs, {
      discard: null,
    });
    this.frame = new Frame();
    this.client = this.broker.addPeer(0, 1);
    this.names = Array.from({ length: functions }, (_, i) => Buffer.from(`function-${i}`));
    this.serial = 0;
    this.turn = 0;
    for (let i = 0; i < workers; i++) {
      const worker = this.broker.addPeer(0, 2 + i);
      for (const name of this.names) this.play(worker, Packet.CAN_DO, name);
      this.broker.onSleep(worker, ++this.serial);
    }
  }

  play(peer, type, payload) {
    this.frame.parse(peer.conn, type, payload, 0, payload.length, SEED);
    this.broker.onFrame(peer, this.frame, 0);
  }

  /** One job from submit to end; its worker sleeps again behind it. */
  job() {
    const { broker, sink, names } = this;
    broker.setTime(++this.turn / 1000, 1e12);
    const name = names[(this.turn * 7919) % names.length];
    this.play(this.client, Packet.SUBMIT_JOB_BG, Buffer.concat([name, Buffer.from('\0\0x')]));
    const worker = sink.woken.pop();
    broker.onGrab(worker, Packet.GRAB_JOB, 0);
    const end = sink.bytes.indexOf(0, 12);
    this.play(worker, Packet.WORK_COMPLETE, Buffer.concat([sink.bytes.subarray(12, end + 1)]));
    broker.onSleep(worker, ++this.serial);
    if (sink.woken.length > 0) throw new Error('somebody was woken for nothing');
  }
}

const bench = new Bench({ time: 1000, warmupTime: 300 });
for (const shape of SHAPES) {
  const scene = new Scene(shape);
  bench.add(`${shape.functions} functions, ${shape.workers} workers`, () => scene.job());
}
await bench.run();
console.table(
  bench.tasks.map(({ name, result }) => ({
    what: name,
    'us a job': Number((result.latency.p50 * 1000).toFixed(2)),
    'mean us': Number((result.latency.mean * 1000).toFixed(2)),
  })),
);
