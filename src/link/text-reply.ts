/**
 * Replies of the text protocol: errors, and listings with their rows. A listing ends with a dot. Only an error ends
 * with CR LF, so a row of a listing may begin like one. Source: gearmand's text protocol, observed.
 */

/** An error of a job server. */
export interface Refusal {
  /** As the server spells it: `UNKNOWN_COMMAND`, `REFUSED` ...; empty when the answer has none. */
  readonly code: string;
  /** Its explanation, with blanks; may be empty. */
  readonly sentence: string;
}

const ERR = Buffer.from('ERR ');
const LF = 0x0a;

/** Whether a reply is an error; `start` has its first line. */
export function isRefusal(start: Buffer, isListing: boolean): boolean {
  if (!start.subarray(0, ERR.length).equals(ERR)) return false;
  return !isListing || start.indexOf(LF) === start.indexOf('\r\n') + 1;
}

/** The parts of an error. Some servers send plus signs for blanks. */
export function refusalOf(reply: Buffer): Refusal {
  const text = reply.toString('utf8', ERR.length).trimEnd();
  const [code = ''] = /^(?:[A-Z]+|[A-Za-z]+_[A-Za-z_]+)(?= |$)/.exec(text) ?? [];
  return { code, sentence: text.slice(code.length).trimStart().replaceAll('+', ' ') };
}

/** gearmand's codes for a command that a server does not know; some servers write them in lower case. */
export function isUnknownCommand({ code }: Refusal): boolean {
  return ['UNKNOWN_COMMAND', 'UNKNOWN_SHOW_ARGUMENTS'].includes(code.toUpperCase());
}

/** What only our server has, by the first word of the command. */
const OWN: Readonly<Record<string, string>> = {
  functions: 'listing of functions with ages',
  store: 'listing of stores',
  policy: 'policies',
  pause: 'pauses',
  resume: 'pauses',
  drain: 'draining of functions',
  dead: 'dead jobs',
  kick: 'dead jobs',
  bury: 'dead jobs',
  show: 'report about one job',
};

/** What to say of a server that does not know the command. */
export function lackOf(command: string): string {
  const word = command.split(' ', 1)[0] as string;
  const what = OWN[word] ?? `text command ${word}`;
  return `has no ${what}; it is not geartrain, or an earlier version of it`;
}
