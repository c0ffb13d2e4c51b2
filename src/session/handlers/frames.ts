import { RowFlag } from '../../protocol/batch.ts';
import { Errors } from '../../protocol/errors.ts';
import type { Frame } from '../../protocol/frame.ts';
import { CLIENT_ID_BYTES_MAX } from '../../protocol/limits.ts';
import { Packet } from '../../protocol/packets.ts';
import { sendFrame } from '../cross-thread/send.ts';
import { limitPlaces, takePlace } from '../replies.ts';
import type { Session } from '../session.ts';
import type { Home } from '../session-table.ts';
import { onCanDo, onCantDo, onPreSleep, onResetAbilities } from './abilities.ts';
import { onGrab } from './grabs.ts';
import { isSeenTo, refuse, toBroker } from './own-thread.ts';
import { onEcho, onGetStatus, onGetStatusUnique, onOption, textArgument } from './queries.ts';
import { onWork } from './work.ts';

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
      onClientId(home, session, frame);
      break;
    case Packet.ALL_YOURS:
      break;
    default:
      refuse(home, session, frame, Errors.invalidCommand);
  }
}

function onClientId(home: Home, session: Session, frame: Frame): void {
  const before = session.clientId?.length ?? 0;
  session.clientId = textArgument(frame, CLIENT_ID_BYTES_MAX);
  home.account.keep(session, session.clientId.length - before);
}

function onSubmit(home: Home, session: Session, frame: Frame): void {
  const owner = home.ownerOf(frame.hash0);
  if (owner === home.options.thread) {
    toBroker(home, session, frame);
    return;
  }
  if (frame.isDropped) {
    home.refusedCount++;
    refuse(home, session, frame, Errors.queueFull);
    return;
  }
  if (isSeenTo(home, session, frame, owner)) return;
  sendFrame(home, session, frame, owner, takePlace(session).id);
  limitPlaces(home, session, frame.end);
}
