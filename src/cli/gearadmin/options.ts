/**
 * THE options table of `gearadmin`. Names and short forms are those of the C tool of 1.1.20; rows marked as our own
 * are not in it. The operations are the rows of operations.ts.
 */

import { choice, flag, integer } from '../../server/options/option-type.ts';
import {
  exitStatusRow,
  TLS_ENVIRONMENT,
  tlsRows,
  tokenRow,
  versionRow,
} from '../tool/shared-rows.ts';
import type { Tool, ToolOption } from '../tool/tool-option.ts';
import { oneServer, seconds, serverPort } from '../tool/value-types.ts';
import { OPERATIONS } from './operations.ts';
import { SORT_KEYS } from './top/sort.ts';

const DAY_MS = 86_400_000;

const generalRows = [
  {
    name: 'host',
    short: 'h',
    key: 'host',
    type: oneServer,
    fallback: { host: 'localhost', port: null },
    group: 'General',
    help: 'the job server; also with its port, or a Unix socket',
  },
  {
    name: 'port',
    short: 'p',
    key: 'port',
    type: serverPort,
    fallback: 4730,
    group: 'General',
    help: 'port of the job server, or the name of a service',
  },
  {
    name: 'timeout',
    short: 't',
    key: 'timeoutMs',
    type: integer({ min: 0, max: DAY_MS, unit: 'milliseconds', special: { 0: 'no limit' } }),
    fallback: 30_000,
    group: 'General',
    isOwn: true,
    help: 'how long the server may be silent while an answer is due',
  },
  tokenRow,
  exitStatusRow,
  {
    name: 'help',
    key: 'help',
    type: flag,
    fallback: false,
    group: 'General',
    help: 'print this text',
  },
  versionRow('General'),
] as const satisfies readonly ToolOption[];

const topRows = [
  {
    name: 'interval',
    key: 'intervalMs',
    type: seconds({ minMs: 100, maxMs: DAY_MS }),
    fallback: 2000,
    group: 'Options of top',
    isOwn: true,
    help: 'time between two looks',
  },
  {
    name: 'count',
    key: 'count',
    type: integer({ min: 0, max: 2 ** 31 - 1, special: { 0: 'no end' } }),
    fallback: 0,
    group: 'Options of top',
    isOwn: true,
    help: 'looks after which it ends',
  },
  {
    name: 'sort',
    key: 'sort',
    type: choice(...SORT_KEYS),
    fallback: 'queued',
    group: 'Options of top',
    isOwn: true,
    help: 'what the functions are sorted by, the greatest first; name: by name',
  },
] as const satisfies readonly ToolOption[];

/** Everything `gearadmin` knows about its command line. */
export const GEARADMIN: Tool = {
  manual: {
    name: 'gearadmin',
    summary: 'ask and change a Gearman job server',
    usage: ['[options] OPERATION...', '[options] top'],
    description: [
      'Operations use one connection and run in the order in which they are listed below, whatever their order on the command line. Listings are printed as the server sends them, with the closing dot; other answers without their OK. An error of the server goes to standard error as "Error: TEXT".',
      'gearadmin top shows the functions of a server as they change: jobs queued and running, workers, jobs that came and ended per second, the age of the oldest job that waits. On a terminal it fills the screen until q or Ctrl-C, and s changes the order; otherwise it writes a line of text for each function and look, columns separated by tabs. A "-" stands for what the server does not tell: C gearmand tells neither rates nor ages, CHANGE/S is known of every server.',
    ],
    environment: TLS_ENVIRONMENT,
    exitCodes: [
      [0, 'every operation was carried out'],
      [
        1,
        'the server cannot be reached, refused an operation or went away; the command line is wrong; with --exit-status c a refused operation gives 0',
      ],
      [130, 'ended by Ctrl-C; top ends with 0 then'],
      [141, 'whoever read the output has gone'],
    ],
    examples: [
      ['gearadmin --status --workers', 'what waits and who works, on this machine'],
      ['gearadmin -h jobs.example.com -p 4731 --server-version', 'the version of another server'],
      ['gearadmin --cancel-job H:web1:7', 'take a job out of its queue'],
      ['gearadmin top --interval 1 --sort oldest', 'watch, the longest waiting first'],
      ['gearadmin top --count 2 | tail -n +2', 'two looks as text, for a script'],
    ],
  },
  options: [
    ...generalRows,
    ...OPERATIONS.map((operation) => operation.option),
    ...topRows,
    ...tlsRows,
  ],
  takesAbbreviations: true,
  onRepeat: 'refuse',
};
