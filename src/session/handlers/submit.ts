import { Errors } from '../../protocol/errors.ts';
import type { Frame } from '../../protocol/frame.ts';
import { sendFrame } from '../cross-thread/send.ts';
import { limitPendingReplies, reserveReply } from '../replies.ts';
import type { Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';
import { isSeenTo, refuse, toBroker } from './own-thread.ts';

export function onSubmit(table: SessionTable, session: Session, frame: Frame): void {
  table.aliases?.resolve(frame);
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
