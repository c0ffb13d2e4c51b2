/** Text commands about single jobs and dead jobs: their owner carries them out. */
import { bytesOf, latin1 } from '../base/bytes.ts';
import { DeadResult } from '../broker/dead-queries.ts';
import { unescapeName } from '../policy/function-name.ts';
import { replyListing } from '../session/listing.ts';
import { fill, reserveReply } from '../session/replies.ts';
import { askJob, type Call, incomplete, ownerOfName, say } from './call.ts';
import { kickDead } from './kick-dead.ts';
import { NO_FUNCTION } from './policy-commands.ts';

export const UNKNOWN_JOB = 'ERR UNKNOWN_JOB\r\n';

/** Rows of `dead F` when no number is given. */
const ROWS_DEFAULT = 100;
const COUNT_MAX = 10_000_000;

const ANSWERS: Readonly<Record<number, string>> = {
  [DeadResult.done]: 'OK\r\n',
  [DeadResult.notFound]: UNKNOWN_JOB,
  [DeadResult.uniqueInUse]: 'ERR UNIQUE_IN_USE A+live+job+has+the+same+unique\r\n',
  [DeadResult.queueFull]: 'ERR QUEUE_FULL Maxqueue+of+the+function+is+reached\r\n',
  [DeadResult.draining]: 'ERR DRAINING The+function+takes+no+new+jobs\r\n',
  [DeadResult.noMemory]: 'ERR NO_MEMORY New+jobs+are+refused+at+7/8+of+--max-memory\r\n',
  [DeadResult.isRunning]: 'ERR RUNNING A+worker+has+the+job\r\n',
  [DeadResult.isForeground]: 'ERR FOREGROUND A+client+waits+for+the+job;+cancel+it\r\n',
};

/** `dead F [N]`: the youngest N dead jobs. */
export function listDead(call: Call): void {
  const [escaped, word] = call.words;
  const name = unescapeName(escaped as string);
  const wanted = word === undefined ? ROWS_DEFAULT : countOf(word);
  if (call.words.length > 2 || wanted === 0) say(call, incomplete('dead'));
  else if (name === undefined) say(call, NO_FUNCTION);
  else {
    const { table, session } = call;
    replyListing(table, session, [ownerOfName(table, name)], (cursor, rowsLeft) => ({
      kind: 'dead',
      name,
      cursor,
      rows: cursor === 0 ? wanted : rowsLeft,
    }));
  }
}

/** `show job H`. */
export function showJob(call: Call, handle: string): void {
  askJob(call, handle, 'job', (found) =>
    found?.result === DeadResult.done
      ? `${latin1(found.bytes, 0, found.bytes.length)}.\n`
      : UNKNOWN_JOB,
  );
}

/** `kick job H`, `kick function F N`. */
export function kick(call: Call): void {
  const [noun, word, count] = call.words as [string, string, string | undefined];
  if (noun.toLowerCase() === 'job' && call.words.length === 2) changeJob(call, 'kick', word);
  else if (noun.toLowerCase() === 'function' && call.words.length === 3)
    kickFunction(call, word, countOf(count as string));
  else say(call, incomplete('kick'));
}

/** `bury job H`. */
export function bury(call: Call): void {
  const [noun, handle] = call.words as [string, string];
  if (noun.toLowerCase() === 'job' && call.words.length === 2) changeJob(call, 'bury', handle);
  else say(call, incomplete('bury'));
}

function changeJob(call: Call, kind: 'kick' | 'bury', handle: string): void {
  askJob(call, handle, kind, (found) => ANSWERS[found?.result ?? DeadResult.notFound] as string);
}

/** Kicks step by step, so that no turn stalls; answers `OK KICKED+kicked,+LEFT+left`. */
function kickFunction(call: Call, escaped: string, countMax: number): void {
  const { table, session } = call;
  const name = unescapeName(escaped);
  if (name === undefined) say(call, NO_FUNCTION);
  else if (countMax === 0) say(call, incomplete('kick'));
  else {
    const owner = ownerOfName(table, name);
    const pending = reserveReply(session);
    kickDead(
      (query, done) => table.ask(owner, query, done),
      (work) => table.later(work),
      name,
      countMax,
      ({ kicked, left, reason }) => {
        const answer = endOfKick(reason, kicked, left);
        call.audit?.(answer, null);
        if (table.live(session.conn) === session) fill(table, session, pending, bytesOf(answer));
      },
    );
  }
}

function endOfKick(result: number, kicked: number, left: number): string {
  const isRefused = result !== DeadResult.done;
  if (isRefused && kicked === 0) return ANSWERS[result] as string;
  return `OK ${kicked}+kicked,+${left}+left+because+their+unique+is+in+use\r\n`;
}

/** 0 = not allowed. */
function countOf(word: string): number {
  return /^[1-9]\d{0,7}$/.test(word) ? Math.min(COUNT_MAX, Number(word)) : 0;
}
