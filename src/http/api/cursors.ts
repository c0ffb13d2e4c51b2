/**
 * Cursors of listings that go over the shards one after the other. Programs pass them back unchanged. Rule: a cursor
 * names the shard's number of starts, because another start gives jobs other slots.
 *
 *   base64url of KIND.THREAD.POSITION.STARTS
 */
import { ApiProblem } from './problems.ts';

export interface Cursor {
  readonly thread: number;
  /** Where the thread continues; 0 = from the start. */
  readonly position: number;
  /** How often the thread had been started; -1 = not known yet. */
  readonly starts: number;
}

export type CursorKind = 'jobs' | 'functions' | 'connections' | 'audit';

export function cursorText(kind: CursorKind, { thread, position, starts }: Cursor): string {
  return Buffer.from(`${kind}.${thread}.${position}.${starts}`).toString('base64url');
}

/** Throws ApiProblem `cursorInvalid`. */
export function readCursor(kind: CursorKind, cursor: string): Cursor {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const match = /^([a-z]+)\.(\d{1,3})\.(\d{1,15})\.(-1|\d{1,6})$/.exec(text);
  if (match === null || match[1] !== kind)
    throw new ApiProblem('cursorInvalid', `it is not a cursor of ${kind}`);
  return { thread: Number(match[2]), position: Number(match[3]), starts: Number(match[4]) };
}
