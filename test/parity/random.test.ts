/**
 * Addon and TypeScript core over the same mutated bytes in the same chunks: they must say exactly the same.
 * Rule: a failure names its seed; `PARITY_SEED=n` runs that one, `PARITY_CASES=n` that many.
 */
import { expect, test } from 'vitest';
import type { CreateDecoder } from '../../src/native/contract.ts';
import { PACKET_TYPE_MAX } from '../../src/protocol/packets.ts';
import { Random } from '../support/random.ts';
import { CORPUS, line, noise, rawPacket, sample } from './corpus.ts';
import { DecodedStream } from './decoders.ts';
import { addon, implementations, typescriptCore } from './peers.ts';

const CASES = Number(process.env.PARITY_CASES ?? 600);
const ONLY = process.env.PARITY_SEED;
const PACKET_BYTES_MAX = 300_000;
const STREAMS_A_CASE = 3;
const DATA = noise(140_000);
const data = (count: number): Buffer => DATA.subarray(0, count);

function frame(random: Random): Buffer {
  return random.weighted<() => Buffer>([
    [6, () => random.pick(CORPUS).bytes],
    [3, () => sample(7, ['f'.repeat(random.below(40)), 'u'], data(random.below(2000))).bytes],
    [1, () => sample(13, ['H:1'], data(random.between(15_000, 20_000))).bytes],
    [1, () => sample(18, ['f', ''], data(random.between(60_000, 140_000))).bytes],
    [1, () => line('x'.repeat(random.between(8180, 8200))).bytes],
    [1, () => sample(1, ['n'.repeat(random.between(8170, 8180))]).bytes],
    [1, () => randomPacket(random)],
  ])();
}

/** Any type, any payload length near a border, few or many NULs. */
function randomPacket(random: Random): Buffer {
  const payload = random.bytes(random.pick([0, 1, 9, 60, 8179, 8180, 8181, 9000, 17_000]));
  if (random.oneIn(2)) for (let i = 0; i < payload.length; i++) payload[i] ||= 1;
  for (let i = random.below(6); i > 0 && payload.length > 0; i--) {
    payload[random.below(Math.min(payload.length, random.pick([20, 9000])))] = 0;
  }
  const type = random.oneIn(20) ? random.next() : random.between(1, PACKET_TYPE_MAX);
  const announced = random.oneIn(10)
    ? random.pick([0, 8180, 20_000, 300_001, 0xffffffff])
    : payload.length;
  return rawPacket(random.oneIn(4) ? '\0RES' : '\0REQ', type, announced, payload);
}

function mutate(random: Random, bytes: Buffer): Buffer {
  for (let i = random.below(3); i > 0; i--) bytes[random.below(bytes.length)] = random.next();
  if (random.oneIn(4)) return bytes.subarray(random.below(Math.min(40, bytes.length)));
  return bytes;
}

function stream(random: Random): Buffer {
  const frames = Array.from({ length: random.between(1, 12) }, () => frame(random));
  const bytes = Buffer.concat(frames);
  return random.oneIn(2) ? mutate(random, bytes) : bytes;
}

function chunks(random: Random, bytes: Buffer): Buffer[] {
  const greatest = random.pick([3, 100, 5000, 65_536, 65_536]);
  const result: Buffer[] = [];
  const tiny = greatest * 300 < bytes.length ? 65_536 : greatest;
  for (let at = 0; at < bytes.length; ) {
    const size = random.between(1, tiny);
    result.push(bytes.subarray(at, at + size));
    at += size;
  }
  return result;
}

/** What a case feeds: streams one behind the other, so that what one leaves unfinished meets the next. */
function streams(random: Random): Buffer {
  return Buffer.concat(Array.from({ length: STREAMS_A_CASE }, () => stream(random)));
}

/** Feeds until the first fault: nothing is decoded behind it. */
function decode(create: CreateDecoder, parts: readonly Buffer[]): DecodedStream {
  const stream = new DecodedStream(create, PACKET_BYTES_MAX);
  for (const part of parts) {
    stream.feed(part);
    if (hasFault(stream)) break;
  }
  return stream;
}

function hasFault({ decoded }: DecodedStream): boolean {
  const last = decoded.at(-1);
  return last !== undefined && 'fault' in last;
}

/** Runs `check` for each seed; the seed is in what it throws. */
function forEachSeed(count: number, check: (random: Random) => void): void {
  const seeds = ONLY === undefined ? Array.from({ length: count }, (_, i) => i) : [Number(ONLY)];
  for (const seed of seeds) {
    try {
      check(new Random(seed));
    } catch (error) {
      throw new Error(`PARITY_SEED=${seed}`, { cause: error });
    }
  }
}

test.skipIf(addon === null)(
  'addon and TypeScript core say the same of any bytes in any chunks',
  () => {
    let frameCount = 0;
    let faultCount = 0;
    let blobCount = 0;
    forEachSeed(CASES, (random) => {
      const parts = chunks(random, streams(random));
      const ours = decode(typescriptCore.createDecoder, parts);
      const theirs = decode(addon!.createDecoder, parts);
      expect(theirs.decoded).toEqual(ours.decoded);
      expect(theirs.blobCount).toBe(ours.blobCount);
      frameCount += ours.decoded.length;
      if (hasFault(ours)) faultCount++;
      blobCount += ours.blobCount;
    });
    if (ONLY !== undefined) return;
    // The cases are worth something only while they reach all that a decoder does.
    console.log(
      `parity: ${CASES} cases, ${frameCount} rows, ${blobCount} blobs, ${faultCount} faults`,
    );
    expect(frameCount / CASES).toBeGreaterThan(5);
    expect(faultCount / CASES).toBeGreaterThan(0.3);
    expect(faultCount / CASES).toBeLessThan(0.95);
    expect(blobCount / CASES).toBeGreaterThan(0.1);
  },
);

test.each(implementations)('the $kind says the same of any bytes in other chunks', (each) => {
  forEachSeed(CASES / 3, (random) => {
    const bytes = streams(random);
    const once = decode(each.createDecoder, chunks(random, bytes));
    const again = decode(each.createDecoder, chunks(random, bytes));
    expect(again.decoded).toEqual(once.decoded);
  });
});
