/**
 * The operations of `gearadmin`, in the order in which the C tool runs them. Each is one command of the text protocol.
 * Source: gearadmin 1.1.20, observed.
 */
import type { OptionEntry } from '../../option/row.ts';
import { flag } from '../../option/types.ts';
import { lineWord } from '../tool/value-types.ts';

export interface Operation {
  readonly option: OptionEntry;
  /** The text command, without a line end, for the option's value. */
  command(value: string): string;
  /** Whether the reply is a listing, which ends with a dot; other replies are one line. */
  readonly isListing: boolean;
}

function question(name: string, command: string, help: string): Operation {
  return {
    option: { name, type: flag, defaultValue: false, help },
    command: () => command,
    isListing: false,
  };
}

function listing(name: string, command: string, help: string): Operation {
  return { ...question(name, command, help), isListing: true };
}

function change(name: string, argument: string, command: string, help: string): Operation {
  return {
    option: { name, type: lineWord(argument), defaultValue: null, help },
    command: (value) => `${command} ${value}`,
    isListing: false,
  };
}

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
    listing(
      'store',
      'store',
      'stores: thread, state, jobs, uncommitted, commits, jobs and ms of a commit, ms of the longest, bytes',
    ),
  ),
];
