/**
 * The options table of `gearman`. Short forms are those of the C tool of 1.1.20, which has no long ones; rows marked
 * as our own are not in it.
 */
import type { ReadTool } from '../../option/read-tool.ts';
import { type OptionEntry, rowsOf, type ValuesOf } from '../../option/row.ts';
import type { Tool } from '../../option/tool.ts';
import { flag, integer, text } from '../../option/types.ts';
import {
  exitStatusRow,
  TLS_ENVIRONMENT,
  tlsTable,
  tokenRow,
  versionRow,
} from '../tool/shared-rows.ts';
import { afterBlanks, serverList, serverPort, word } from '../tool/value-types.ts';

const INT_MAX = 2 ** 31 - 1;
const PARALLEL_MAX = 10_000;

const commonRows = [
  {
    name: 'function',
    short: 'f',
    key: 'functions',
    type: word('name', 'any non-empty name', (name) => name !== ''),
    defaultValue: [],
    defaultText: 'needed',
    isRepeatable: true,
    help: 'function to call or to offer; may be repeated',
  },
  {
    name: 'host',
    short: 'h',
    type: serverList,
    defaultValue: [{ host: 'localhost', port: null }],
    defaultText: 'GEARMAN_SERVER, or localhost',
    help: 'job servers; the environment wins, as with the C tool',
  },
  {
    name: 'port',
    short: 'p',
    type: serverPort,
    defaultValue: 4730,
    help: 'port of job servers given without one, or the name of a service',
  },
  {
    name: 'timeout',
    short: 't',
    key: 'timeoutMs',
    type: afterBlanks(
      integer({ min: -1, max: INT_MAX, unit: 'milliseconds', special: { [-1]: 'no limit' } }),
    ),
    defaultValue: -1,
    help: 'longest silence: of a submitted job, or of a worker without a job',
  },
  {
    name: 'parallel',
    type: integer({ min: 1, max: PARALLEL_MAX }),
    defaultValue: 1,
    isOwn: true,
    help: 'workloads that are processed at a time in the foreground; commands that a worker runs at a time',
  },
  {
    name: 'pid-file',
    short: 'i',
    type: text({ argument: 'file' }),
    defaultValue: null,
    help: 'file for the process id, removed at exit',
  },
  {
    name: 'daemon',
    short: 'd',
    type: flag,
    defaultValue: false,
    help: 'run in the background, without output; the C tool has it, but does not list it',
  },
  {
    name: 'verbose',
    short: 'v',
    type: flag,
    defaultValue: false,
    help: 'client: print the handle of each job; worker: report connections and jobs on standard error',
  },
  {
    name: 'json',
    type: flag,
    defaultValue: false,
    isOwn: true,
    help: 'write events as lines of JSON, see JSON',
  },
  tokenRow,
  exitStatusRow,
  {
    name: 'help',
    short: 'H',
    type: flag,
    defaultValue: false,
    help: 'print this text',
  },
  versionRow,
] as const satisfies readonly OptionEntry[];

const clientRows = [
  {
    name: 'background',
    short: 'b',
    type: flag,
    defaultValue: false,
    help: 'queue the jobs and do not wait for them',
  },
  {
    name: 'high',
    short: 'I',
    type: flag,
    defaultValue: false,
    help: 'with high priority',
  },
  {
    name: 'low',
    short: 'L',
    type: flag,
    defaultValue: false,
    help: 'with low priority; of -I and -L the last one counts',
  },
  {
    name: 'lines',
    short: 'n',
    type: flag,
    defaultValue: false,
    help: 'a job for each line of standard input; worker: send each line of output as it comes (WORK_DATA)',
  },
  {
    name: 'lines-stripped',
    short: 'N',
    type: flag,
    defaultValue: false,
    help: 'the same, without the line end',
  },
  {
    name: 'prefix',
    short: 'P',
    type: flag,
    defaultValue: false,
    help: 'put "FUNCTION: " before all output of a job',
  },
  {
    name: 'empty',
    short: 's',
    type: flag,
    defaultValue: false,
    help: 'an empty workload; standard input is not read',
  },
  {
    name: 'unique',
    short: 'u',
    type: word('key', 'at most 64 bytes', (key) => Buffer.byteLength(key) <= 64),
    defaultValue: null,
    defaultText: 'a new one for each job',
    help: 'unique key; # = a hash of the workload, - = the server compares workloads',
  },
  {
    name: 'quiet',
    short: 'q',
    type: flag,
    defaultValue: false,
    isOwn: true,
    help: 'no progress bar on a terminal, and no message when no worker offers a function',
  },
] as const satisfies readonly OptionEntry[];

const workerRows = [
  {
    name: 'worker',
    short: 'w',
    type: flag,
    defaultValue: false,
    help: 'work on jobs: run the command for each, the workload on its standard input',
  },
  {
    name: 'count',
    short: 'c',
    type: afterBlanks(integer({ min: 0, max: INT_MAX, special: { 0: 'no end' } })),
    defaultValue: 0,
    help: 'attempts after which it ends: a job, a silence of -t, or a failure to reach any server',
  },
  {
    name: 'stream',
    type: flag,
    defaultValue: false,
    isOwn: true,
    help: 'send output as it comes (WORK_DATA) instead of as the result at the end',
  },
] as const satisfies readonly OptionEntry[];

/** The command line of `gearman`. */
export const GEARMAN: Tool = {
  manual: {
    name: 'gearman',
    section: 1,
    summary: 'submit jobs to a Gearman job server, or work on them',
    usage: [
      '[options] -f FUNCTION [WORKLOAD...]',
      '[options] -f FUNCTION -n < LINES',
      '-w [options] -f FUNCTION [--] [COMMAND [ARG...]]',
      '--help [WORD...]',
    ],
    examples: [
      ['gearman -w -f wc -- wc -l', 'count lines as a worker'],
      ['gearman -f wc < /etc/passwd', 'let it count'],
      ['gearman -f resize -b a.jpg b.jpg', 'queue two jobs'],
    ],
    description: [
      'Without -w it is a client. Each WORKLOAD becomes a job of every FUNCTION; without one, standard input is the workload, whole or by lines. Foreground jobs run one workload after the other; their data is written as it arrives, warnings and exceptions to standard error. Background jobs are submitted as fast as the server takes them, and standard input is read no faster than that.',
      'With -w it is a worker. The command is run for each job: the workload is its standard input, its standard output the result. A command that ends with another exit status than 0, or by a signal, fails its job, after sending its output as WORK_DATA. Without a command workloads are written to standard output. When the worker ends, running commands are ended too, and their jobs go back to the server.',
      'JSON: each line is an object with "event" and, where they apply, "function", "handle", "index" (of the workload, from 0), "data" (text) or "base64" (bytes that are not UTF-8), "numerator", "denominator", "message". Events of a client: created, queued, data, status, warning, exception, complete, fail, error; of a worker: job, complete, fail.',
    ],
    environment: [
      ['GEARMAN_SERVER', 'job servers as HOST:PORT,...; used instead of -h and -p'],
      ['GEARMAN_SERVERS', 'more job servers, used before the others'],
      ...TLS_ENVIRONMENT,
    ],
    exitCodes: [
      [0, 'all jobs succeeded or were queued; the worker has done its -c attempts'],
      [
        1,
        'a job failed or was refused, -t was exceeded, no job server could be reached, the command line is invalid; --exit-status c gives 0 unless a job failed or the command line is invalid',
      ],
      [130, 'ended by Ctrl-C'],
      [141, 'the reader of the output has closed it'],
    ],
    moreExamples: [
      ['gearman -f mail -b -N < addresses.txt', 'queue a job for each line'],
      ['gearman -f render -t 60000 --json scene.json | jq .', 'wait, at most a minute of silence'],
      [
        'gearman -w -f build --parallel 4 -i build.pid -d -- ./build.sh',
        'four at a time, in the background',
      ],
    ],
  },
  options: rowsOf<OptionEntry>([
    { group: 'Client and worker', rows: commonRows },
    { group: 'Client', rows: clientRows },
    { group: 'Worker', rows: workerRows },
    tlsTable,
  ]),
  takesAbbreviations: false,
  onRepeat: 'last wins',
};

type Row = (typeof commonRows | typeof clientRows | typeof workerRows)[number];

/** Values of the rows above. */
export interface GearmanValues extends Omit<ValuesOf<Row>, 'functions' | 'high' | 'low'> {
  readonly functions: readonly string[];
  readonly priority: 'high' | 'normal' | 'low';
}

/** The values that were given; of two priorities the last one counts. */
export function gearmanValues({ values, given }: ReadTool): GearmanValues {
  const last = [...given].findLast((key) => key === 'high' || key === 'low');
  return { ...values, priority: last ?? 'normal' } as unknown as GearmanValues;
}
