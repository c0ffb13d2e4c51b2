/**
 * What a thread asks of one connection, by id. Rule: each says whether the engine has the connection; what it does
 * not have is done with, or somebody else's.
 */
import { Leaving } from './connection.ts';
import type { TurnEngine } from './turn-engine.ts';

/** Closes behind the next flush; without time to linger at once. */
export function leave(engine: TurnEngine, conn: number, how: Leaving, lingerMs: number): boolean {
  const connection = engine.find(conn);
  if (connection === undefined) return false;
  engine.leave(connection, lingerMs > 0 ? how : Leaving.AT_ONCE, lingerMs);
  return true;
}

/** Un-reads everything from arena offset `start` on, and reads nothing more. */
export function hold(engine: TurnEngine, conn: number, start: number): boolean {
  const connection = engine.find(conn);
  if (connection === undefined) return false;
  engine.input.unread(connection, start);
  connection.isHeld = true;
  engine.updateReading(connection);
  return true;
}

/** Ends `hold`. */
export function resume(engine: TurnEngine, conn: number): boolean {
  const connection = engine.find(conn);
  if (connection === undefined) return false;
  connection.isHeld = false;
  engine.updateReading(connection);
  engine.markReady(connection);
  return true;
}

/** Asks for a DRAINED row as soon as unsent output is at most `bytes`. */
export function askDrained(engine: TurnEngine, conn: number, bytes: number): boolean {
  const connection = engine.find(conn);
  if (connection === undefined) return false;
  engine.output.askDrained(connection, bytes);
  engine.schedule();
  return true;
}
