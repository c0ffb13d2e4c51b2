/**
 * The options table of `gearadmin`. Names and short forms are those of the C tool of 1.1.20; rows marked as our own
 * are not in it. The operations are the rows of operations.ts.
 */
import { type OptionEntry, rowsOf, type ValuesOf } from '../../option/row.ts';
import type { Tool } from '../../option/tool.ts';
import { choice, flag, integer } from '../../option/types.ts';
import {
  exitStatusRow,
  TLS_ENVIRONMENT,
  tlsTable,
  tokenRow,
  versionRow,
} from '../tool/shared-rows.ts';
import { oneServer, seconds, serverPort } from '../tool/value-types.ts';
import { OPERATIONS } from './operations.ts';
import { SORT_KEYS } from './top/sort.ts';

const DAY_MS = 86_400_000;

const generalRows = [
  {
    name: 'host',
    short: 'h',
    type: oneServer,
    defaultValue: { host: 'localhost', port: null },
    help: 'the job server; also with its port, or a Unix socket',
  },
  {
    name: 'port',
    short: 'p',
    type: serverPort,
    defaultValue: 4730,
    help: 'port of the job server, or the name of a service',
  },
  {
    name: 'timeout',
    short: 't',
    key: 'timeoutMs',
    type: integer({ min: 0, max: DAY_MS, unit: 'milliseconds', special: { 0: 'no limit' } }),
    defaultValue: 30_000,
    isOwn: true,
    help: 'how long the server may be silent while a reply is due',
  },
  tokenRow,
  exitStatusRow,
  {
    name: 'help',
    type: flag,
    defaultValue: false,
    help: 'print this text',
  },
  versionRow,
] as const satisfies readonly OptionEntry[];

const topRows = [
  {
    name: 'interval',
    key: 'intervalMs',
    type: seconds({ minMs: 100, maxMs: DAY_MS }),
    defaultValue: 2000,
    isOwn: true,
    help: 'time between two samples',
  },
  {
    name: 'count',
    type: integer({ min: 0, max: 2 ** 31 - 1, special: { 0: 'no end' } }),
    defaultValue: 0,
    isOwn: true,
    help: 'samples after which it ends',
  },
  {
    name: 'sort',
    type: choice(...SORT_KEYS),
    defaultValue: 'queued',
    isOwn: true,
    help: 'column that orders the functions, the greatest first; name: by name',
  },
] as const satisfies readonly OptionEntry[];

/** The command line of `gearadmin`. */
export const GEARADMIN: Tool = {
  manual: {
    name: 'gearadmin',
    section: 1,
    summary: 'query and change a Gearman job server',
    usage: ['[options] OPERATION...', '[options] top', '--help [WORD...]'],
    examples: [
      ['gearadmin --status --workers', 'show queues and workers of the server on this machine'],
      ['gearadmin --pause mail=600', 'start no job of mail for ten minutes'],
      [
        'gearadmin top --interval 1 --sort oldest',
        'watch the functions, the oldest waiting job first',
      ],
    ],
    description: [
      'Operations use one connection and run in the order in which they are listed below, whatever their order on the command line. Listings are printed as the server sends them, with the closing dot; other replies without their OK. An error of the server goes to standard error as "Error: TEXT".',
      'Policies, pauses, drains and dead jobs need geartrain as the server. Changes take effect at once. The answer "OK until the server ends" says that the server has no state directory and forgets the change at its end.',
      'gearadmin top shows the functions of a server as they change: jobs queued and running, workers, jobs created and ended per second, the age of the oldest waiting job, jobs that wait for their next run after a failed one, dead jobs, and the gate: open, paused, or closed by the policy of the function (conc = its concurrency, rate), with +d when new jobs are refused. On a terminal narrower than 89 columns CHANGE/S, the difference of IN/S and OUT/S, makes room for RETRY and DEAD. On a terminal it fills the screen until q or Ctrl-C, and s changes the order; otherwise it writes a line of text for each function and sample, columns separated by tabs. A "-" stands for an unknown value: C gearmand reports neither rates nor ages, failed runs and gates, CHANGE/S is known for every server.',
    ],
    environment: TLS_ENVIRONMENT,
    exitCodes: [
      [0, 'every operation was carried out'],
      [
        1,
        'the server cannot be reached, refused an operation or closed the connection; the command line is invalid; with --exit-status c a refused operation gives 0',
      ],
      [130, 'ended by Ctrl-C; top then ends with 0'],
      [141, 'the reader of the output has closed it'],
    ],
    moreExamples: [
      ['gearadmin -h jobs.example.com -p 4731 --server-version', 'the version of another server'],
      ['gearadmin --cancel-job H:web1:7', 'remove a job from its queue'],
      [
        'gearadmin --policy mail=concurrency:5,rate:100/s',
        'limit the running jobs and the starts of mail',
      ],
      ['gearadmin --policy mail --policies', 'the policy of mail, then those of all functions'],
      ['gearadmin --policy mail=reset --resume mail', 'remove the policy, end a pause and a drain'],
      [
        'gearadmin --show-job H:web1:7 --dead mail=10',
        'why a job has failed, and the ten youngest dead jobs of mail',
      ],
      [
        'gearadmin --kick mail',
        'run all dead jobs of mail again; those stay whose unique key a live job has',
      ],
      ['gearadmin top --count 2 | tail -n +2', 'two samples as text, for a script'],
    ],
  },
  options: rowsOf<OptionEntry>([
    { group: 'General', rows: generalRows },
    { group: 'Operations', rows: OPERATIONS.map((operation) => operation.option) },
    { group: 'Options of top', rows: topRows },
    tlsTable,
  ]),
  takesAbbreviations: true,
  onRepeat: 'refuse',
};

/** Values of the rows above, without those of the operations and of TLS. */
export type GearadminValues = ValuesOf<(typeof generalRows | typeof topRows)[number]>;
