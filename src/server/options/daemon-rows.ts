/**
 * Rows of the options table that only the command `gearmand` knows: process, log file, and gearmand's options that
 * have no meaning here or belong to stores and protocols which this version lacks.
 */
import { LogLevel } from '../../base/logger.ts';
import { OptionGroup, type OptionRow } from './option-row.ts';
import { choice, flag, integer, text } from './option-type.ts';

const INT_MAX = 2 ** 31 - 1;
const file = text({ argument: 'file' });
const levelNames = Object.keys(LogLevel) as (keyof typeof LogLevel)[];

export const processRows = [
  {
    name: 'daemon',
    short: 'd',
    key: 'daemon',
    isWordOnly: true,
    type: flag,
    fallback: false,
    group: OptionGroup.process,
    scope: 'daemon',
    effect: 'used',
    help: 'run in the background; the command returns when the port is bound',
  },
  {
    name: 'pid-file',
    short: 'P',
    key: 'pidFile',
    type: file,
    fallback: null,
    group: OptionGroup.process,
    scope: 'daemon',
    effect: 'used',
    help: 'file for the process id, removed at exit',
  },
  {
    name: 'user',
    short: 'u',
    key: 'user',
    type: text({ argument: 'name' }),
    fallback: null,
    group: OptionGroup.process,
    scope: 'daemon',
    effect: 'used',
    help: 'user to become before any file is made; only root can',
  },
  {
    name: 'file-descriptors',
    short: 'f',
    key: 'fileDescriptors',
    type: integer({ min: 1, max: INT_MAX, special: { 0: 'as it is' } }),
    fallback: 0,
    group: OptionGroup.process,
    scope: 'daemon',
    effect: 'used',
    help: 'limit of open files and connections (needs the native core)',
  },
  {
    name: 'config-file',
    key: 'configFile',
    type: file,
    fallback: '/etc/gearmand.conf',
    group: OptionGroup.process,
    scope: 'daemon',
    effect: 'used',
    help: 'file with further options, written as on the command line, which wins; only the default may be missing',
  },
  {
    name: 'check-args',
    key: 'checkArgs',
    isWordOnly: true,
    type: flag,
    fallback: false,
    group: OptionGroup.process,
    scope: 'daemon',
    effect: 'used',
    isHidden: true,
    help: 'read all options and exit: 0 when they are good, 1 when not',
  },
  {
    name: 'check-config',
    key: 'checkConfig',
    isWordOnly: true,
    type: flag,
    fallback: false,
    group: OptionGroup.process,
    scope: 'daemon',
    effect: 'used',
    help: 'read all options, print those that were given and where they came from, and exit: 1 when one is not allowed',
  },
  {
    name: 'help',
    short: 'h',
    key: 'help',
    isWordOnly: true,
    type: flag,
    fallback: false,
    group: OptionGroup.process,
    scope: 'daemon',
    effect: 'used',
    help: 'print all options and exit',
  },
  {
    name: 'version',
    short: 'V',
    key: 'version',
    isWordOnly: true,
    type: flag,
    fallback: false,
    group: OptionGroup.process,
    scope: 'daemon',
    effect: 'used',
    help: 'print the version and exit',
  },
] as const satisfies readonly OptionRow[];

export const logRows = [
  {
    name: 'log-file',
    short: 'l',
    key: 'logFile',
    type: file,
    fallback: null,
    fallbackText: 'stderr; with --daemon /var/log/gearmand.log',
    group: OptionGroup.log,
    scope: 'daemon',
    effect: 'used',
    help: 'log file, or stderr, or none; SIGHUP opens it anew',
  },
  {
    name: 'log-format',
    key: 'logFormat',
    type: choice('auto', 'gearmand', 'json', 'pretty'),
    fallback: 'auto',
    group: OptionGroup.log,
    scope: 'daemon',
    effect: 'used',
    help: 'lines of the log: auto = pretty on a terminal, json on stderr in a container, else as gearmand writes them',
  },
  {
    name: 'verbose',
    key: 'verbose',
    type: choice(...levelNames),
    fallback: 'ERROR',
    group: OptionGroup.log,
    scope: 'daemon',
    effect: 'used',
    help: `the most talkative level that is logged: ${levelNames.join(', ')}`,
  },
  {
    name: 'syslog',
    key: 'syslog',
    type: flag,
    fallback: false,
    group: OptionGroup.log,
    scope: 'daemon',
    effect: 'used',
    help: 'log to syslog as well (ident gearmand, facility user)',
  },
] as const satisfies readonly OptionRow[];

const ignored = { group: OptionGroup.ignored, scope: 'daemon' } as const;

export const ignoredRows = [
  {
    ...ignored,
    name: 'hashtable-buckets',
    key: 'hashtableBuckets',
    type: integer({ min: 1, max: 2 ** 32 - 1 }),
    fallback: 991,
    effect: '--hashtable-buckets has no effect, tables grow and shrink with the number of jobs',
    help: "size of gearmand's job tables; here they grow by themselves",
  },
  {
    ...ignored,
    name: 'coredump',
    key: 'coredump',
    type: flag,
    fallback: false,
    effect: '--coredump has no effect, no crash handlers are installed',
    help: 'leave crashes to the system; here always so',
  },
] as const satisfies readonly OptionRow[];
