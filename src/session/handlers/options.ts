/**
 * Settings of a connection: OPTION_REQ, also with a token, and SET_CLIENT_ID. Source: Gearman PROTOCOL, client and
 * worker requests.
 */
import { latin1 } from '../../base/bytes.ts';
import { packetOf, writeHeader } from '../../protocol/encode.ts';
import { Errors } from '../../protocol/errors.ts';
import type { Frame } from '../../protocol/frame.ts';
import {
  CLIENT_ID_BYTES_MAX,
  HEADER_BYTES,
  OPTION_BYTES_MAX,
  TOKEN_BYTES_MAX,
} from '../../protocol/limits.ts';
import { Packet } from '../../protocol/packets.ts';
import { onToken } from '../authorization.ts';
import { sendPeerToOwners } from '../cross-thread/send.ts';
import { reply } from '../replies.ts';
import type { Session } from '../session.ts';
import type { SessionTable } from '../session-table.ts';

const TOKEN_PREFIX = 'token:';

export function onOption(table: SessionTable, session: Session, frame: Frame): void {
  if (table.hooks.takesTokens && isToken(frame)) {
    const token = frame.text(TOKEN_PREFIX.length + TOKEN_BYTES_MAX + 1);
    const answer = packetOf(Packet.OPTION_RES, 'token');
    onToken(table, session, token.subarray(TOKEN_PREFIX.length), answer);
    return;
  }
  const option = frame.text(OPTION_BYTES_MAX + 1);
  const text = latin1(option, 0, option.length).toLowerCase();
  if (text === 'exceptions') session.takesExceptions = true;
  else if (text === 'attempts') takeAttempts(table, session);
  else {
    reply(table, session, Errors.unknownOption);
    return;
  }
  const packet = new Uint8Array(HEADER_BYTES + frame.a0);
  const at = writeHeader(packet, 0, Packet.OPTION_RES, frame.a0);
  packet.set(frame.bytes.subarray(frame.off, frame.off + frame.a0), at);
  reply(table, session, packet);
}

/** An extension: handles of further attempts have the number of their run (run-suffix.ts), from the next job on. */
function takeAttempts(table: SessionTable, session: Session): void {
  if (session.takesAttempts) return;
  session.takesAttempts = true;
  if (session.peer !== null) session.peer.takesAttempts = true;
  sendPeerToOwners(table, session);
}

/** An extension: `token:TOKEN`. A server without tokens answers it like any unknown option. */
function isToken({ bytes, off, a0 }: Frame): boolean {
  const length = TOKEN_PREFIX.length;
  return a0 > length && latin1(bytes, off, off + length) === TOKEN_PREFIX;
}

export function onClientId(table: SessionTable, session: Session, frame: Frame): void {
  const before = session.clientId?.length ?? 0;
  session.clientId = frame.text(CLIENT_ID_BYTES_MAX);
  table.account.keep(session, session.clientId.length - before);
  sendPeerToOwners(table, session);
}
