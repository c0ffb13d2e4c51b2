/** The end of a thread's connections when the server closes: what is owed leaves, but nobody is waited for too long. */
import type { ThreadCore } from './thread-core.ts';

/** Between two looks at what is still unsent. */
const STEP_MS = 10;

/** Ends every connection; resolves when all output has left or `lingerMs` are over. */
export async function closeSessions(core: ThreadCore, lingerMs: number): Promise<void> {
  const conns = core.table.closeAll(lingerMs);
  core.reactor.spill();
  core.reactor.requestTurn();
  const endMs = performance.now() + lingerMs;
  let waiting = conns.filter((conn) => core.reactor.unsentBytes(conn) > 0);
  while (waiting.length > 0 && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    waiting = waiting.filter((conn) => core.reactor.unsentBytes(conn) > 0);
  }
}
