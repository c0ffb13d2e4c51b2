/**
 * WORK_*: packets of a worker about a job that it holds go to every watcher; a final packet ends the job. Rule:
 * accepted only from the peer that holds the job, or has lost it to its timeout (late.ts). A packet of a worker in
 * another thread whose job was taken back meanwhile is dropped without a reply: its own thread answers for handles
 * that it never held. Source: Gearman PROTOCOL, worker requests.
 */
import { copyBytes, latin1 } from '../base/bytes.ts';
import { ROW_STEPS } from '../base/steps.ts';
import { ORDER_BYTES_MAX, readOrder } from '../policy/failure-order.ts';
import { writeHeader } from '../protocol/encode.ts';
import { Errors, workErrorFor } from '../protocol/errors.ts';
import type { Frame } from '../protocol/frame.ts';
import { HANDLE_BYTES_MAX, HEADER_BYTES } from '../protocol/limits.ts';
import { parseUint32 } from '../protocol/numbers.ts';
import { isFinal } from '../protocol/packet-columns.ts';
import { Packet } from '../protocol/packets.ts';
import { type Failure, failRun, isToldNow, policyOfRun } from './failures.ts';
import { Count } from './function-stats.ts';
import { Job } from './job-table.ts';
import { Flag } from './jobs.ts';
import { failTo, notifyFail } from './notify-fail.ts';
import { runOf, runVersion, settle } from './owed.ts';
import type { Peer } from './peer.ts';
import { replyWith } from './reply.ts';
import { ERROR_BYTES_MAX } from './runs.ts';
import type { BrokerState } from './state.ts';

const NO_TEXT = new Uint8Array(0);
const NEWLINE = 10;
/** Longest denominator that gearmand forwards. */
const DENOMINATOR_BYTES_MAX = 10;

export function work(broker: BrokerState, peer: Peer, frame: Frame): void {
  const job = heldJob(broker, peer, frame);
  if (job === 0) return;
  if (frame.isDropped) {
    broker.outbox.close(peer, 'WORK packet: memory is short');
    return;
  }
  const { counters } = broker;
  if (
    (frame.type === Packet.WORK_FAIL || frame.type === Packet.WORK_EXCEPTION) &&
    isTried(broker, job, frame)
  )
    return;
  switch (frame.type) {
    case Packet.WORK_STATUS:
      noteStatus(broker, job, frame);
      return;
    case Packet.WORK_COMPLETE:
      counters.completed++;
      countEnd(broker, job, Count.COMPLETED);
      forward(broker, job, frame);
      break;
    case Packet.WORK_EXCEPTION:
      counters.failed++;
      countEnd(broker, job, Count.FAILED);
      forwardException(broker, job, frame);
      break;
    case Packet.WORK_FAIL:
      counters.failed++;
      countEnd(broker, job, Count.FAILED);
      notifyFail(broker, job);
      break;
    default:
      forward(broker, job, frame);
      return;
  }
  broker.finish(job);
}

/** Handles a failure of a function with a policy about runs; false when the job ends as in gearmand. */
function isTried(broker: BrokerState, job: number, frame: Frame): boolean {
  const policy = policyOfRun(broker, job);
  if (policy === null || broker.jobs.state(job) !== Flag.ASSIGNED) return false;
  const failure = failureOf(broker, frame);
  if (isToldNow(broker, job, policy, failure)) {
    if (frame.type === Packet.WORK_EXCEPTION) forwardException(broker, job, frame);
    else notifyFail(broker, job);
  }
  failRun(broker, job, policy, failure);
  return true;
}

function failureOf(broker: BrokerState, frame: Frame): Failure {
  if (frame.type === Packet.WORK_FAIL) return { cause: 'fail', text: NO_TEXT, order: null };
  const text = dataOf(broker, frame);
  const order = readOrder(latin1(text, 0, Math.min(text.length, ORDER_BYTES_MAX)));
  if (order === null) return { cause: 'exception', text, order };
  const lineEnd = text.indexOf(NEWLINE);
  return { cause: 'exception', text: lineEnd < 0 ? NO_TEXT : text.subarray(lineEnd + 1), order };
}

/** The beginning of the data of a packet. */
function dataOf(broker: BrokerState, frame: Frame): Uint8Array {
  const count = Math.min(frame.dataBytes, ERROR_BYTES_MAX);
  if (frame.blob <= 0) return frame.bytes.subarray(frame.data, frame.data + count);
  const bytes = new Uint8Array(count);
  broker.blobs.blobRead(frame.blob, 0, bytes, 0, count);
  return bytes;
}

/** Counts the end of a job. If a late packet ends it, the job is in its queue, and the time of that run is unknown. */
function countEnd(broker: BrokerState, job: number, kind: number): void {
  const { jobs, functionStats } = broker;
  const fn = jobs.functionOf(job);
  if (jobs.state(job) === Flag.ASSIGNED) functionStats.ended(fn, kind, jobs.age(job, broker.nowMs));
  else functionStats.lost(fn, kind);
}

/**
 * The job named by argument 0, if `peer` holds it or may end it although it is late. Otherwise 0; then `peer` gets an
 * ERROR, unless another thread answers.
 */
function heldJob(broker: BrokerState, peer: Peer, frame: Frame): number {
  const { handles } = broker;
  let handleBytes = frame.a0;
  if (frame.type === Packet.WORK_FAIL) {
    // Some workers end the handle with a NUL; clients must not see it.
    if (handleBytes > 0 && frame.bytes[frame.off + handleBytes - 1] === 0) handleBytes--;
  }
  if (
    handles.parseOfRun(frame.bytes, frame.off, frame.off + handleBytes) &&
    handles.shard === broker.options.thread
  ) {
    const { slot, serial, run, suffixBytes } = handles;
    const isHeld = broker.holds(peer, slot, serial);
    const isLate = !(isHeld && runOf(broker.jobs, slot) === run);
    // Clients see the plain handle.
    if (suffixBytes > 0) frame.cutFirst(suffixBytes);
    if (!isLate) return slot;
    if (peer.late?.has(serial, run) === true) return lateJob(broker, peer, frame.type);
    // Of an earlier run of the job, which has ended.
    if (isHeld) return 0;
  }
  const isLong = frame.type === Packet.WORK_FAIL && frame.a0 > HANDLE_BYTES_MAX;
  return refuse(broker, peer, isLong ? Errors.handleTooLarge : workErrorFor(frame.type));
}

/**
 * `peer` has lost the job to its timeout. After CAN_DO_TIMEOUT its first final packet ends the job while no worker has had
 * it since, so that it does not run again; with a
 * policy only if none has had it since, and a failure does not, when the job's policy tries it again anyway. All other
 * packets are ignored.
 */
function lateJob(broker: BrokerState, peer: Peer, type: number): number {
  if (!isFinal(type)) return 0;
  const { jobs, handles } = broker;
  const { slot, serial, run } = handles;
  const late = peer.late?.take(serial, run) ?? null;
  const isFailure = type !== Packet.WORK_COMPLETE;
  const mayEnd =
    late !== null &&
    late.endsVersion >= 0 &&
    jobs.table.isLive(slot, serial) &&
    jobs.state(slot) === Flag.QUEUED;
  const hasPolicy = mayEnd && policyOfRun(broker, slot) !== null;
  const isSwallowed = isFailure || runVersion(jobs, slot) !== late?.endsVersion;
  const ends = mayEnd && !(hasPolicy && isSwallowed);
  const owedOf = late?.owedOf ?? null;
  // A job that ends by this packet wakes nobody.
  if (ends && owedOf !== null) owedOf.owed--;
  else settle(broker, owedOf);
  return ends ? slot : 0;
}

function refuse(broker: BrokerState, peer: Peer, error: Uint8Array): 0 {
  if (peer.thread === broker.options.thread) replyWith(broker.outbox, peer, 0, error);
  return 0;
}

/**
 * Sending a copy costs one step for each 64 bytes, so a worker whose job has many watchers is continued in a later
 * turn.
 */
const COPY_SHIFT = 6;

/** Sends the packet unchanged to every watcher: handle \0 and the rest. */
function forward(broker: BrokerState, job: number, frame: Frame): void {
  const { jobs } = broker;
  if (!jobs.has(job, Flag.HAS_MORE_WATCHERS)) {
    const watcher = jobs.word(job, Job.WATCHER);
    if (watcher !== 0) forwardTo(broker, broker.peers.at(watcher), frame, 1);
    return;
  }
  const copySteps = ROW_STEPS + ((frame.end - frame.off) >> COPY_SHIFT);
  jobs.watchers.forEach(job, (watcher, copies) => {
    broker.steps.count += copies * copySteps;
    forwardTo(broker, watcher, frame, copies);
  });
}

function forwardTo(broker: BrokerState, watcher: Peer, frame: Frame, copies: number): void {
  const { outbox } = broker;
  const payloadBytes = frame.isShort ? frame.a0 : frame.end - frame.off;
  const nulBytes = frame.isShort ? 1 : 0;
  const blob = frame.blob > 0 ? frame.blob : 0;
  const blobBytes = blob === 0 ? 0 : frame.dataBytes;
  const packetBytes = HEADER_BYTES + payloadBytes + nulBytes;
  for (let left = copies; left > 0; ) {
    left -= outbox.notify(watcher, packetBytes, blob, blobBytes, left);
    let at = writeHeader(outbox.bytes, outbox.at, frame.type, payloadBytes + nulBytes + blobBytes);
    at = copyBytes(outbox.bytes, at, frame.bytes, frame.off, frame.off + payloadBytes);
    if (nulBytes === 1) outbox.bytes[at] = 0;
  }
}

/** WORK_EXCEPTION to the watchers that asked for it, WORK_FAIL to the others; both end the job. */
function forwardException(broker: BrokerState, job: number, frame: Frame): void {
  broker.jobs.watchers.forEach(job, (watcher, copies) => {
    if (broker.outbox.takesExceptions(watcher)) forwardTo(broker, watcher, frame, copies);
    else failTo(broker, watcher, job, copies);
  });
}

function noteStatus(broker: BrokerState, job: number, frame: Frame): void {
  const { bytes, off1, off2 } = frame;
  const numerator = frame.isShort ? 0 : parseUint32(bytes, off1, off1 + frame.a1);
  const isLong = frame.a2 > DENOMINATOR_BYTES_MAX;
  const denominator = isLong
    ? broker.jobs.progress(job).denominator
    : frame.isShort
      ? 0
      : parseUint32(bytes, off2, off2 + frame.a2);
  broker.jobs.setProgress(job, { numerator, denominator });
  if (!isLong && !frame.isShort) forward(broker, job, frame);
}
