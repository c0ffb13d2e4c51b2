/**
 * Live jobs by (function, unique), or by (function, workload) when the unique is `-`. A job leaves when it ends, or
 * when submits may no longer coalesce with it. Source: coalescing of gearmand.
 */
import { equalBytes } from '../base/bytes.ts';
import type { BlobStore } from '../protocol/frame.ts';
import type { FunctionQueue } from './functions.ts';
import { Job } from './job-table.ts';
import type { Jobs, MemoryHooks } from './jobs.ts';
import { Flag } from './jobs.ts';
import { UniqueIndex } from './unique-index.ts';

/** The key of the current look-up: the unique, or with `isByWorkload` the workload, which may be in a blob. */
interface Probe {
  fn: FunctionQueue | null;
  bytes: Uint8Array;
  at: number;
  count: number;
  blob: number;
  isByWorkload: boolean;
}

export class Uniques {
  readonly #jobs: Jobs;
  readonly #blobs: BlobStore;
  readonly #index: UniqueIndex;
  /** Reused by every look-up, to avoid allocation. */
  readonly #probe: Probe = {
    fn: null,
    bytes: new Uint8Array(0),
    at: 0,
    count: 0,
    blob: 0,
    isByWorkload: false,
  };

  constructor(jobs: Jobs, blobs: BlobStore, memory: MemoryHooks) {
    this.#jobs = jobs;
    this.#blobs = blobs;
    this.#index = new UniqueIndex((job) => this.#matches(job), memory);
  }

  get count(): number {
    return this.#index.count;
  }

  /** Memory of the index. */
  get bytes(): number {
    return this.#index.bytes;
  }

  /** Memory that the next `add` may need at once. */
  get nextGrowth(): number {
    return this.#index.nextGrowth;
  }

  /** Live job of `fn` with the key in `bytes[at, at + count)` (or in `blob`), or 0. `hash` is `keyHash` of it. */
  find(
    fn: FunctionQueue,
    hash: number,
    bytes: Uint8Array,
    at: number,
    count: number,
    blob: number,
    isByWorkload: boolean,
  ): number {
    const probe = this.#probe;
    probe.fn = fn;
    probe.bytes = bytes;
    probe.at = at;
    probe.count = count;
    probe.blob = blob;
    probe.isByWorkload = isByWorkload;
    return this.#index.find(hash);
  }

  /** Adds a job that `find` did not find. */
  add(job: number, hash: number, isByWorkload: boolean): void {
    this.setKey(job, hash, isByWorkload);
    this.#jobs.setFlag(job, Flag.INDEXED);
    this.#index.insert(hash, job);
  }

  /** Notes the key of a job that is not to be found by it now. */
  setKey(job: number, hash: number, isByWorkload: boolean): void {
    this.#jobs.setWord(job, Job.UNIQUE_HASH, hash);
    if (isByWorkload) this.#jobs.setFlag(job, Flag.BY_WORKLOAD);
  }

  /** The live job with the key of `job`, which is not in the index; 0 when its key is free or it has none. */
  rivalOf(job: number): number {
    const jobs = this.#jobs;
    const hash = jobs.word(job, Job.UNIQUE_HASH) | 0;
    if (!this.#isKeyed(job)) return 0;
    const isByWorkload = jobs.has(job, Flag.BY_WORKLOAD);
    const block = jobs.word(job, Job.BLOCK);
    const uniqueBytes = jobs.word(job, Job.UNIQUE_BYTES);
    const at = jobs.slab.offsetOf(block) + (isByWorkload ? uniqueBytes : 0);
    const count = isByWorkload ? jobs.word(job, Job.WORKLOAD_BYTES) : uniqueBytes;
    const blob = isByWorkload ? jobs.word(job, Job.BLOB) : 0;
    const fn = jobs.functionOf(job);
    return this.find(fn, hash, jobs.slab.chunkOf(block), at, count, blob, isByWorkload);
  }

  /** Puts a job without a rival into the index again, if it was there before. */
  addAgain(job: number): void {
    const jobs = this.#jobs;
    if (this.#isKeyed(job))
      this.add(job, jobs.word(job, Job.UNIQUE_HASH) | 0, jobs.has(job, Flag.BY_WORKLOAD));
  }

  /** Whether the job has been in the index. */
  #isKeyed(job: number): boolean {
    return this.#jobs.word(job, Job.UNIQUE_HASH) !== 0;
  }

  /** Removes the job, if it is there: its key is free again. */
  remove(job: number): void {
    if (!this.#jobs.has(job, Flag.INDEXED)) return;
    this.#index.remove(this.#jobs.word(job, Job.UNIQUE_HASH) | 0, job);
    this.#jobs.clearFlag(job, Flag.INDEXED);
  }

  /** Whether a job of equal hash has the key of the current look-up. */
  #matches(job: number): boolean {
    const probe = this.#probe;
    const jobs = this.#jobs;
    if (jobs.word(job, Job.FUNCTION) !== probe.fn?.index) return false;
    if (jobs.has(job, Flag.BY_WORKLOAD) !== probe.isByWorkload) return false;
    const uniqueBytes = jobs.word(job, Job.UNIQUE_BYTES);
    const block = jobs.word(job, Job.BLOCK);
    const at = jobs.slab.offsetOf(block);
    if (!probe.isByWorkload)
      return (
        uniqueBytes === probe.count &&
        equalBytes(jobs.slab.chunkOf(block), at, probe.bytes, probe.at, probe.count)
      );
    if (jobs.word(job, Job.WORKLOAD_BYTES) !== probe.count) return false;
    const blob = jobs.word(job, Job.BLOB);
    if (blob === 0 && probe.blob === 0)
      return equalBytes(
        jobs.slab.chunkOf(block),
        at + uniqueBytes,
        probe.bytes,
        probe.at,
        probe.count,
      );
    return equalBytes(this.#bytesOf(blob, job), 0, this.#probeBytes(probe), 0, probe.count);
  }

  #bytesOf(blob: number, job: number): Uint8Array {
    const count = this.#jobs.word(job, Job.WORKLOAD_BYTES);
    const bytes = new Uint8Array(count);
    if (blob !== 0) {
      this.#blobs.blobRead(blob, 0, bytes, 0, count);
      return bytes;
    }
    const block = this.#jobs.word(job, Job.BLOCK);
    const at = this.#jobs.slab.offsetOf(block) + this.#jobs.word(job, Job.UNIQUE_BYTES);
    bytes.set(this.#jobs.slab.chunkOf(block).subarray(at, at + count));
    return bytes;
  }

  #probeBytes(probe: Probe): Uint8Array {
    if (probe.blob === 0) return probe.bytes.subarray(probe.at, probe.at + probe.count);
    const bytes = new Uint8Array(probe.count);
    this.#blobs.blobRead(probe.blob, 0, bytes, 0, probe.count);
    return bytes;
  }
}

/** Mixes a function into the hash of a unique, so that the same key in many functions has many hashes. */
export function keyHash(functionIndex: number, hash: number): number {
  return Math.imul(hash ^ Math.imul(functionIndex, 0x9e3779b1), 0x85ebca6b);
}
