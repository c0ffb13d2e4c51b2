/**
 * SUBMIT_*: coalesce with a live job of the same function and unique, or create a job and wake workers. The order of
 * the checks is gearmand's: unique length, coalescing, queue limit. Then the job takes a handle.
 */
import { LogLevel } from '../base/logger.ts';
import { writeHeader } from '../protocol/encode.ts';
import { Errors } from '../protocol/errors.ts';
import type { Frame } from '../protocol/frame.ts';
import { hashBytes } from '../protocol/hash.ts';
import { HEADER_BYTES, SLAB_BYTES_MAX, UNIQUE_BYTES_MAX } from '../protocol/limits.ts';
import { parseInteger } from '../protocol/numbers.ts';
import { BACKGROUND, EXTRA, PRIORITY } from '../protocol/packet-columns.ts';
import { Extra, Packet } from '../protocol/packets.ts';
import type { FunctionQueue } from './functions.ts';
import { JOB_ROW_BYTES } from './job-table.ts';
import { Flag } from './jobs.ts';
import { Kept, nameCost } from './kept.ts';
import type { Peer } from './peer.ts';
import { queue } from './queue.ts';
import { replyWith } from './reply.ts';
import type { BrokerState } from './state.ts';
import { keyHash } from './uniques.ts';

/** FLAGS of a new job by packet type. */
const SUBMIT_FLAGS = Uint16Array.from(
  PRIORITY,
  (priority, type) =>
    (priority << Flag.PRIORITY_SHIFT) | (BACKGROUND[type] === 1 ? Flag.BACKGROUND : 0),
);

const DASH = 0x2d;
const UTF8 = new TextDecoder();

/** Handles a submit of `peer`. Reply `replyId` is JOB_CREATED; or it is ERROR, and there is no job. */
export function submit(broker: BrokerState, peer: Peer, frame: Frame, replyId: number): void {
  const { type } = frame;
  const extra = EXTRA[type];
  const isReduce = extra === Extra.reducer;
  if (frame.a1 > UNIQUE_BYTES_MAX || (isReduce && frame.a2 > UNIQUE_BYTES_MAX)) {
    refuse(broker, peer, replyId, Errors.uniqueTooLarge);
    return;
  }
  if (frame.isDropped) {
    refuse(broker, peer, replyId, Errors.queueFull);
    return;
  }
  let startMs = 0;
  if (extra === Extra.epoch) {
    startMs = parseInteger(frame.bytes, frame.off2, frame.off2 + frame.a2) * 1000;
    if (Number.isNaN(startMs)) {
      broker.outbox.close(peer, 'SUBMIT_JOB_EPOCH: time is outside of 64 bits');
      return;
    }
  }
  const known = broker.functions.find(frame.bytes, frame.off, frame.a0, frame.hash0);
  // The name of a refused function is not kept.
  if (known === null && !hasRoom(broker, frame, Kept.FUNCTION + nameCost(frame.a0))) {
    refuse(broker, peer, replyId, Errors.queueFull);
    return;
  }
  const fn = known ?? broker.functionNamed(frame.bytes, frame.off, frame.a0, frame.hash0);
  if (fn === null) {
    refuse(broker, peer, replyId, Errors.queueError);
    return;
  }
  const flags = flagsOf(frame);
  const isByWorkload = frame.a1 === 1 && frame.bytes[frame.off1] === DASH;
  const isUnique = frame.a1 > 0 && !(isByWorkload && frame.dataBytes === 0);
  const hash = isUnique ? uniqueHash(broker, fn, frame, isByWorkload) : 0;
  if (isUnique) {
    const existing = isByWorkload
      ? broker.uniques.find(fn, hash, frame.bytes, frame.data, frame.dataBytes, frame.blob, true)
      : broker.uniques.find(fn, hash, frame.bytes, frame.off1, frame.a1, 0, false);
    if (existing !== 0) {
      if (broker.options.log.level >= LogLevel.NOTICE) logAccepted(broker, frame, startMs);
      coalesce(broker, peer, replyId, existing, (flags & Flag.BACKGROUND) !== 0);
      return;
    }
  }
  if (fn.gate?.isDraining === true) {
    refuse(broker, peer, replyId, Errors.draining);
    return;
  }
  const limit = fn.queueMax[(flags & Flag.PRIORITY) >>> Flag.PRIORITY_SHIFT] as number;
  const isFull = (limit > 0 && fn.total >= limit) || broker.jobs.table.isFull;
  if (isFull || !hasRoom(broker, frame, isUnique ? broker.uniques.nextGrowth : 0)) {
    refuse(broker, peer, replyId, Errors.queueFull);
    return;
  }
  if (broker.options.log.level >= LogLevel.NOTICE) logAccepted(broker, frame, startMs);
  const job = createJob(broker, fn, flags, frame);
  if (isUnique) {
    broker.uniques.add(job, hash, isByWorkload);
  }
  if (isReduce && frame.a2 > 0)
    broker.jobs.setReducer(job, frame.bytes.slice(frame.off2, frame.off2 + frame.a2));
  if (broker.storing !== null && (flags & Flag.BACKGROUND) !== 0) {
    broker.storing.submit(peer, replyId, job, startMs);
    return;
  }
  makeReady(broker, job, startMs);
  if ((flags & Flag.BACKGROUND) === 0) broker.jobs.watchers.add(job, peer);
  broker.counters.submitted++;
  replyCreated(broker, peer, replyId, job, broker.jobs.table.serial(job));
}

/** FLAGS of the new job. */
function flagsOf({ type, priority }: Frame): number {
  const flags = SUBMIT_FLAGS[type] as number;
  return priority === 0
    ? flags
    : (flags & ~Flag.PRIORITY) | ((priority - 1) << Flag.PRIORITY_SHIFT);
}

/**
 * Whether there is memory for the job and `besides` more bytes. New jobs are refused at 7/8 of the limit; but a job
 * that fits into memory that was used before needs no more.
 */
function hasRoom(broker: BrokerState, frame: Frame, besides: number): boolean {
  const { account, jobs } = broker;
  const isBlob = frame.blob > 0 || frame.dataBytes > SLAB_BYTES_MAX;
  const blockBytes = frame.a1 + (isBlob ? 0 : frame.dataBytes);
  // The reactor counts blobs, including those of this turn.
  if (isBlob) account.refresh();
  const bytes = JOB_ROW_BYTES + frame.a1 + (frame.blob > 0 ? 0 : frame.dataBytes) + besides;
  return account.admits(bytes) || (!isBlob && besides === 0 && jobs.hasUsedRoom(blockBytes));
}

/** Logs the job as gearmand does: function, unique, and the start time in seconds, or 0. */
function logAccepted(broker: BrokerState, frame: Frame, startMs: number): void {
  // A copy: TextDecoder does not take shared memory.
  const names = frame.bytes.slice(frame.off, frame.off1 + frame.a1);
  const name = UTF8.decode(names.subarray(0, frame.a0));
  const unique = UTF8.decode(names.subarray(frame.a0 + 1));
  broker.options.log.log(LogLevel.NOTICE, `accepted,${name},${unique},${startMs / 1000}`);
}

/** Puts a new job into its queue, or into the schedule until `startMs` of the wall clock. */
export function makeReady(broker: BrokerState, job: number, startMs: number): void {
  if (startMs > broker.wallMs) broker.jobs.becomeScheduled(job, startMs);
  else queue(broker, job);
}

function createJob(broker: BrokerState, fn: FunctionQueue, flags: number, frame: Frame): number {
  const { blob } = frame;
  const job = broker.jobs.create(
    fn,
    flags,
    frame.bytes,
    frame.off1,
    frame.a1,
    frame.data,
    frame.dataBytes,
    blob,
  );
  // The job owns the frame's reference now.
  frame.blob = 0;
  broker.jobs.stamp(job, broker.nowMs);
  return job;
}

/**
 * Joins a submit to a live job. The job keeps its workload, priority and time; a background submit makes it durable.
 */
function coalesce(
  broker: BrokerState,
  peer: Peer,
  replyId: number,
  job: number,
  isBackground: boolean,
): void {
  if (broker.storing !== null && isBackground && !broker.storing.keep(job)) {
    refuse(broker, peer, replyId, Errors.queueError);
    return;
  }
  if (isBackground) broker.jobs.setFlag(job, Flag.BACKGROUND);
  else if (!broker.jobs.watchers.add(job, peer)) {
    refuse(broker, peer, replyId, Errors.queueError);
    return;
  }
  broker.counters.coalesced++;
  if (broker.storing?.isAwaited(job, peer, replyId)) return;
  replyCreated(broker, peer, replyId, job, broker.jobs.table.serial(job));
}

/** Answers with the handle, even if the job has ended meanwhile. */
export function replyCreated(
  broker: BrokerState,
  peer: Peer,
  replyId: number,
  job: number,
  serial: number,
): void {
  const { outbox, handles } = broker;
  const handleBytes = handles.encode(job, serial);
  outbox.reply(peer, replyId, HEADER_BYTES + handleBytes, 0, 0);
  const at = writeHeader(outbox.bytes, outbox.at, Packet.JOB_CREATED, handleBytes);
  handles.write(outbox.bytes, at);
}

export function refuse(broker: BrokerState, peer: Peer, replyId: number, error: Uint8Array): void {
  broker.counters.refused++;
  replyWith(broker.outbox, peer, replyId, error);
}

/** Key (function, unique) or, for `-`, (function, workload). */
function uniqueHash(
  broker: BrokerState,
  fn: FunctionQueue,
  frame: Frame,
  isByWorkload: boolean,
): number {
  return keyHash(fn.index, isByWorkload ? workloadHash(broker, frame) : frame.hash1);
}

function workloadHash(broker: BrokerState, frame: Frame): number {
  const seed = broker.options.hashSeed;
  if (frame.blob === 0)
    return hashBytes(frame.bytes, frame.data, frame.data + frame.dataBytes, seed);
  const bytes = new Uint8Array(frame.dataBytes);
  broker.blobs.blobRead(frame.blob, 0, bytes, 0, frame.dataBytes);
  return hashBytes(bytes, 0, bytes.length, seed);
}
