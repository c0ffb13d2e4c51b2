/**
 * What a thread does when another one has died: nobody may wait for an answer that cannot come.
 * Source: design rules, section 7.
 */
import type { SessionTable } from '../session/session-table.ts';

const KEY_BASE = 2 ** 31;

/** Ends every connection that has named a function of `thread`, and every peer whose connection lived there. */
export function loseThread(table: SessionTable, thread: number): void {
  const bit = 1 << thread;
  for (let slot = 0; slot < table.slotEnd; slot++) {
    const session = table.atSlot(slot);
    if (session === null) continue;
    const owners = session.owners | (session.abilities?.owners ?? 0);
    if ((owners & bit) === 0) continue;
    session.owners &= ~bit;
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
