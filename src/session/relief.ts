/**
 * What is done when the memory of all threads is full (`--max-memory`): functions without jobs and workers are forgotten,
 * then the connection that holds most is closed, in whichever thread it lives. Rule: only while connections hold more
 * than the eighth of the limit that new jobs leave to them; what jobs hold is no connection's fault.
 */
import { forgetIdle } from '../broker/admin.ts';
import type { Peer } from '../broker/peer.ts';
import { writeRelieve } from './cross-thread/records.ts';
import { Incident } from './incidents.ts';
import { waitingBytes } from './replies.ts';
import { contextOf, type Session } from './session.ts';
import type { SessionTable } from './session-table.ts';

/** Functions that are looked at between two looks at the account. */
const FUNCTIONS_STEP = 4096;

/** More is held than was drawn: draws more, or makes room. Between two frames. */
export function relieve(table: SessionTable): void {
  const { account } = table;
  if (account.grow() || forgetFunctions(table)) return;
  askOthers(table);
  // What was closed gives its output up after the turn, other threads in theirs: until then a step more.
  if (!account.grow()) account.overdraw();
}

/** Once all other threads have shown what they hold, the connection that holds most of all is closed: now without them. */
function askOthers(table: SessionTable): void {
  if (table.isRelieving) return;
  table.isRelieving = true;
  const others = table.writers.flatMap((writer, thread) => (writer === null ? [] : [thread]));
  let missing = others.length;
  for (const thread of others)
    table.ask(thread, { kind: 'most' }, () => {
      missing--;
      if (missing > 0) return;
      table.isRelieving = false;
      // Somebody may have left meanwhile.
      if (table.account.rebalance() >= 0) return;
      closeAnywhere(table);
      table.account.overdraw();
    });
  if (missing > 0) return;
  table.isRelieving = false;
  closeAnywhere(table);
}

/** Closes the one that holds most of all threads, as they have shown last. */
function closeAnywhere(table: SessionTable): void {
  const most = findMost(table);
  const thread = table.account.threadOfMost;
  if (thread === table.options.thread && most !== null) closeMost(table, most);
  else if (thread >= 0) writeRelieve(table.writers[thread]);
}

/** Shows the other threads what connections hold here. Linear in them. */
export function showMost(table: SessionTable): void {
  findMost(table);
}

/** Another thread has no memory left, and the connection that holds most lives here. */
export function relieveOther(table: SessionTable): void {
  const most = findMost(table);
  if (most !== null && table.account.threadOfMost === table.options.thread) closeMost(table, most);
}

/** Who holds most in this thread: a connection of its own, or one that lives elsewhere, as its broker knows it. */
interface Most {
  readonly holder: Session | Peer;
  readonly bytes: number;
}

/** Also shows the other threads what was found. Linear in the connections. */
function findMost(table: SessionTable): Most | null {
  let holder: Session | Peer | null = null;
  let mostBytes = 0;
  let holdersBytes = 0;
  const look = (candidate: Session | Peer, bytes: number) => {
    holdersBytes += bytes;
    if (bytes <= mostBytes) return;
    mostBytes = bytes;
    holder = candidate;
  };
  for (let slot = 0; slot < table.slotEnd; slot++) {
    const session = table.atSlot(slot);
    if (session === null || session.isEnding) continue;
    const { held, peer, conn } = session;
    const passing = waitingBytes(table, session) + table.reactor.unreadBytes(conn);
    look(session, held + (peer?.held ?? 0) + passing);
  }
  for (const peer of table.crossThreadPeers.values()) if (!peer.isClosing) look(peer, peer.held);
  table.account.publish(holdersBytes, mostBytes);
  return holder === null ? null : { holder, bytes: mostBytes };
}

function closeMost(table: SessionTable, { holder, bytes }: Most): void {
  const reason = `memory is full and it holds most, ${bytes} bytes`;
  if (!('address' in holder)) {
    holder.isClosing = true;
    table.outbox.close(holder, reason);
    return;
  }
  table.hooks.collectGarbage();
  const text = `close connection ${holder.address}:${holder.port}: ${reason}`;
  table.incidents.report(Incident.memoryLimit, text, contextOf(holder));
  // At once, and first: its unsent output may be most of it, so nothing is waited for.
  table.reactor.close(holder.conn);
  table.abort(holder);
}

/** Forgets functions that nobody uses until there is room; false when there is none even so. */
function forgetFunctions(table: SessionTable): boolean {
  const { account, broker } = table;
  if (broker === null) return false;
  const before = broker.functions.count;
  let start = 1;
  do start = forgetIdle(broker, start, FUNCTIONS_STEP);
  while (!account.grow() && start !== 0);
  if (broker.functions.count < before) table.hooks.collectGarbage();
  return account.grow();
}
