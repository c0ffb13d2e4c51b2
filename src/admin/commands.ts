/**
 * THE table of text commands: one command per line, words split at blanks. The answers are gearmand's, byte for byte.
 * Rule: handlers contain no rules of the job server; they query the owners. Source: gearmand's text protocol, observed.
 */
import { bytesOf } from '../base/bytes.ts';
import { Listing } from '../broker/query.ts';
import { LINE_WORDS_MAX } from '../protocol/limits.ts';
import { parseInteger } from '../protocol/numbers.ts';
import { ownerThreads } from '../protocol/shard-of.ts';
import { deny, maySayCommands, whoIs } from '../session/authorization.ts';
import { replyListing } from '../session/listing.ts';
import type { Session } from '../session/session.ts';
import type { SessionTable } from '../session/session-table.ts';
import type { ThreadQuery, ThreadResult } from '../session/thread-queries.ts';
import {
  type AdminFacts,
  askJob,
  askOwner,
  type Call,
  incomplete,
  ownerOfName,
  say,
} from './call.ts';
import { bury, kick, listDead, showJob, UNKNOWN_JOB } from './job-commands.ts';
import { changeState, pause, showOrSetPolicy } from './policy-commands.ts';

interface Command {
  /** The command needs at least so many words after its own; with fewer it counts as unknown. */
  readonly wordsMin: number;
  /** Whether it changes something with so many words; then it is written into the audit log. */
  changes?(words: readonly string[]): boolean;
  run(call: Call): void;
}

const always = () => true;

const COMMANDS: Readonly<Record<string, Command>> = {
  version: { wordsMin: 0, run: (call) => say(call, `OK ${call.facts.version}\n`) },
  getpid: { wordsMin: 0, run: (call) => say(call, `OK ${call.facts.pid}\n`) },
  verbose: { wordsMin: 0, run: (call) => say(call, `OK ${call.facts.verbose()}\n`) },
  status: { wordsMin: 0, run: (call) => listRows(call, Listing.status) },
  prioritystatus: { wordsMin: 0, run: (call) => listRows(call, Listing.priorityStatus) },
  workers: { wordsMin: 0, run: listWorkers },
  functions: { wordsMin: 0, run: (call) => listRows(call, Listing.functions) },
  store: { wordsMin: 0, run: listStores },
  show: { wordsMin: 1, run: show },
  cancel: { wordsMin: 2, changes: always, run: cancelJob },
  create: { wordsMin: 0, changes: always, run: createOrDrop('create') },
  drop: { wordsMin: 0, changes: always, run: createOrDrop('drop') },
  maxqueue: { wordsMin: 0, changes: always, run: limitQueue },
  policy: { wordsMin: 0, changes: (words) => words.length > 1, run: showOrSetPolicy },
  pause: { wordsMin: 1, changes: always, run: pause },
  resume: { wordsMin: 1, changes: always, run: (call) => changeState(call, 'resume') },
  drain: { wordsMin: 1, changes: always, run: (call) => changeState(call, 'drain') },
  dead: { wordsMin: 1, run: listDead },
  kick: { wordsMin: 2, changes: always, run: kick },
  bury: { wordsMin: 2, changes: always, run: bury },
};

export type { AdminFacts } from './call.ts';

/**
 * A request line of HTTP. A web page can make a browser send such a request, with text commands as the lines of its
 * body.
 */
const HTTP_REQUEST = /^[A-Z]+ \S* ?HTTP\/\d(\.\d)?\r?$/;

/** Answers one text line of `session`. */
export function onLine(
  table: SessionTable,
  session: Session,
  line: string,
  facts: AdminFacts,
): void {
  if (HTTP_REQUEST.test(line)) {
    table.drop(session, 'HTTP on a port of Gearman');
    return;
  }
  const words = wordsOf(line);
  const name = words[0] ?? '';
  const call: Call = { table, session, words: words.slice(1), facts, audit: null };
  if (words.length > LINE_WORDS_MAX) {
    table.drop(session, `text command has over ${LINE_WORDS_MAX} words`);
    return;
  }
  if (!facts.isAllowed(session.address)) {
    say(call, 'ERR NOT_ALLOWED Not+allowed+from+this+address\r\n');
    deny(table, session, 'may not give text commands from there');
    return;
  }
  if (!maySayCommands(table, session)) {
    say(call, 'ERR NOT_ALLOWED Not+allowed+for+this+identity\r\n');
    return;
  }
  const command = Object.hasOwn(COMMANDS, name.toLowerCase())
    ? COMMANDS[name.toLowerCase()]
    : undefined;
  if (command === undefined || call.words.length < command.wordsMin)
    say(call, `ERR UNKNOWN_COMMAND Unknown+server+command${name}\r\n`);
  else if (command.changes?.(call.words) !== true) command.run(call);
  else command.run({ ...call, audit: auditOf(call, name.toLowerCase()) });
}

/** Writes the command and its answer into the audit log, which thread 0 keeps. */
function auditOf({ table, session, words }: Call, action: string): Call['audit'] {
  const who = `${whoIs(session)} at ${session.address}:${session.port}`;
  const target = words.join(' ');
  return (answer, change) => {
    const [word, code = ''] = answer.trim().split(' ');
    const result = word === 'OK' ? 'ok' : code;
    const [before, after] = change ?? [null, null];
    const entry = { who, action, target, before, after, result };
    table.ask(0, { kind: 'audit', entry }, () => {});
  };
}

/** Runs of blanks separate words; a leading or trailing blank gives an empty word. */
function wordsOf(line: string): string[] {
  return line.split(/ +/);
}

function listRows({ table, session }: Call, listing: number): void {
  replyListing(table, session, ownerThreads(table.options.shardCount), (cursor) => ({
    kind: 'list',
    listing,
    cursor,
  }));
}

function listWorkers({ table, session }: Call): void {
  const threads = Array.from({ length: table.options.shardCount + 1 }, (_, thread) => thread);
  replyListing(table, session, threads, (cursor, part) => ({ kind: 'workers', cursor, part }));
}

function listStores({ table, session }: Call): void {
  replyListing(table, session, ownerThreads(table.options.shardCount), () => ({ kind: 'store' }));
}

function show(call: Call): void {
  const words = call.words.map((word) => word.toLowerCase());
  if (words.length === 1 && words[0] === 'jobs') listRows(call, Listing.jobs);
  else if (words.length === 2 && words[0] === 'unique' && words[1] === 'jobs')
    listRows(call, Listing.uniqueJobs);
  else if (words.length === 2 && words[0] === 'job') showJob(call, call.words[1] as string);
  else say(call, 'ERR UNKNOWN_SHOW_ARGUMENTS\r\n');
}

function cancelJob(call: Call): void {
  const [noun, handle] = call.words as [string, string];
  if (call.words.length !== 2 || noun.toLowerCase() !== 'job') {
    say(call, 'ERR UNKNOWN_ERROR\r\n');
    return;
  }
  askJob(call, handle, 'cancel', (found) => (found?.result === 0 ? 'OK\r\n' : UNKNOWN_JOB));
}

const DROP_TEXTS = [
  'OK\r\n',
  'ERR function not found\r\n',
  'ERR there are still connected workers or executing clients\r\n',
];

function createOrDrop(kind: 'create' | 'drop'): (call: Call) => void {
  return (call) => {
    const [noun, name] = call.words;
    if (call.words.length !== 2 || noun?.toLowerCase() !== 'function' || name === undefined) {
      say(call, incomplete(kind));
      return;
    }
    const text =
      kind === 'drop'
        ? ({ result }: ThreadResult) => DROP_TEXTS[result] as string
        : ({ result }: ThreadResult) =>
            result === 0 ? 'OK\r\n' : 'ERR QUEUE_ERROR Too+many+functions\r\n';
    askOwner(call, ownerOfName(call.table, name), { kind, name }, text);
  };
}

function limitQueue(call: Call): void {
  const [name, ...limits] = call.words;
  if (name === undefined) {
    say(call, incomplete('maxqueue'));
    return;
  }
  const [first = 0, normal, low] = limits.map(limitOf);
  // One number is for all priorities; with two, low has no limit.
  const query: ThreadQuery =
    limits.length === 1
      ? { kind: 'maxqueue', name, high: first, normal: first, low: first }
      : { kind: 'maxqueue', name, high: first, normal: normal ?? 0, low: low ?? 0 };
  askOwner(call, ownerOfName(call.table, name), query, () => 'OK\r\n');
}

/** Negative numbers, 0 and text mean no limit. */
function limitOf(word: string): number {
  const bytes = bytesOf(word);
  const limit = parseInteger(bytes, 0, bytes.length);
  return limit > 0 ? limit : 0;
}
