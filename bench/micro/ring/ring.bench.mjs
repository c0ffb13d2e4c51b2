/**
 * Ring records: nanoseconds to write and read one of 64 bytes within a thread, and records per second from one thread
 * to another. Runs the built output: `npx tsc && node bench/micro/ring/ring.bench.mjs [records]`.
 */

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Bench } from 'tinybench';
import { prepareSleep } from '../../../dist/ring/doorbell.js';
import { asleepWord, createRingSet, readWord, writeWord } from '../../../dist/ring/layout.js';
import { RingReader, RingWriter } from '../../../dist/ring/ring.js';

const BYTES = 64;
/** Records per published batch: about what a turn produces under load. */
const BATCH = 64;
const payload = new Uint8Array(BYTES).fill(7);

function writeBatch(writer) {
  for (let i = 0; i < BATCH; i++) {
    writer.begin(1, i, 2, 3, 4, BYTES);
    const { bytes, at } = writer;
    bytes.set(payload, at);
    writer.commit();
  }
  writer.publish();
}

async function withinThread() {
  const set = createRingSet(2, 1024 * 1024);
  const writer = new RingWriter(set, 0, 1, { ring() {}, post() {} });
  const reader = new RingReader(set, 0, 1, { ring() {}, receive: null });
  let sum = 0;
  const handle = (record) => {
    sum = (sum + record.a + record.bytes[record.at + 63]) | 0;
  };
  const bench = new Bench({ time: 500, warmupTime: 200 });
  const name = `write and read ${BATCH} records of ${BYTES} bytes`;
  bench.add(name, () => {
    writeBatch(writer);
    reader.drain(BATCH, handle);
  });
  await bench.run();
  const nsPerBatch = bench.tasks[0].result.latency.mean * 1e6;
  console.log(`within a thread: ${(nsPerBatch / BATCH).toFixed(1)} ns per record (sum ${sum})`);
}

/** The reading thread: sleeps when there is nothing, reports when it has all. */
function readAll({ set, bells, count }) {
  const ring = (thread) => {
    Atomics.store(bells, thread, 1);
    Atomics.notify(bells, thread);
  };
  const reader = new RingReader(set, 0, 1, { ring, receive: null });
  const writeWords = Int32Array.of(writeWord(0, 1));
  const readWords = Int32Array.of(readWord(0, 1));
  let sum = 0;
  let sleeps = 0;
  const handle = (record) => {
    sum = (sum + record.a + record.bytes[record.at + 63]) | 0;
  };
  parentPort.postMessage('ready');
  while (reader.received < count) {
    if (reader.drain(1024, handle) > 0) continue;
    if (!prepareSleep(set.words, asleepWord(1), writeWords, readWords)) continue;
    sleeps++;
    Atomics.wait(bells, 1, 0);
    Atomics.store(bells, 1, 0);
  }
  parentPort.postMessage({ sum, sleeps });
}

async function acrossThreads(count) {
  const set = createRingSet(2, 1024 * 1024);
  const bells = new Int32Array(new SharedArrayBuffer(64));
  const worker = new Worker(new URL(import.meta.url), { workerData: { set, bells, count } });
  await new Promise((resolve) => worker.once('message', resolve));
  const ring = (thread) => {
    Atomics.store(bells, thread, 1);
    Atomics.notify(bells, thread);
  };
  const writer = new RingWriter(set, 0, 1, { ring, post() {} });
  const done = new Promise((resolve) => worker.once('message', resolve));
  const start = process.hrtime.bigint();
  let waits = 0;
  while (writer.sent < count) {
    writeBatch(writer);
    while (writer.overflowBytes > 64 * 1024 && !writer.drainOverflow()) {
      waits++;
      Atomics.wait(bells, 0, 0);
      Atomics.store(bells, 0, 0);
    }
  }
  while (!writer.drainOverflow()) {
    Atomics.wait(bells, 0, 0);
    Atomics.store(bells, 0, 0);
  }
  const { sleeps } = await done;
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const rate = writer.sent / seconds / 1e6;
  console.log(
    `across threads: ${rate.toFixed(2)} million records/s of ${BYTES} bytes, ` +
      `reader slept ${sleeps} times, writer waited ${waits} times`,
  );
  await worker.terminate();
}

if (isMainThread) {
  const count = Number(process.argv[2] ?? 3_000_000);
  await withinThread();
  await acrossThreads(count - (count % BATCH));
} else readAll(workerData);
