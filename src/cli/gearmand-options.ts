/**
 * All options of the command `gearmand`: the options of the server, and those of the command only, which are in this
 * file: process, log file, and options of the C gearmand that have no meaning here.
 */
import { LogLevel } from '../base/logger.ts';
import { OptionGroup } from '../option/groups.ts';
import {
  type OptionEntry,
  type OptionRow,
  type OptionTable,
  rowsOf,
  type ValuesOf,
} from '../option/row.ts';
import { choice, flag, integer, text } from '../option/types.ts';
import { SERVER_TABLES, type ServerValues } from '../server/options.ts';

/** The default config file. */
export const CONFIG_FILE = '/etc/gearmand.conf';

const INT_MAX = 2 ** 31 - 1;
const file = text({ argument: 'file' });
const levelNames = Object.keys(LogLevel) as (keyof typeof LogLevel)[];

const processTable = {
  group: OptionGroup.process,
  rows: [
    {
      name: 'daemon',
      short: 'd',
      isWordOnly: true,
      type: flag,
      defaultValue: false,
      help: 'run in the background; the command returns when the port is bound',
    },
    {
      name: 'pid-file',
      short: 'P',
      type: file,
      defaultValue: null,
      help: 'file for the process id, removed at exit',
    },
    {
      name: 'user',
      short: 'u',
      type: text({ argument: 'name' }),
      defaultValue: null,
      help: 'user to switch to; certificates, keys and tokens are read before, and the state directory is made and handed over; only root can',
    },
    {
      name: 'file-descriptors',
      short: 'f',
      type: integer({ min: 1, max: INT_MAX, special: { 0: 'as it is' } }),
      defaultValue: 0,
      help: 'limit of open files and connections (needs the native core)',
    },
    {
      name: 'config-file',
      type: file,
      defaultValue: CONFIG_FILE,
      help: 'file with more options, written as on the command line, which wins; only the default file may be missing',
    },
    {
      name: 'export',
      isWordOnly: true,
      type: file,
      defaultValue: null,
      conflict: (value, values) =>
        value !== null && values.import !== null ? 'not together with --import' : null,
      help: 'write all background jobs that the store of -q keeps as lines of JSON and exit; - is standard output',
    },
    {
      name: 'import',
      isWordOnly: true,
      type: file,
      defaultValue: null,
      help: 'add the background jobs of such a file to the store of -q, all or none, and exit; - is standard input',
    },
    {
      name: 'check-args',
      isWordOnly: true,
      type: flag,
      defaultValue: false,
      isHidden: true,
      help: 'read all options and exit: 0 when they are valid, 1 when not',
    },
    {
      name: 'check-config',
      isWordOnly: true,
      type: flag,
      defaultValue: false,
      help: 'read all options, print those that were given and where they came from, and exit: 1 when one is not allowed',
    },
    {
      name: 'help',
      short: 'h',
      isWordOnly: true,
      type: flag,
      defaultValue: false,
      help: 'print all options and exit',
    },
    {
      name: 'version',
      short: 'V',
      isWordOnly: true,
      type: flag,
      defaultValue: false,
      help: 'print the version and exit',
    },
  ],
} as const satisfies OptionTable;

const logTable = {
  group: OptionGroup.log,
  rows: [
    {
      name: 'log-file',
      short: 'l',
      type: file,
      defaultValue: null,
      defaultText: 'stderr; with --daemon /var/log/gearmand.log',
      help: 'log file, or stderr, or none; SIGHUP opens it again',
    },
    {
      name: 'log-format',
      type: choice('auto', 'gearmand', 'json', 'pretty'),
      defaultValue: 'auto',
      help: 'lines of the log: auto = pretty on a terminal, json on stderr in a container, otherwise as gearmand writes them',
    },
    {
      name: 'verbose',
      type: choice(...levelNames),
      defaultValue: 'WARNING',
      help: `the most detailed level that is logged: ${levelNames.join(', ')}`,
    },
    {
      name: 'syslog',
      type: flag,
      defaultValue: false,
      help: 'log to syslog as well (ident gearmand, facility user)',
    },
  ],
} as const satisfies OptionTable;

const tokyoCabinetTable = {
  group: OptionGroup.plugins,
  rows: [
    {
      name: 'libtokyocabinet-file',
      type: file,
      defaultValue: null,
      noEffect: '--libtokyocabinet-file has no effect without --queue-type libtokyocabinet',
      help: 'Tokyo Cabinet file',
    },
    {
      name: 'libtokyocabinet-optimize',
      type: flag,
      defaultValue: true,
      noEffect: '--libtokyocabinet-optimize has no effect without --queue-type libtokyocabinet',
      help: 'optimise the file at start',
    },
  ],
} as const satisfies OptionTable;

const ignoredTable = {
  group: OptionGroup.ignored,
  rows: [
    {
      name: 'hashtable-buckets',
      type: integer({ min: 1, max: 2 ** 32 - 1 }),
      defaultValue: 991,
      noEffect: '--hashtable-buckets has no effect, tables grow and shrink with the number of jobs',
      help: "size of gearmand's job tables; here they grow by themselves",
    },
    {
      name: 'coredump',
      type: flag,
      defaultValue: false,
      noEffect: '--coredump has no effect, no crash handlers are installed',
      help: 'leave crashes to the system; here always so',
    },
  ],
} as const satisfies OptionTable;

type Table = typeof processTable | typeof logTable | typeof tokyoCabinetTable | typeof ignoredTable;

/** All values of one start by key, after defaults. */
export type GearmandValues = ServerValues & ValuesOf<Table['rows'][number]>;

const GROUPS: readonly string[] = Object.values(OptionGroup);

/** All rows, in the order of help and docs/options.md: by heading, then in the order of this list. */
export const OPTIONS: readonly OptionRow[] = rowsOf<OptionEntry>([
  logTable,
  ...SERVER_TABLES,
  processTable,
  tokyoCabinetTable,
  ignoredTable,
]).sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group));
