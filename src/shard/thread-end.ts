/**
 * Ends the connections of this thread when the server closes, and handles the death of another thread. Rule: pending
 * output is sent within the linger time; no peer waits for a reply that cannot come. Source: docs/design.md, section 7.
 */
import type { SessionTable } from '../session/session-table.ts';
import { hasThread, NO_THREADS, withoutThread } from '../session/thread-set.ts';

/** Pause between two checks of unsent output. */
const STEP_MS = 10;

/**
 * Ends every connection; resolves when all output has been sent or `lingerMs` are over. It polls, because a reactor
 * gives no rows of closing connections.
 */
export async function closeSessions(table: SessionTable, lingerMs: number): Promise<void> {
  const { reactor } = table;
  const conns = table.closeAll(lingerMs);
  reactor.spill();
  reactor.requestTurn();
  const endMs = performance.now() + lingerMs;
  let waiting = conns.filter((conn) => reactor.unsentBytes(conn) > 0);
  while (waiting.length > 0 && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    waiting = waiting.filter((conn) => reactor.unsentBytes(conn) > 0);
  }
}

/** Ends every connection that has named a function of `thread`, and every peer whose connection lived there. */
export function loseThread(table: SessionTable, thread: number): void {
  for (let slot = 0; slot < table.slotEnd; slot++) {
    const session = table.atSlot(slot);
    if (session === null) continue;
    const offered = session.abilities?.owners ?? NO_THREADS;
    if (!hasThread(session.owners, thread) && !hasThread(offered, thread)) continue;
    session.owners = withoutThread(session.owners, thread);
    table.abort(session);
  }
  table.crossThreadPeers.endAllOf(table.broker, thread);
  table.forgetThread(thread);
  table.restarts.begin(thread, table.incidents.nowMs);
}
