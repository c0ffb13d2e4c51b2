/**
 * Checks requests before they are carried out, where there are access rules. Rule: a refusal is answered with ERROR,
 * reported with the peer and the request, and changes nothing. Every peer may ECHO, set options and set its client id.
 */
import { latin1 } from '../base/bytes.ts';
import { Errors, notAllowed } from '../protocol/errors.ts';
import type { Frame } from '../protocol/frame.ts';
import { ANY_RIGHT, EXTRA, RIGHT } from '../protocol/packet-columns.ts';
import { Extra, Right } from '../protocol/packets.ts';
import { type Access, ALL_RIGHTS, type Rights } from './access.ts';
import { refuse } from './handlers/own-thread.ts';
import { Incident } from './incidents.ts';
import { releaseAll, reply } from './replies.ts';
import { contextOf, type Session } from './session.ts';
import type { SessionTable } from './session-table.ts';

/** Whether the frame may be handled; if not, answers it with ERROR. */
export function admitsFrame(
  table: SessionTable,
  access: Access,
  session: Session,
  frame: Frame,
): boolean {
  const right = RIGHT[frame.type] as number;
  if (right === 0) return true;
  const rights = rightsOf(access, session);
  if (right === ANY_RIGHT) {
    if ((rights.any & ANY_RIGHT) !== 0) return true;
    deny(table, session, 'may ask for no job');
    refuse(table, session, frame, notAllowed('to ask for a job'));
    return false;
  }
  let name = latin1(frame.bytes, frame.off, frame.off + frame.a0);
  if ((rights.of(name) & right) !== 0) {
    if (EXTRA[frame.type] !== Extra.reducer) return true;
    name = reducerOf(frame);
    if (name === '' || (rights.of(name) & right) !== 0) return true;
  }
  const what = right === Right.submit ? 'submit to' : 'work on';
  deny(table, session, `may not ${what} ${JSON.stringify(name)}`);
  refuse(table, session, frame, notAllowed(`to ${what} this function`));
  return false;
}

/** Whether a session may use text commands; if not, reports the refusal. */
export function maySayCommands(table: SessionTable, session: Session): boolean {
  const { access } = table;
  if (access === null || (rightsOf(access, session).any & Right.admin) !== 0) return true;
  deny(table, session, 'may not give text commands');
  return false;
}

/** The function that merges the results; an empty name when there is none. */
function reducerOf(frame: Frame): string {
  return latin1(frame.bytes, frame.off2, frame.off2 + frame.a2);
}

/** Reports a refusal. */
export function deny(table: SessionTable, session: Session, what: string): void {
  const text = `refuse ${session.address}:${session.port}: ${whoIs(session)} ${what}`;
  table.incidents.report(Incident.notAllowed, text, contextOf(session));
}

/** Token and certificate of a peer, in words. */
export function whoIs({ tokenKey, commonName }: Session): string {
  const token = tokenKey === null ? [] : [`token ${nameOf(tokenKey)}`];
  const certificate = commonName === null ? [] : [`certificate ${JSON.stringify(commonName)}`];
  return [...token, ...certificate].join(', ') || 'an unauthenticated peer';
}

/**
 * Handles a token from a peer. A wrong one ends its connection: guessing becomes slow, and mistakes become visible.
 */
export function onToken(
  table: SessionTable,
  session: Session,
  token: Uint8Array,
  answer: Uint8Array,
): void {
  const key = table.hooks.keyOfToken(token);
  if (key !== null) {
    session.tokenKey = key;
    session.rights = null;
    reply(table, session, answer);
    return;
  }
  reply(table, session, Errors.unknownToken);
  const text = `refuse ${session.address}:${session.port}: its token is not known`;
  table.incidents.report(Incident.unknownToken, text, contextOf(session));
  table.end(session);
  releaseAll(table, session);
}

/** Call after tokens were read again: closes the sessions whose token is no longer valid. */
export function dropOldTokens(table: SessionTable): void {
  for (let slot = 0; slot < table.slotEnd; slot++) {
    const session = table.atSlot(slot);
    if (session === null || session.tokenKey === null || session.isEnding) continue;
    if (!table.hooks.hasTokenKey(session.tokenKey))
      table.drop(session, `token ${nameOf(session.tokenKey)} is not valid any more`);
  }
}

function rightsOf(access: Access, session: Session): Rights {
  if (session.rights !== null) return session.rights;
  const { tokenKey, commonName, isTrusted } = session;
  const tokenName = tokenKey === null ? null : nameOf(tokenKey);
  session.rights = isTrusted ? ALL_RIGHTS : access.rightsOf({ tokenName, commonName });
  return session.rights;
}

/** A key is the token's name, a blank, and its hash. */
function nameOf(key: string): string {
  return key.slice(0, key.indexOf(' '));
}
