import { latin1 } from '../../base/bytes.ts';
import type { Broker } from '../../broker/broker.ts';
import type { Frame } from '../../protocol/frame.ts';
import { parseTimeout } from '../../protocol/numbers.ts';
import { Packet } from '../../protocol/packets.ts';
import { sendFrame, sendSleep } from '../cross-thread/send.ts';
import type { Session } from '../session.ts';
import { SessionAbilities } from '../session-abilities.ts';
import type { Home } from '../session-table.ts';
import { isSeenTo, toBroker } from './own-thread.ts';

/** Bytes of the names that one connection may offer, each name counted once. */
export const NAME_BYTES_MAX = 64 * 1024 * 1024;

export function onPreSleep(home: Home, session: Session): void {
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

export function onCanDo(home: Home, session: Session, frame: Frame): void {
  const isTimed = frame.type === Packet.CAN_DO_TIMEOUT;
  if (isTimed && parseTimeout(frame.bytes, frame.off1, frame.off1 + frame.a1) < 0) return;
  const owner = home.ownerOf(frame.hash0);
  const isNear = owner === home.options.thread;
  if (!isNear && isSeenTo(home, session, frame, owner)) return;
  const name = latin1(frame.bytes, frame.off, frame.off + frame.a0);
  const isFirst = offer(home, session, name, owner);
  if (session.isEnding) return;
  if (isNear) toBroker(home, session, frame);
  else sendFrame(home, session, frame, owner, 0);
  // A sleeper that begins to offer something elsewhere sleeps there too, unless that closed its connection.
  if (isFirst && session.isAsleep && !session.isEnding) sleepAt(home, session, owner);
}

/** Notes one registration more; true when it is the first with that owner. Too many names end the connection. */
function offer(home: Home, session: Session, name: string, owner: number): boolean {
  session.abilities ??= new SessionAbilities();
  const { abilities } = session;
  if (abilities.nameBytes + name.length > NAME_BYTES_MAX) {
    home.drop(session, `CAN_DO: its function names have more than ${NAME_BYTES_MAX} bytes`);
    return false;
  }
  const before = abilities.bytes;
  const isFirst = abilities.add(name, owner);
  home.account.keep(session, abilities.bytes - before);
  return isFirst;
}

function withdraw(home: Home, session: Session, name: string): boolean {
  const { abilities } = session;
  if (abilities === null) return false;
  const before = abilities.bytes;
  const isKnown = abilities.remove(name);
  home.account.keep(session, abilities.bytes - before);
  return isKnown;
}

export function onCantDo(home: Home, session: Session, frame: Frame): void {
  const name = latin1(frame.bytes, frame.off, frame.off + frame.a0);
  if (!withdraw(home, session, name)) return;
  const owner = home.ownerOf(frame.hash0);
  if (owner === home.options.thread) toBroker(home, session, frame);
  else sendFrame(home, session, frame, owner, 0);
}

export function onResetAbilities(home: Home, session: Session, frame: Frame): void {
  const owners = session.abilities?.owners ?? 0;
  home.account.keep(session, -(session.abilities?.bytes ?? 0));
  session.abilities = null;
  for (let thread = 0; owners >>> thread !== 0; thread++) {
    if ((owners & (1 << thread)) === 0 || session.isEnding) continue;
    if (thread === home.options.thread) toBroker(home, session, frame);
    else sendFrame(home, session, frame, thread, 0);
  }
}
