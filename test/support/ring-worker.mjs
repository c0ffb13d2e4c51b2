/**
 * One of two threads that send each other `count` records of pseudo-random size at once, sleeping whenever they can.
 * Everything received is compared with the peer's sequence. A sleep that lasts as long as SLEEP_MS is a lost wake-up.
 * Runs the built output, because Node 20 loads no TypeScript in threads.
 */

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { prepareSleep } from '../../dist/ring/doorbell.js';
import { asleepWord, readWord, writeWord } from '../../dist/ring/layout.js';
import { RingReader, RingWriter } from '../../dist/ring/ring.js';

const SLEEP_MS = 10_000;
const OVERFLOW_BYTES_MAX = 16 * 1024;

const { set, bells, self, peer, count, seed, portIn, portOut, burst } = workerData;

function ring(thread) {
  Atomics.store(bells, thread, 1);
  Atomics.notify(bells, thread);
}

const writer = new RingWriter(set, self, peer, {
  ring,
  post: (bytes) => portOut.postMessage(bytes, [bytes]),
});
const reader = new RingReader(set, peer, self, {
  ring,
  receive: () => receiveMessageOnPort(portIn)?.message,
});

/** Pseudo-random numbers that both sides can make: those of the sender decide size and content. */
function sequence(start) {
  let state = start | 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 8;
  };
}

const ours = sequence(seed + self);
const theirs = sequence(seed + peer);

function sizeFrom(next) {
  const choice = next() % 100;
  if (choice === 0) return next() % (set.ringBytes * 2);
  return next() % (choice < 10 ? set.ringBytes / 8 : 100);
}

function send() {
  const size = sizeFrom(ours);
  const fill = ours() & 0xff;
  writer.begin(fill, writer.sent, size, self, -1, size);
  writer.bytes.fill(fill, writer.at, writer.at + size);
  writer.commit();
}

function check(record) {
  const size = sizeFrom(theirs);
  const fill = theirs() & 0xff;
  const { kind, a, b, c, d, at, byteCount, bytes } = record;
  let isRight = kind === fill && a === reader.received - 1 && b === size && c === peer && d === -1;
  isRight &&= byteCount === size;
  for (let i = 0; isRight && i < size; i++) isRight = bytes[at + i] === fill;
  if (!isRight) throw new Error(`record ${reader.received - 1} of thread ${peer} is wrong`);
}

const writeWords = Int32Array.of(writeWord(peer, self));
const readWords = Int32Array.of(readWord(peer, self));
let sleeps = 0;
let overflows = 0;

/** Returns when the bell rang, or at once when a ring has something. */
function sleep() {
  if (!prepareSleep(set.words, asleepWord(self), writeWords, readWords)) return;
  sleeps++;
  if (Atomics.wait(bells, self, 0, SLEEP_MS) === 'timed-out')
    throw new Error(`thread ${self} slept ${SLEEP_MS} ms: a wake-up was lost`);
  Atomics.store(bells, self, 0);
  Atomics.store(set.words, asleepWord(self), 0);
}

for (;;) {
  for (let i = 0; i < burst && writer.sent < count; i++) {
    if (writer.overflowBytes > OVERFLOW_BYTES_MAX) break;
    send();
  }
  const taken = reader.drain(64, check);
  writer.publish();
  if (writer.overflowBytes > 0) overflows++;
  const isSending = writer.sent < count && writer.overflowBytes <= OVERFLOW_BYTES_MAX;
  if (writer.sent === count && writer.overflowBytes === 0 && reader.received === count) break;
  if (taken === 0 && !isSending) sleep();
}
parentPort.postMessage({ sleeps, overflows, sent: writer.sent, received: reader.received });
