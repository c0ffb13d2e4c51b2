import { RowFlag } from '../../protocol/batch.ts';
import { Errors } from '../../protocol/errors.ts';
import type { Frame } from '../../protocol/frame.ts';
import { CLIENT_ID_BYTES_MAX } from '../../protocol/limits.ts';
import { Packet } from '../../protocol/packets.ts';
import { sendFrame } from '../cross-thread/send.ts';
import { limitPendingReplies, reserveReply } from '../replies.ts';
import type { Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';
import { onCanDo, onCantDo, onPreSleep, onResetAbilities } from './abilities.ts';
import { onGrab } from './grabs.ts';
import { isSeenTo, refuse, toBroker } from './own-thread.ts';
import { onEcho, onGetStatus, onGetStatusUnique, onOption, textArgument } from './queries.ts';
import { onWork } from './work.ts';

/** Handles one packet; a blob's reference is used up. */
export function onFrame(table: SessionTable, session: Session, frame: Frame): void {
  if ((frame.flags & RowFlag.RES) !== 0) {
    refuse(table, session, frame, Errors.invalidMagic);
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
      onSubmit(table, session, frame);
      break;
    case Packet.GRAB_JOB:
    case Packet.GRAB_JOB_UNIQ:
    case Packet.GRAB_JOB_ALL:
      onGrab(table, session, frame);
      break;
    case Packet.WORK_COMPLETE:
    case Packet.WORK_FAIL:
    case Packet.WORK_EXCEPTION:
    case Packet.WORK_DATA:
    case Packet.WORK_STATUS:
    case Packet.WORK_WARNING:
      onWork(table, session, frame);
      break;
    case Packet.PRE_SLEEP:
      onPreSleep(table, session);
      break;
    case Packet.CAN_DO:
    case Packet.CAN_DO_TIMEOUT:
      onCanDo(table, session, frame);
      break;
    case Packet.CANT_DO:
      onCantDo(table, session, frame);
      break;
    case Packet.RESET_ABILITIES:
      onResetAbilities(table, session, frame);
      break;
    case Packet.ECHO_REQ:
      onEcho(table, session, frame);
      break;
    case Packet.GET_STATUS:
      onGetStatus(table, session, frame);
      break;
    case Packet.GET_STATUS_UNIQUE:
      onGetStatusUnique(table, session, frame);
      break;
    case Packet.OPTION_REQ:
      onOption(table, session, frame);
      break;
    case Packet.SET_CLIENT_ID:
      onClientId(table, session, frame);
      break;
    case Packet.ALL_YOURS:
      break;
    default:
      refuse(table, session, frame, Errors.invalidCommand);
  }
}

function onClientId(table: SessionTable, session: Session, frame: Frame): void {
  const before = session.clientId?.length ?? 0;
  session.clientId = textArgument(frame, CLIENT_ID_BYTES_MAX);
  table.account.keep(session, session.clientId.length - before);
}

function onSubmit(table: SessionTable, session: Session, frame: Frame): void {
  const owner = table.ownerOf(frame.hash0);
  if (owner === table.options.thread) {
    toBroker(table, session, frame);
    return;
  }
  if (frame.isDropped) {
    table.refusedCount++;
    refuse(table, session, frame, Errors.queueFull);
    return;
  }
  if (isSeenTo(table, session, frame, owner)) return;
  sendFrame(table, session, frame, owner, reserveReply(session).id);
  limitPendingReplies(table, session, frame.end);
}
