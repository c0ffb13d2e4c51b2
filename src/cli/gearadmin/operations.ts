/**
 * The operations of `gearadmin`, in the order in which the C tool runs them, then our own. Each is one command of the
 * text protocol. Source: gearadmin 1.1.20, observed.
 */
import type { OptionEntry } from '../../option/row.ts';
import { flag } from '../../option/types.ts';
import { escapeName, latin1Of, unescapeName } from '../../policy/function-name.ts';
import { POLICY_KEY_NAMES } from '../../policy/policy.ts';
import { PAUSE_SECONDS_MAX } from '../../policy/policy-command.ts';
import { lineWord, word } from '../tool/value-types.ts';

/** More dead jobs a function cannot have. */
const DEAD_JOBS_MAX = 10_000_000;

/** A text command. */
export interface Request {
  /** Without a line end. */
  readonly command: string;
  /** Whether the reply is a listing, which ends with a dot; other replies are one line. */
  readonly isListing: boolean;
}

export interface Operation {
  readonly option: OptionEntry;
  /** Its value is FUNCTION=VALUE, so a word that stands alone is a mistake and must change nothing. */
  readonly isOfFunction?: boolean;
  /** What to send for the option's value. */
  request(value: string): Request;
}

function question(name: string, command: string, help: string): Operation {
  return {
    option: { name, type: flag, defaultValue: false, help },
    request: () => ({ command, isListing: false }),
  };
}

function listing(name: string, command: string, help: string): Operation {
  return { ...question(name, command, help), request: () => ({ command, isListing: true }) };
}

function change(name: string, argument: string, command: string, help: string): Operation {
  return {
    option: { name, type: lineWord(argument), defaultValue: null, help },
    request: (value) => ({ command: `${command} ${value}`, isListing: false }),
  };
}

/** Takes a function and, after an equals sign, what `isAllowed` accepts. */
function ofFunction(
  name: string,
  rest: { readonly allowed: string; isAllowed(text: string): boolean } | null,
  request: (functionName: string, rest: string | null) => Request,
  help: string,
): Operation {
  const allowed = `FUNCTION${rest === null ? '' : `, ${rest.allowed}`}; %HH in it is a byte`;
  const isAllowed = (text: string): boolean => {
    const read = functionIn(text);
    if (read === undefined) return false;
    return read.rest === null || rest?.isAllowed(read.rest) === true;
  };
  return {
    option: { name, type: word('function', allowed, isAllowed), defaultValue: null, help },
    isOfFunction: true,
    request(value) {
      const read = functionIn(value) as FunctionWord;
      return request(read.functionName, read.rest);
    },
  };
}

interface FunctionWord {
  /** As a word of the text protocol. */
  readonly functionName: string;
  /** What follows the first equals sign; null without one. */
  readonly rest: string | null;
}

function functionIn(text: string): FunctionWord | undefined {
  const [, before = '', rest = null] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  const name = unescapeName(latin1Of(before));
  return name === undefined ? undefined : { functionName: escapeName(name), rest };
}

/** Takes the handle of one job. */
function ofJob(name: string, verb: string, isListing: boolean, help: string): Operation {
  const type = word('handle', 'a word without blanks', (text) => /^\S+$/.test(text));
  return {
    option: { name, type, defaultValue: null, help },
    request: (handle) => ({ command: `${verb} job ${handle}`, isListing }),
  };
}

function changeOf(command: string): (functionName: string, rest: string | null) => Request {
  return (functionName, rest) => ({
    command: [command, functionName, ...(rest === null ? [] : [rest])].join(' '),
    isListing: false,
  });
}

const SECONDS = {
  allowed: `FUNCTION=SECONDS with 1 to ${PAUSE_SECONDS_MAX} seconds`,
  isAllowed: (text: string) => /^[1-9]\d{0,8}$/.test(text) && Number(text) <= PAUSE_SECONDS_MAX,
};
const NUMBER = {
  allowed: `FUNCTION=NUMBER with 1 to ${DEAD_JOBS_MAX} jobs`,
  isAllowed: (text: string) => /^[1-9]\d{0,7}$/.test(text) && Number(text) <= DEAD_JOBS_MAX,
};
const POLICY = {
  allowed: `FUNCTION=KEY:VALUE,... or FUNCTION=reset, keys are ${POLICY_KEY_NAMES.join(', ')}`,
  isAllowed: (text: string) => /^\S+$/.test(text),
};

/** An extension; other servers reply with an error. */
function own(operation: Operation): Operation {
  return { ...operation, option: { ...operation.option, isOwn: true } };
}

export const OPERATIONS: readonly Operation[] = [
  question('getpid', 'getpid', 'process id of the server'),
  change(
    'create-function',
    'function',
    'create function',
    'make a function known without a worker',
  ),
  change(
    'drop-function',
    'function',
    'drop function',
    'forget a function that has neither workers nor jobs',
  ),
  listing('show-jobs', 'show jobs', 'handle, lost runs, ignored, in background'),
  listing('show-unique-jobs', 'show unique jobs', 'unique key of every job'),
  change('cancel-job', 'handle', 'cancel job', 'remove a job from its queue'),
  question('server-verbose', 'verbose', 'level of the log of the server'),
  question('server-version', 'version', 'version of the server'),
  listing('workers', 'workers', 'connections with their client ids and functions'),
  listing(
    'priority-status',
    'prioritystatus',
    'functions with jobs queued as high, normal and low, and workers',
  ),
  listing('status', 'status', 'functions with jobs in all, jobs running, and workers'),
  own(
    ofFunction(
      'pause',
      SECONDS,
      changeOf('pause'),
      'start no job of a function until --resume, or for some seconds',
    ),
  ),
  own(ofFunction('resume', null, changeOf('resume'), 'end a pause and a drain of a function')),
  own(
    ofFunction(
      'drain',
      null,
      changeOf('drain'),
      'refuse new jobs of a function until --resume; its queued jobs go on',
    ),
  ),
  own(
    ofFunction(
      'policy',
      POLICY,
      (functionName, rest) => ({
        ...changeOf('policy')(functionName, rest),
        isListing: rest === null,
      }),
      'set keys of the policy of a function, or remove what was set; FUNCTION alone: keys, values and where each was set, and the state',
    ),
  ),
  own(ofJob('bury', 'bury', false, 'make a background job that waits a dead one')),
  own(ofJob('kick-job', 'kick', false, 'queue a dead job again, with its attempts at 0')),
  own(
    ofFunction(
      'kick',
      NUMBER,
      (functionName, rest) => changeOf('kick function')(functionName, rest ?? `${DEAD_JOBS_MAX}`),
      'queue the dead jobs of a function again, the oldest first: all of them, or some',
    ),
  ),
  own(
    ofJob(
      'show-job',
      'show',
      true,
      'what is known of one job: keys and values, then its last errors with seconds since then, cause, milliseconds of the run, worker and text',
    ),
  ),
  own(
    ofFunction(
      'dead',
      NUMBER,
      (functionName, rest) => ({ ...changeOf('dead')(functionName, rest), isListing: true }),
      'dead jobs of a function, the youngest first, 100 or the number given: handle, unique, cause, attempts, lost runs, seconds since its death, bytes of the workload, worker of its last run, errors',
    ),
  ),
  own(
    listing(
      'policies',
      'policy',
      'functions with a policy, paused or draining: function, policy, state',
    ),
  ),
  own(
    listing(
      'store',
      'store',
      'stores: thread, state, jobs, uncommitted, commits, jobs and ms of a commit, ms of the longest, bytes',
    ),
  ),
];
