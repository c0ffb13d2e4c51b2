/** Text commands about policies and the state of functions: they are carried out by the main thread. */
import { latin1 } from '../base/bytes.ts';
import { unescapeName } from '../policy/function-name.ts';
import { PAUSE_SECONDS_MAX, type PolicyCommand } from '../policy/policy-command.ts';
import { replyListing } from '../session/listing.ts';
import { askOwner, type Call, incomplete, say } from './call.ts';

/** `policy`, `policy F`, `policy F reset`, `policy F KEY:VALUE,...`. */
export function showOrSetPolicy(call: Call): void {
  const [escaped, text] = call.words;
  if (call.words.length > 2) {
    say(call, incomplete('policy'));
    return;
  }
  // A blank after the command is a word too.
  if (escaped === undefined || escaped === '') listPolicies(call);
  else if (text === undefined) withFunction(call, (name) => ({ kind: 'show', name }));
  else if (text.toLowerCase() === 'reset') withFunction(call, (name) => ({ kind: 'reset', name }));
  else withFunction(call, (name) => ({ kind: 'set', name, policy: text }));
}

function listPolicies({ table, session }: Call): void {
  replyListing(table, session, [0], (cursor) => ({
    kind: 'policy',
    command: { kind: 'show', name: '', cursor },
  }));
}

/** `pause F`, `pause F SECONDS`. */
export function pause(call: Call): void {
  const [, word] = call.words;
  const seconds = word === undefined ? 0 : /^\d{1,9}$/.test(word) ? Number(word) : -1;
  if (call.words.length > 2 || seconds < 0 || seconds > PAUSE_SECONDS_MAX || word === '0')
    say(
      call,
      `ERR INVALID_ARGUMENTS pause+FUNCTION+[SECONDS],+with+1+to+${PAUSE_SECONDS_MAX}+seconds\r\n`,
    );
  else withFunction(call, (name) => ({ kind: 'pause', name, seconds }));
}

export function changeState(call: Call, kind: 'resume' | 'drain'): void {
  if (call.words.length !== 1) say(call, incomplete(kind));
  else withFunction(call, (name) => ({ kind, name }));
}

/** Runs the command for the function that the first word names. */
function withFunction(call: Call, command: (name: string) => PolicyCommand): void {
  const name = unescapeName(call.words[0] as string);
  if (name === undefined) say(call, NO_FUNCTION);
  else runPolicyCommand(call, command(name));
}

/** The answer to a word that is no name. */
export const NO_FUNCTION = 'ERR INVALID_ARGUMENTS A+function+is+expected,+other+bytes+as+%HH\r\n';

/** Policies are kept by the acceptor's thread. */
function runPolicyCommand(call: Call, command: PolicyCommand): void {
  askOwner(call, 0, { kind: 'policy', command }, ({ bytes }) => latin1(bytes, 0, bytes.length));
}
