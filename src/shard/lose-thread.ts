/**
 * What a thread does when another one has died: nobody may wait for an answer that cannot come.
 * Source: design rules, section 7.
 */
import type { SessionTable } from '../session/session-table.ts';
import { hasThread, NO_THREADS, withoutThread } from '../session/thread-set.ts';

const KEY_BASE = 2 ** 31;

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
  for (const [key, peer] of [...table.crossThreadPeers]) {
    if (Math.floor(key / KEY_BASE) !== thread) continue;
    table.crossThreadPeers.delete(key);
    table.broker?.onPeerGone(peer);
  }
  table.forgetThread(thread);
  table.restarts.begin(thread, table.incidents.nowMs);
}
