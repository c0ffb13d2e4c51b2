/**
 * What a thread does when another one has died: nobody may wait for an answer that cannot come.
 * Source: design rules, section 7.
 */
import type { Home } from '../session/session-table.ts';

const KEY_BASE = 2 ** 31;

/** Ends every connection that has named a function of `thread`, and every peer whose connection lived there. */
export function loseThread(home: Home, thread: number): void {
  const bit = 1 << thread;
  for (let slot = 0; slot < home.slotEnd; slot++) {
    const session = home.atSlot(slot);
    if (session === null) continue;
    const owners = session.owners | (session.abilities?.owners ?? 0);
    if ((owners & bit) === 0) continue;
    session.owners &= ~bit;
    home.abort(session);
  }
  for (const [key, peer] of [...home.farPeers]) {
    if (Math.floor(key / KEY_BASE) !== thread) continue;
    home.farPeers.delete(key);
    home.broker?.onPeerGone(peer);
  }
  home.forgetThread(thread);
  home.absences.begin(thread, home.incidents.nowMs);
}
