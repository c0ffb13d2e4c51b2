/**
 * Calls of a thread about one connection, by id. Rule: each returns whether the engine has the connection; an unknown
 * one has ended, or belongs to another reactor.
 */
import { Leaving } from './connection.ts';
import type { TurnEngine } from './turn-engine.ts';

/** Closes the connection after the next flush, lingering for at most that time; 0 = closes at once. */
export function leave(engine: TurnEngine, conn: number, how: Leaving, lingerMs: number): boolean {
  const connection = engine.find(conn);
  if (connection === undefined) return false;
  engine.leave(connection, lingerMs > 0 ? how : Leaving.AT_ONCE, lingerMs);
  return true;
}

/** Un-reads everything from arena offset `start` on, and stops reading. */
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

/** Requests a DRAINED row when unsent output is at most `bytes`. */
export function askDrained(engine: TurnEngine, conn: number, bytes: number): boolean {
  const connection = engine.find(conn);
  if (connection === undefined) return false;
  engine.output.askDrained(connection, bytes);
  engine.schedule();
  return true;
}
