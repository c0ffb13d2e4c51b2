/** One text command of a session: its words, its reply, its queries. */
import { bytesOf } from '../base/bytes.ts';
import type { PolicyChange } from '../policy/policy-command.ts';
import { hashBytes } from '../protocol/hash.ts';
import { findJob, jobOfThisRun, mayBeOfEarlierRun } from '../session/find-job.ts';
import { echoBarrier } from '../session/handlers/echo.ts';
import { fill, reply, reserveReply } from '../session/replies.ts';
import type { Session } from '../session/session.ts';
import type { SessionTable } from '../session/session-table.ts';
import type { ThreadQuery, ThreadResult } from '../session/thread-queries.ts';

/** Facts about the server itself for commands. */
export interface AdminFacts {
  /** Reply to `version`, without `OK `. */
  readonly version: string;
  readonly pid: number;
  /** Name of the current log level. */
  verbose(): string;
  /** Whether a peer of this address may use text commands. */
  isAllowed(address: string): boolean;
}

export interface Call {
  readonly table: SessionTable;
  readonly session: Session;
  /** Words after the command's own. */
  readonly words: readonly string[];
  readonly facts: AdminFacts;
  /** Gets the answer to a command that changes something, for the audit log; null for others. */
  readonly audit: ((answer: string, change: PolicyChange | null) => void) | null;
}

/** Replies with a fixed text, after all earlier frames of the connection have taken effect. */
export function say(call: Call, text: string): void {
  call.audit?.(text, null);
  send(call, text);
}

function send({ table, session }: Call, text: string): void {
  if (session.unconfirmedOwners === 0) {
    reply(table, session, bytesOf(text));
    return;
  }
  const pending = reserveReply(session);
  echoBarrier(table, session, () => fill(table, session, pending, bytesOf(text)));
}

/** Queries one thread and replies with `text` of its result, in the order of the requests. */
export function askOwner(
  call: Call,
  thread: number,
  query: ThreadQuery,
  text: (result: ThreadResult) => string,
) {
  const { table, session } = call;
  const isAtOnce = thread === table.options.thread && query.kind !== 'policy';
  const answered = (result: ThreadResult): string => {
    const answer = text(result);
    call.audit?.(answer, result.change);
    return answer;
  };
  if (isAtOnce && session.replies === null) {
    table.ask(thread, query, (result) => send(call, answered(result)));
    return;
  }
  const pending = reserveReply(session);
  table.ask(thread, query, (result) => {
    const answer = bytesOf(answered(result));
    if (table.live(session.conn) === session)
      echoBarrier(table, session, () => fill(table, session, pending, answer));
  });
}

/** The answer to a command with too few or too many words. */
export const incomplete = (command: string) =>
  `ERR INVALID_ARGUMENTS An+incomplete+set+of+arguments+was+sent+to+this+command+${command}\r\n`;

/** The thread that owns the function with this name (Latin-1). */
export function ownerOfName(table: SessionTable, name: string): number {
  const bytes = bytesOf(name);
  return table.ownerOf(hashBytes(bytes, 0, bytes.length, table.options.hashSeed));
}

/**
 * Sends a query about the job that a handle names to its owner and replies with `text` of the result; null: there is no
 * such job.
 */
export function askJob(
  call: Call,
  word: string,
  kind: 'job' | 'kick' | 'bury' | 'cancel',
  text: (result: ThreadResult | null) => string,
): void {
  const { table, session } = call;
  const handle = bytesOf(word);
  const named = jobOfThisRun(table, handle);
  if (named !== null) {
    askOwner(call, named.owner, { kind, ...named.job }, text);
    return;
  }
  if (!mayBeOfEarlierRun(table, handle)) {
    say(call, text(null));
    return;
  }
  const pending = reserveReply(session);
  const answer = (result: ThreadResult | null): void => {
    const words = text(result);
    call.audit?.(words, null);
    if (table.live(session.conn) === session)
      echoBarrier(table, session, () => fill(table, session, pending, bytesOf(words)));
  };
  findJob(table, handle, (found) => {
    if (found === null) answer(null);
    else table.ask(found.owner, { kind, ...found.job }, answer);
  });
}
