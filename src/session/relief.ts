/**
 * Acts when the memory of all threads is full (`--max-memory`): forgets functions without jobs and workers, then closes
 * the connection that holds most, in any thread. Rule: connections are closed only while all of them together hold more
 * than the eighth of the limit that is reserved; none is closed because of the memory of jobs.
 */
import { forgetIdle } from '../broker/admin.ts';
import type { Peer } from '../broker/peer.ts';
import { writeRelieve } from './cross-thread/records.ts';
import { Incident } from './incidents.ts';
import { waitingBytes } from './replies.ts';
import { contextOf, type Session } from './session.ts';
import type { SessionTable } from './session-table.ts';

/** Functions read between two checks of the account. */
const FUNCTIONS_STEP = 4096;

/** Call between two frames when more is held than was drawn: draws more, or makes room. */
export function relieve(table: SessionTable): void {
  const { account } = table;
  if (account.grow() || forgetFunctions(table)) return;
  askOthers(table);
  // A closed connection releases its output after the turn, in other threads after theirs: until then, one step more.
  if (!account.grow()) account.overdraw();
}

/** When all other threads have published what they hold, closes the connection that holds most of all. */
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
      // Connections may have ended meanwhile.
      if (table.account.rebalance() >= 0) return;
      closeAnywhere(table);
      table.account.overdraw();
    });
  if (missing > 0) return;
  table.isRelieving = false;
  closeAnywhere(table);
}

/** Closes the connection that holds most in all threads, as last published. */
function closeAnywhere(table: SessionTable): void {
  const most = findMost(table);
  const thread = table.account.threadOfMost;
  if (thread === table.options.thread && most !== null) closeMost(table, most);
  else if (thread >= 0) writeRelieve(table.writers[thread]);
}

/** Publishes what connections hold in this thread. Linear in their number. */
export function showMost(table: SessionTable): void {
  findMost(table);
}

/** Another thread has no memory left: closes the connection that holds most, if it is in this thread. */
export function relieveOther(table: SessionTable): void {
  const most = findMost(table);
  if (most !== null && table.account.threadOfMost === table.options.thread) closeMost(table, most);
}

/** The connection that holds most in this thread: its own, or one of another thread as the broker knows it. */
interface Most {
  readonly holder: Session | Peer;
  readonly bytes: number;
}

/** Finds the holder of the most memory and publishes its size. Linear in the connections. */
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
  // Closes it before everything else and without waiting: its unsent output may be most of the memory.
  table.reactor.close(holder.conn);
  table.abort(holder);
}

/** Forgets unused functions until there is room; false when there is still none. */
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
