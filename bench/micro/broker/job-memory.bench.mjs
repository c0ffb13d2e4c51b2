/**
 * What a queued job costs in the tables of the broker: row, block with 64 bytes, index entry; alone and together, while
 * so many jobs are queued and the oldest leaves for each that comes; then a fill from nothing and the drain after it.
 * Runs the built output: `npx tsc && node bench/micro/broker/job-memory.bench.mjs [depth ...]`.
 */

import { Bench } from 'tinybench';
import { copyBytes } from '../../../dist/base/bytes.js';
import {
  JOB_SHIFT,
  Job,
  JobTable,
  SEGMENT_MASK,
  SEGMENT_SHIFT,
} from '../../../dist/broker/job-table.js';
import { Slab } from '../../../dist/broker/slab.js';
import { UniqueIndex } from '../../../dist/broker/unique-index.js';

const BYTES = 64;
/** Jobs that come and go in one call of a benched function. */
const STEPS = 1000;
const ROUNDS = 5;
const workload = new Uint8Array(BYTES).fill(7);

/** Hash of the n-th job's unique, as well mixed as the real one. */
function hashOf(n) {
  let h = Math.imul(n, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return h ^ (h >>> 13);
}

/** The three tables, and the oldest-first ring that stands for the queues. */
class Memory {
  constructor(depth) {
    this.table = new JobTable({ discard: null });
    this.slab = new Slab({ discard: null });
    this.index = new UniqueIndex(() => true);
    this.ring = new Uint32Array(depth);
    this.at = 0;
    this.serial = 0;
  }

  rowIn() {
    return this.table.allocate();
  }

  rowOut(job) {
    this.table.free(job);
  }

  blockIn() {
    const block = this.slab.allocate(BYTES);
    copyBytes(this.slab.chunkOf(block), this.slab.offsetOf(block), workload, 0, BYTES);
    return block;
  }

  blockOut(block) {
    this.slab.free(block);
  }

  entryIn() {
    const n = ++this.serial;
    const hash = hashOf(n);
    if (this.index.find(hash) === 0) this.index.insert(hash, n);
    return n;
  }

  entryOut(n) {
    const hash = hashOf(n);
    if (this.index.find(hash) === n) this.index.remove(hash, n);
  }

  jobIn() {
    const job = this.table.allocate();
    const row = this.table.segments[job >>> SEGMENT_SHIFT];
    const at = (job & SEGMENT_MASK) << JOB_SHIFT;
    const hash = hashOf(row[at + Job.SERIAL_LO]);
    row[at + Job.UNIQUE_HASH] = hash;
    row[at + Job.WORKLOAD_BYTES] = BYTES;
    row[at + Job.BLOCK] = this.blockIn();
    if (this.index.find(hash) === 0) this.index.insert(hash, job);
    return job;
  }

  jobOut(job) {
    const row = this.table.segments[job >>> SEGMENT_SHIFT];
    const at = (job & SEGMENT_MASK) << JOB_SHIFT;
    this.index.remove(row[at + Job.UNIQUE_HASH] | 0, job);
    this.slab.free(row[at + Job.BLOCK]);
    this.table.free(job);
  }

  get bytes() {
    return this.table.bytes + this.slab.bytes + this.index.bytes;
  }
}

/** Compiled apart for each part, so that no call site sees two of them. */
function turnOf(part) {
  return new Function(
    'memory',
    `const { ring } = memory;
    for (let i = 0; i < ${STEPS}; i++) {
      memory.${part}Out(ring[memory.at]);
      ring[memory.at] = memory.${part}In();
      memory.at = memory.at + 1 === ring.length ? 0 : memory.at + 1;
    }`,
  );
}

async function standing(depth) {
  const bench = new Bench({ time: 400, warmupTime: 200 });
  for (const part of ['row', 'block', 'entry', 'job']) {
    const turn = turnOf(part);
    let memory;
    const beforeAll = () => {
      memory = new Memory(depth);
      for (let i = 0; i < depth; i++) memory.ring[i] = memory[`${part}In`]();
    };
    bench.add(part, () => turn(memory), { beforeAll });
  }
  await bench.run();
  for (const { name, result } of bench.tasks) {
    const ns = (milliseconds) => ((milliseconds * 1e6) / STEPS).toFixed(1).padStart(7);
    const { min, p50 } = result.latency;
    console.log(
      `${depth} queued, ${name.padEnd(5)} in and out: median ${ns(p50)} ns, least ${ns(min)} ns`,
    );
  }
}

/** CPU time of this process per job, the least of some rounds. */
function fillAndDrain(depth) {
  const leastNs = { fill: Infinity, drain: Infinity };
  const timed = (name, work) => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    leastNs[name] = Math.min(leastNs[name], ((user + system) * 1000) / depth);
  };
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const memory = new Memory(depth);
    timed('fill', () => {
      for (let i = 0; i < depth; i++) memory.ring[i] = memory.jobIn();
    });
    bytes = memory.bytes;
    timed('drain', () => {
      for (let i = 0; i < depth; i++) memory.jobOut(memory.ring[i]);
    });
  }
  const text = `fill ${leastNs.fill.toFixed(0)} ns, drain ${leastNs.drain.toFixed(0)} ns of CPU time a job`;
  console.log(`0 to ${depth} queued and back: ${text}, ${(bytes / depth).toFixed(0)} bytes a job`);
}

const depths = process.argv.slice(2).map(Number);
for (const depth of depths.length > 0 ? depths : [1_000, 1_000_000]) {
  await standing(depth);
  fillAndDrain(depth);
}
