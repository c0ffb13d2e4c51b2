/**
 * GRAB_*: chooses the job for a worker, and writes the JOB_ASSIGN. Order: highest priority first over all offered
 * functions with rotation inside a level (gearmand 2.0), or function first (1.1.20); FIFO inside a function and
 * priority.
 */
import { copyBytes } from '../base/bytes.ts';
import { writeHeader } from '../protocol/encode.ts';
import { HEADER_BYTES } from '../protocol/limits.ts';
import { ASSIGN } from '../protocol/packet-columns.ts';
import { Packet } from '../protocol/packets.ts';
import { NO_SUFFIX, suffixOf } from '../protocol/run-suffix.ts';
import type { Ability } from './ability.ts';
import { setDeadline } from './deadlines.ts';
import { firstFor } from './first-job.ts';
import type { FunctionQueue } from './functions.ts';
import { PRIORITY_COUNT } from './functions.ts';
import { Job } from './job-table.ts';
import { Flag, type Jobs } from './jobs.ts';
import { chooseOwing } from './owed.ts';
import type { Peer } from './peer.ts';
import { replyNoJob } from './reply.ts';
import type { BrokerState } from './state.ts';

/** Handles a GRAB_JOB, GRAB_JOB_UNIQ or GRAB_JOB_ALL (`type`) of `peer`; reply `replyId` is a job or NO_JOB. */
export function grab(broker: BrokerState, peer: Peer, type: number, replyId: number): void {
  const wasWoken = broker.waker.markAwake(peer);
  if (peer.heldJob !== 0) peer.isParallel = true;
  const { isPriorityGlobal, isRotating } = broker.options;
  const { level } = broker.jobs;
  // With global priority no function can be better than the best of the shard.
  const enough = isPriorityGlobal ? level : 1;
  const ability =
    level === 0
      ? undefined
      : peer.late?.owesAny === true
        ? chooseOwing(broker, peer, enough, isRotating)
        : peer.abilities?.choose(broker.functions, enough, isRotating);
  if (ability === undefined || broker.isSweeping) replyNoJob(broker.outbox, peer, replyId);
  else assign(broker, peer, ability, type, replyId);
  if (wasWoken) broker.waker.balanceAll(peer, broker.nowMs);
}

function assign(
  broker: BrokerState,
  peer: Peer,
  ability: Ability,
  type: number,
  replyId: number,
): void {
  const { jobs } = broker;
  const { gate } = ability.fn;
  if (gate !== null) {
    gate.advance(broker.nowMs, true);
    gate.start();
  }
  const job = peer.late === null ? firstJob(ability.fn) : firstFor(jobs, peer, ability.fn);
  jobs.becomeAssigned(job, peer);
  broker.counters.assigned++;
  broker.functionStats.assigned(ability.fn, jobs.age(job, broker.nowMs));
  jobs.stamp(job, broker.nowMs);
  if (ability.timeoutMs > 0 || ability.fn.runPolicy !== null)
    setDeadline(broker, job, ability.timeoutMs, 0);
  const form = ASSIGN[type];
  const reducer = form === Packet.JOB_ASSIGN_ALL ? jobs.reducer(job) : null;
  const withUnique = form !== Packet.JOB_ASSIGN;
  const suffix = jobs.has(job, Flag.HAS_RUNS) ? beginRun(jobs, job, peer) : NO_SUFFIX;
  writeAssign(broker, peer, replyId, job, ability.fn, suffix, withUnique, reducer);
  // More jobs may start now than when the gate was looked at last.
  if (gate !== null) broker.waker.balance(ability.fn, broker.nowMs);
}

function firstJob(fn: FunctionQueue): number {
  for (let priority = 0; priority < PRIORITY_COUNT; priority++) {
    const job = fn.head[priority] as number;
    if (job !== 0) return job;
  }
  throw new Error('a chosen function has a runnable job');
}

/** The suffix of the handle of the run. */
function beginRun({ runs }: Jobs, job: number, peer: Peer): Uint8Array {
  const run = runs.begin(job, peer.takesAttempts);
  return suffixOf(runs.of(job).attempts + 1, run);
}

/** handle suffix \0 function \0 [unique \0 [reducer \0]] workload */
function writeAssign(
  broker: BrokerState,
  peer: Peer,
  replyId: number,
  job: number,
  fn: FunctionQueue,
  suffix: Uint8Array,
  withUnique: boolean,
  reducer: Uint8Array | null,
): void {
  const { jobs, handles, outbox } = broker;
  const serial = jobs.table.serial(job);
  const uniqueBytes = jobs.word(job, Job.UNIQUE_BYTES);
  const workloadBytes = jobs.word(job, Job.WORKLOAD_BYTES);
  const blob = jobs.word(job, Job.BLOB);
  let headBytes = handles.encode(job, serial) + suffix.length + 1 + fn.name.length + 1;
  if (withUnique) headBytes += uniqueBytes + 1;
  if (reducer !== null) headBytes += reducer.length + 1;
  const inlineBytes = blob === 0 ? workloadBytes : 0;

  const blobBytes = blob === 0 ? 0 : workloadBytes;
  outbox.reply(peer, replyId, HEADER_BYTES + headBytes + inlineBytes, blob, blobBytes);
  const { bytes } = outbox;
  const type =
    reducer !== null
      ? Packet.JOB_ASSIGN_ALL
      : withUnique
        ? Packet.JOB_ASSIGN_UNIQ
        : Packet.JOB_ASSIGN;
  let at = writeHeader(bytes, outbox.at, type, headBytes + workloadBytes);
  at = handles.write(bytes, at);
  if (suffix.length > 0) at = copyBytes(bytes, at, suffix, 0, suffix.length);
  bytes[at++] = 0;
  at = copyBytes(bytes, at, fn.name, 0, fn.name.length);
  bytes[at++] = 0;

  const block = jobs.word(job, Job.BLOCK);
  const chunk = jobs.slab.chunkOf(block);
  const offset = jobs.slab.offsetOf(block);
  if (withUnique) {
    at = copyBytes(bytes, at, chunk, offset, offset + uniqueBytes);
    bytes[at++] = 0;
  }
  if (reducer !== null) {
    at = copyBytes(bytes, at, reducer, 0, reducer.length);
    bytes[at++] = 0;
  }
  const from = offset + uniqueBytes;
  copyBytes(bytes, at, chunk, from, from + inlineBytes);
}
