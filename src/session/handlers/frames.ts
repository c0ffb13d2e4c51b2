/**
 * Passes each packet of a connection to the handler of its kind. Rule: packets that are not requests are refused, so
 * that an unforeseen packet changes nothing. No other handler imports this file.
 */
import { RowFlag } from '../../protocol/batch.ts';
import { Errors } from '../../protocol/errors.ts';
import type { Frame } from '../../protocol/frame.ts';
import { KIND } from '../../protocol/packet-columns.ts';
import { Kind, type KindName } from '../../protocol/packets.ts';
import type { Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';
import { onCanDo, onCantDo, onPreSleep, onResetAbilities } from './abilities.ts';
import { onEcho } from './echo.ts';
import { onGrab } from './grabs.ts';
import { onClientId, onOption } from './options.ts';
import { refuse } from './own-thread.ts';
import { onStatus, onStatusByUnique } from './status.ts';
import { onSubmit } from './submit.ts';
import { onWork } from './work.ts';

type Handler = (table: SessionTable, session: Session, frame: Frame) => void;

const HANDLERS: Readonly<Record<KindName, Handler>> = {
  submit: onSubmit,
  grab: onGrab,
  work: onWork,
  offer: onCanDo,
  withdraw: onCantDo,
  reset: onResetAbilities,
  sleep: onPreSleep,
  echo: onEcho,
  status: onStatus,
  statusByUnique: onStatusByUnique,
  option: onOption,
  clientId: onClientId,
  ignored: () => {},
};

/** Handlers by the number of the kind; 0 is not a request. */
const BY_KIND: Handler[] = [
  (table, session, frame) => refuse(table, session, frame, Errors.invalidCommand),
];
for (const [name, handler] of Object.entries(HANDLERS)) BY_KIND[Kind[name as KindName]] = handler;

/** Handles one packet; releases its blob's reference. */
export function onFrame(table: SessionTable, session: Session, frame: Frame): void {
  if ((frame.flags & RowFlag.RES) !== 0) refuse(table, session, frame, Errors.invalidMagic);
  else (BY_KIND[KIND[frame.type] as number] as Handler)(table, session, frame);
}
