import { latin1 } from '../../base/bytes.ts';
import type { Broker } from '../../broker/broker.ts';
import type { Frame } from '../../protocol/frame.ts';
import { parseTimeout } from '../../protocol/numbers.ts';
import { Packet } from '../../protocol/packets.ts';
import { sendFrame, sendPeer, sendSleep } from '../cross-thread/send.ts';
import type { Session } from '../session.ts';
import { SessionAbilities } from '../session-abilities.ts';
import type { SessionTable } from '../session-table.ts';
import { firstThread, NO_THREADS, nextThread, withThread } from '../thread-set.ts';
import { isSeenTo, toBroker } from './own-thread.ts';

/** Limit of the names that one connection may offer, in bytes; each name counts once. */
export const NAME_BYTES_MAX = 64 * 1024 * 1024;

export function onPreSleep(table: SessionTable, session: Session): void {
  session.sleepSerial = (session.sleepSerial + 1) & 0x7fffffff;
  session.isAsleep = true;
  session.isNooped = false;
  const owners = session.abilities?.owners ?? NO_THREADS;
  for (let thread = firstThread(owners); thread >= 0; thread = nextThread(owners, thread))
    sleepAt(table, session, thread);
}

function sleepAt(table: SessionTable, session: Session, thread: number): void {
  session.asleepAt = withThread(session.asleepAt, thread);
  if (thread !== table.options.thread) sendSleep(table, session, thread);
  else (table.broker as Broker).onSleep(table.peerOf(session), session.sleepSerial);
}

export function onCanDo(table: SessionTable, session: Session, frame: Frame): void {
  const isTimed = frame.type === Packet.CAN_DO_TIMEOUT;
  if (isTimed && parseTimeout(frame.bytes, frame.off1, frame.off1 + frame.a1) < 0) return;
  const owner = table.ownerOf(frame.hash0);
  const isOwn = owner === table.options.thread;
  if (!isOwn && isSeenTo(table, session, frame, owner)) return;
  const name = latin1(frame.bytes, frame.off, frame.off + frame.a0);
  const isFirst = offer(table, session, name, owner);
  if (session.isEnding) return;
  if (isOwn) toBroker(table, session, frame);
  else {
    if (isFirst) sendPeer(table, session, owner);
    sendFrame(table, session, frame, owner, 0);
  }
  // A sleeping worker that begins to offer a function of another owner sleeps there too, unless its connection is
  // being closed.
  if (isFirst && session.isAsleep && !session.isEnding) sleepAt(table, session, owner);
}

/** Adds one registration; true when it is the first with that owner. Too many names end the connection. */
function offer(table: SessionTable, session: Session, name: string, owner: number): boolean {
  session.abilities ??= new SessionAbilities();
  const { abilities } = session;
  if (abilities.nameBytes + name.length > NAME_BYTES_MAX) {
    table.drop(session, `CAN_DO: its function names have more than ${NAME_BYTES_MAX} bytes`);
    return false;
  }
  const before = abilities.bytes;
  const isFirst = abilities.add(name, owner);
  table.account.keep(session, abilities.bytes - before);
  return isFirst;
}

function withdraw(table: SessionTable, session: Session, name: string): boolean {
  const { abilities } = session;
  if (abilities === null) return false;
  const before = abilities.bytes;
  const isKnown = abilities.remove(name);
  table.account.keep(session, abilities.bytes - before);
  return isKnown;
}

export function onCantDo(table: SessionTable, session: Session, frame: Frame): void {
  const name = latin1(frame.bytes, frame.off, frame.off + frame.a0);
  if (!withdraw(table, session, name)) return;
  const owner = table.ownerOf(frame.hash0);
  if (owner === table.options.thread) toBroker(table, session, frame);
  else sendFrame(table, session, frame, owner, 0);
}

export function onResetAbilities(table: SessionTable, session: Session, frame: Frame): void {
  const owners = session.abilities?.owners ?? NO_THREADS;
  table.account.keep(session, -(session.abilities?.bytes ?? 0));
  session.abilities = null;
  for (let thread = firstThread(owners); thread >= 0; thread = nextThread(owners, thread)) {
    if (session.isEnding) return;
    if (thread === table.options.thread) toBroker(table, session, frame);
    else sendFrame(table, session, frame, thread, 0);
  }
}
