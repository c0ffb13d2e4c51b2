/**
 * One packet of a connection: what its home answers itself, what goes to this thread's broker, what goes to another
 * owner. Handlers are chosen by packet type in one place; each is a few lines. Source: Gearman PROTOCOL.
 */
import { ByteWriter } from '../base/byte-writer.ts';
import { latin1 } from '../base/bytes.ts';
import type { Broker } from '../broker/broker.ts';
import { isBetter, type JobStatus } from '../broker/query.ts';
import { RowFlag } from '../protocol/batch.ts';
import { decimalBytes, writeDecimal, writeHeader } from '../protocol/encode.ts';
import { Errors, workErrorFor } from '../protocol/errors.ts';
import type { Frame } from '../protocol/frame.ts';
import {
  CLIENT_ID_BYTES_MAX,
  HANDLE_BYTES_MAX,
  HEADER_BYTES,
  OPTION_BYTES_MAX,
} from '../protocol/limits.ts';
import { parseTimeout } from '../protocol/numbers.ts';
import { Packet } from '../protocol/packets.ts';
import { moveAway, sendFrame, sendSleep } from './far-send.ts';
import { onGrab } from './grabs.ts';
import type { Home } from './home.ts';
import { toBroker } from './near.ts';
import { type Answer, NO_BYTES } from './questions.ts';
import { fill, hold, limitPlaces, releaseAll, reply, takePlace } from './replies.ts';
import { farJobKey, Hold, type Session } from './session.ts';
import { SessionAbilities } from './session-abilities.ts';

/** Handles one packet; a blob's reference is used up. */
export function onFrame(home: Home, session: Session, frame: Frame): void {
  if ((frame.flags & RowFlag.RES) !== 0) {
    refuse(home, session, frame, Errors.invalidMagic);
    return;
  }
  switch (frame.type) {
    case Packet.SUBMIT_JOB:
    case Packet.SUBMIT_JOB_BG:
    case Packet.SUBMIT_JOB_HIGH:
    case Packet.SUBMIT_JOB_HIGH_BG:
    case Packet.SUBMIT_JOB_LOW:
    case Packet.SUBMIT_JOB_LOW_BG:
    case Packet.SUBMIT_JOB_EPOCH:
    case Packet.SUBMIT_REDUCE_JOB:
    case Packet.SUBMIT_REDUCE_JOB_BACKGROUND:
      onSubmit(home, session, frame);
      break;
    case Packet.GRAB_JOB:
    case Packet.GRAB_JOB_UNIQ:
    case Packet.GRAB_JOB_ALL:
      onGrab(home, session, frame);
      break;
    case Packet.WORK_COMPLETE:
    case Packet.WORK_FAIL:
    case Packet.WORK_EXCEPTION:
    case Packet.WORK_DATA:
    case Packet.WORK_STATUS:
    case Packet.WORK_WARNING:
      onWork(home, session, frame);
      break;
    case Packet.PRE_SLEEP:
      onPreSleep(home, session);
      break;
    case Packet.CAN_DO:
    case Packet.CAN_DO_TIMEOUT:
      onCanDo(home, session, frame);
      break;
    case Packet.CANT_DO:
      onCantDo(home, session, frame);
      break;
    case Packet.RESET_ABILITIES:
      onResetAbilities(home, session, frame);
      break;
    case Packet.ECHO_REQ:
      onEcho(home, session, frame);
      break;
    case Packet.GET_STATUS:
      onGetStatus(home, session, frame);
      break;
    case Packet.GET_STATUS_UNIQUE:
      onGetStatusUnique(home, session, frame);
      break;
    case Packet.OPTION_REQ:
      onOption(home, session, frame);
      break;
    case Packet.SET_CLIENT_ID:
      session.clientId = textArgument(frame, CLIENT_ID_BYTES_MAX);
      break;
    case Packet.ALL_YOURS:
      break;
    default:
      refuse(home, session, frame, Errors.invalidCommand);
  }
}

/** ERROR as the reply to a frame; its blob is given up. */
function refuse(home: Home, session: Session, frame: Frame, error: Uint8Array): void {
  if (frame.blob > 0) home.reactor.blobRelease(frame.blob);
  reply(home, session, error);
}

function onSubmit(home: Home, session: Session, frame: Frame): void {
  const owner = home.ownerOf(frame.hash0);
  if (owner === home.options.thread) {
    toBroker(home, session, frame);
    return;
  }
  if (frame.isDropped) {
    refuse(home, session, frame, Errors.queueFull);
    return;
  }
  if (mustMove(home, session, frame)) {
    moveAway(home, session, frame, owner);
    return;
  }
  sendFrame(home, session, frame, owner, takePlace(session).id);
  limitPlaces(home, session, frame.end);
}

/** Whether the connection goes to the owner of the function that `frame` names first; held while replies wait. */
function mustMove(home: Home, session: Session, frame: Frame): boolean {
  if (!home.options.movesConnections || session.stays) return false;
  if (session.replies === null) return true;
  hold(home, session, Hold.move, frame.start);
  return true;
}

function onWork(home: Home, session: Session, frame: Frame): void {
  const { exceptionHandle } = session;
  if (exceptionHandle !== null && swallows(session, frame, exceptionHandle)) {
    if (frame.blob > 0) home.reactor.blobRelease(frame.blob);
    return;
  }
  const isException = frame.type === Packet.WORK_EXCEPTION;
  if (home.options.shardCount === 0 && !isException) {
    toBroker(home, session, frame);
    return;
  }
  const { handles, broker } = home;
  const isHandle = handles.parse(frame.bytes, frame.off, frame.off + handleBytes(frame));
  const { shard, slot, serial } = handles;
  if (isHandle && shard === home.options.thread && broker !== null) {
    const isHeld = isException && broker.holds(home.peerOf(session), slot, serial);
    const handle = isHeld ? handleText(frame) : null;
    toBroker(home, session, frame);
    if (handle !== null) session.exceptionHandle = handle;
    return;
  }
  const key = farJobKey(shard, serial);
  if (!isHandle || session.farJobs?.has(key) !== true) {
    const isLong = frame.type === Packet.WORK_FAIL && frame.a0 > HANDLE_BYTES_MAX;
    refuse(home, session, frame, isLong ? Errors.handleTooLarge : workErrorFor(frame.type));
    return;
  }
  if (frame.isDropped) {
    home.drop(session, 'WORK packet: memory is short');
    return;
  }
  if (isException) session.exceptionHandle = handleText(frame);
  if (isException || frame.type === Packet.WORK_COMPLETE || frame.type === Packet.WORK_FAIL)
    session.farJobs.delete(key);
  sendFrame(home, session, frame, shard, 0);
}

/** The WORK_FAIL or WORK_COMPLETE that some workers send behind the WORK_EXCEPTION which ended the job. */
function swallows(session: Session, frame: Frame, handle: string): boolean {
  if (frame.type !== Packet.WORK_FAIL && frame.type !== Packet.WORK_COMPLETE) return false;
  if (handleText(frame) !== handle) return false;
  session.exceptionHandle = null;
  return true;
}

/** Length of argument 0 as a handle: some workers end a WORK_FAIL with a NUL. */
function handleBytes(frame: Frame): number {
  const endsInNul = frame.a0 > 0 && frame.bytes[frame.off + frame.a0 - 1] === 0;
  return endsInNul ? frame.a0 - 1 : frame.a0;
}

function handleText(frame: Frame): string {
  return latin1(frame.bytes, frame.off, frame.off + handleBytes(frame));
}

function onPreSleep(home: Home, session: Session): void {
  session.sleepSerial = (session.sleepSerial + 1) & 0x7fffffff;
  session.isAsleep = true;
  session.isNooped = false;
  const owners = session.abilities?.owners ?? 0;
  for (let thread = 0; owners >>> thread !== 0; thread++)
    if ((owners & (1 << thread)) !== 0) sleepAt(home, session, thread);
}

function sleepAt(home: Home, session: Session, thread: number): void {
  session.asleepAt |= 1 << thread;
  if (thread !== home.options.thread) sendSleep(home, session, thread);
  else (home.broker as Broker).onSleep(home.peerOf(session), session.sleepSerial);
}

function onCanDo(home: Home, session: Session, frame: Frame): void {
  const isTimed = frame.type === Packet.CAN_DO_TIMEOUT;
  if (isTimed && parseTimeout(frame.bytes, frame.off1, frame.off1 + frame.a1) < 0) return;
  const owner = home.ownerOf(frame.hash0);
  const isNear = owner === home.options.thread;
  if (!isNear && mustMove(home, session, frame)) {
    moveAway(home, session, frame, owner);
    return;
  }
  session.abilities ??= new SessionAbilities();
  const name = latin1(frame.bytes, frame.off, frame.off + frame.a0);
  const isFirst = session.abilities.add(name, owner);
  if (isNear) toBroker(home, session, frame);
  else sendFrame(home, session, frame, owner, 0);
  // A sleeper that begins to offer something elsewhere sleeps there too, unless that closed its connection.
  if (isFirst && session.isAsleep && !session.isEnding) sleepAt(home, session, owner);
}

function onCantDo(home: Home, session: Session, frame: Frame): void {
  const name = latin1(frame.bytes, frame.off, frame.off + frame.a0);
  if (session.abilities?.remove(name) !== true) return;
  const owner = home.ownerOf(frame.hash0);
  if (owner === home.options.thread) toBroker(home, session, frame);
  else sendFrame(home, session, frame, owner, 0);
}

function onResetAbilities(home: Home, session: Session, frame: Frame): void {
  const owners = session.abilities?.owners ?? 0;
  session.abilities = null;
  for (let thread = 0; owners >>> thread !== 0; thread++) {
    if ((owners & (1 << thread)) === 0 || session.isEnding) continue;
    if (thread === home.options.thread) toBroker(home, session, frame);
    else sendFrame(home, session, frame, thread, 0);
  }
}

/** Promises that all earlier frames of the connection have taken effect, also at far owners. */
function onEcho(home: Home, session: Session, frame: Frame): void {
  const { blob, dataBytes } = frame;
  const head = new Uint8Array(HEADER_BYTES + (blob === 0 ? dataBytes : 0));
  const at = writeHeader(head, 0, Packet.ECHO_RES, dataBytes);
  if (blob === 0) head.set(frame.bytes.subarray(frame.data, frame.data + dataBytes), at);
  if (blob < 0) {
    home.drop(session, 'ECHO_REQ: memory is short');
    return;
  }
  if (session.unfenced === 0 && session.replies === null) {
    home.output.write(session.conn, head);
    if (blob > 0) home.output.blob(session.conn, blob, dataBytes);
    return;
  }
  const place = takePlace(session);
  place.pieces.push(head);
  if (blob > 0) place.pieces.push({ blob, byteCount: dataBytes });
  fence(home, session, () => {
    place.isFilled = true;
    releaseAll(home, session);
  });
  limitPlaces(home, session, frame.end);
}

/** Calls `done` when every far owner has handled all records that this connection has sent so far. */
export function fence(home: Home, session: Session, done: () => void): void {
  const owners = session.unfenced;
  session.unfenced = 0;
  let waiting = 1;
  const answered = () => {
    waiting--;
    if (waiting === 0 && home.live(session.conn) === session) done();
  };
  for (let thread = 0; owners >>> thread !== 0; thread++) {
    if ((owners & (1 << thread)) === 0) continue;
    waiting++;
    home.ask(thread, { kind: 'fence' }, answered);
  }
  answered();
}

function onOption(home: Home, session: Session, frame: Frame): void {
  const option = textArgument(frame, OPTION_BYTES_MAX + 1);
  const text = latin1(option, 0, option.length).toLowerCase();
  if (text !== 'exceptions') {
    reply(home, session, Errors.unknownOption);
    return;
  }
  session.takesExceptions = true;
  const packet = new Uint8Array(HEADER_BYTES + frame.a0);
  const at = writeHeader(packet, 0, Packet.OPTION_RES, frame.a0);
  packet.set(frame.bytes.subarray(frame.off, frame.off + frame.a0), at);
  reply(home, session, packet);
}

/** Argument 0 up to its first NUL, cut to `bytesMax`; a copy. */
function textArgument(frame: Frame, bytesMax: number): Uint8Array {
  const argument = frame.bytes.slice(frame.off, frame.off + Math.min(frame.a0, bytesMax));
  const nul = argument.indexOf(0);
  return nul < 0 ? argument : argument.subarray(0, nul);
}

function onGetStatus(home: Home, session: Session, frame: Frame): void {
  const handle = textArgument(frame, frame.a0);
  const { handles } = home;
  const isOurs =
    handles.parse(handle, 0, handle.length) &&
    (handles.shard === home.options.thread
      ? home.broker !== null
      : handles.shard >= 1 && handles.shard <= home.options.shardCount);
  const { shard, slot, serial } = handles;
  answerWith(
    home,
    session,
    frame,
    isOurs ? [shard] : [],
    () => ({ kind: 'handle', slot, serial }),
    (answers) => statusPacket(Packet.STATUS_RES, handle, answers[0]?.status ?? null),
  );
}

function onGetStatusUnique(home: Home, session: Session, frame: Frame): void {
  const unique = textArgument(frame, frame.a0);
  const text = latin1(unique, 0, unique.length);
  answerWith(
    home,
    session,
    frame,
    ownerThreads(home),
    () => ({ kind: 'unique', unique: text }),
    (answers) => {
      let best: JobStatus | null = null;
      for (const { status } of answers)
        if (status !== null && (best === null || isBetter(status, best))) best = status;
      return statusPacket(Packet.STATUS_RES_UNIQUE, unique, best);
    },
  );
}

/** Threads that own functions. */
export function ownerThreads(home: Home): number[] {
  const { shardCount } = home.options;
  return shardCount === 0 ? [0] : Array.from({ length: shardCount }, (_, i) => i + 1);
}

type QuestionMaker = () => Parameters<Home['ask']>[1];

/** Asks `threads` and replies with what `join` makes of their answers, in the frame's place. */
function answerWith(
  home: Home,
  session: Session,
  frame: Frame,
  threads: readonly number[],
  question: QuestionMaker,
  join: (answers: Answer[]) => Uint8Array,
): void {
  const answers: Answer[] = [];
  let place = session.replies === null ? null : takePlace(session);
  let waiting = threads.length;
  const done = () => {
    if (home.live(session.conn) !== session) return;
    if (place === null) reply(home, session, join(answers));
    else fill(home, session, place, join(answers));
  };
  if (waiting === 0) done();
  for (const thread of threads) {
    if (place === null && thread !== home.options.thread) place = takePlace(session);
    home.ask(thread, question(), (answer) => {
      answers.push(answer);
      waiting--;
      if (waiting === 0) done();
    });
  }
  limitPlaces(home, session, frame.end);
}

/** STATUS_RES: key, known, running, numerator, denominator; STATUS_RES_UNIQUE adds the number of clients. */
function statusPacket(type: number, key: Uint8Array, status: JobStatus | null): Uint8Array {
  const numbers = [
    status?.isKnown ? 1 : 0,
    status?.isRunning ? 1 : 0,
    status?.numerator ?? 0,
    status?.denominator ?? 0,
  ];
  if (type === Packet.STATUS_RES_UNIQUE) numbers.push(status?.watcherCount ?? 0);
  const payloadBytes = numbers.reduce((sum, n) => sum + 1 + decimalBytes(n), key.length);
  const out = new ByteWriter(HEADER_BYTES + payloadBytes);
  const { bytes, at } = out.reserve(HEADER_BYTES + payloadBytes);
  let next = writeHeader(bytes, at, type, payloadBytes);
  bytes.set(key, next);
  next += key.length;
  for (const n of numbers) {
    bytes[next++] = 0;
    next = writeDecimal(bytes, next, n);
  }
  return payloadBytes === 0 ? NO_BYTES : out.take();
}
