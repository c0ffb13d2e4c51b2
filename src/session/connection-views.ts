/** Connections as programs see them, in pages by slot. Rule: one call reads a limited number of slots. */
import { latin1 } from '../base/bytes.ts';
import { ROW_STEPS } from '../base/steps.ts';
import { countAllHeld } from '../broker/held-counts.ts';
import type { Session } from './session.ts';
import type { SessionTable } from './session-table.ts';

/** Texts are Latin-1, one character a byte. */
export interface ConnectionFacts {
  readonly slot: number;
  readonly conn: number;
  readonly address: string;
  readonly port: number;
  readonly clientId: string | null;
  readonly certificate: string | null;
  readonly token: string | null;
  /** The first ones that it offers. */
  readonly functions: readonly string[];
  readonly functionCount: number;
  /** Jobs that it holds, at most HELD_MAX of this thread. */
  readonly running: number;
}

export interface ConnectionPiece {
  readonly connections: readonly ConnectionFacts[];
  /** The slot to continue from; 0 = there are no more. */
  readonly cursor: number;
}

/** Slots that one call reads, and connections that it returns. */
const READ_MAX = 4_000;
const FOUND_MAX = 100;
const HELD_MAX = 1_000;
const NAMES_MAX = 50;
const NAME_CHARS_MAX = 4_096;

/** Connections of this thread from slot `cursor` on, at most `countMax`. */
export function connectionPiece(
  table: SessionTable,
  cursor: number,
  countMax: number,
): ConnectionPiece {
  const end = Math.min(table.slotEnd, cursor + READ_MAX);
  const connections: ConnectionFacts[] = [];
  let slot = cursor;
  for (; slot < end && connections.length < Math.min(countMax, FOUND_MAX); slot++) {
    table.steps.count += ROW_STEPS;
    const session = table.atSlot(slot);
    if (session !== null && !session.isEnding) connections.push(factsOf(table, slot, session));
  }
  return { connections, cursor: slot < table.slotEnd ? slot : 0 };
}

function factsOf(table: SessionTable, slot: number, session: Session): ConnectionFacts {
  const { conn, address, port, clientId, commonName, tokenKey, abilities } = session;
  return {
    ...{ slot, conn, address, port },
    clientId: clientId === null ? null : latin1(clientId, 0, clientId.length),
    certificate: commonName,
    token: tokenKey === null ? null : tokenKey.slice(0, tokenKey.indexOf(' ')),
    functions: abilities?.names(NAMES_MAX, NAME_CHARS_MAX) ?? [],
    functionCount: abilities?.count ?? 0,
    running: runningOf(table, session),
  };
}

function runningOf({ broker, steps }: SessionTable, session: Session): number {
  const { peer, crossThreadJobs } = session;
  const own =
    broker === null || peer === null ? 0 : countAllHeld(broker.jobs, peer, HELD_MAX, steps);
  return own + (crossThreadJobs?.size ?? 0);
}
