/**
 * Options of access and limits: what a peer may do and how much it may use. Without rules every peer may do
 * everything, as with gearmand.
 */
import { OptionGroup } from '../option/groups.ts';
import type { OptionTable, ProgramEntry } from '../option/row.ts';
import { integer, list, size, text } from '../option/types.ts';
import { PACKET_BYTES_DEFAULT } from '../protocol/limits.ts';
import { parseRule } from './access.ts';

const INT_MAX = 2 ** 31 - 1;
const MIB = 1024 ** 2;
/** Greatest `--max-packet-size`: below PACKET_BYTES_LIMIT, and a number that can be written with a suffix. */
const PACKET_BYTES_MAX = 2047 * MIB;

const accessRules = list({
  argument: 'rule',
  allowed:
    'WHO=RIGHTS or WHO=RIGHTS:FUNCTIONS; WHO is any, token:NAME or cert:COMMON-NAME; RIGHTS is a list of submit,work,admin and, for the control port, view,inspect,operate; * in a name matches any text',
  read: (word) => (parseRule(word) === undefined ? undefined : word),
  show: String,
  none: 'every peer may do everything',
});

const noRules: readonly string[] = [];
const noLimit = { min: 0, max: INT_MAX, special: { 0: 'no limit' } } as const;

/** Why a rule that names a token or certificate can match no peer, or null. */
function unmet(
  rules: readonly string[],
  who: string,
  option: unknown,
  name: string,
): string | null {
  const rule = rules.find((text) => text.startsWith(`${who}:`));
  return rule === undefined || option !== null ? null : `${rule} never applies without ${name}`;
}

export const accessTable = {
  group: OptionGroup.access,
  rows: [
    {
      name: 'allow',
      type: accessRules,
      defaultValue: noRules,
      isRepeatable: true,
      conflict: (rules: readonly string[], values) =>
        unmet(rules, 'token', values.tokenFile, '--token-file') ??
        unmet(rules, 'cert', values.tlsClientCa, '--tls-client-ca'),
      doc: 'access rules: which peers may submit, work and give text commands; with rules, everything else is refused',
      help: 'access rule: which peers may submit, work and give text commands; may be repeated; with rules, everything else is refused',
    },
    {
      name: 'token-file',
      type: text({ argument: 'file' }),
      defaultValue: null,
      doc: 'file with one token on each line, as NAME TOKEN or NAME sha256:HEX',
      help: 'file with one token on each line, as NAME TOKEN or NAME sha256:HEX; read again on SIGHUP',
    },
    {
      name: 'audit-log',
      type: text({ argument: 'file' }),
      defaultValue: null,
      doc: 'file with one line of JSON for each change that the JSON API or a text command has made',
      help: 'file with one line of JSON for each change by the JSON API or a text command; opened anew on SIGHUP',
    },
  ],
} as const satisfies OptionTable<ProgramEntry>;

export const limitTable = {
  group: OptionGroup.limits,
  rows: [
    {
      name: 'max-connections',
      type: integer(noLimit),
      defaultValue: 0,
      help: 'connections at a time; beyond that new ones are closed at once',
    },
    {
      name: 'max-connections-per-address',
      type: integer(noLimit),
      defaultValue: 0,
      help: 'connections of one IP address at a time; beyond that new ones are closed at once',
    },
    {
      name: 'max-packet-rate',
      type: integer(noLimit),
      defaultValue: 0,
      help: 'packets and text lines that one connection may send in a second; beyond that it is paused, not dropped',
    },
    {
      name: 'max-byte-rate',
      type: size({ min: 1024, max: 2 ** 40, special: { 0: 'no limit' } }),
      defaultValue: 0,
      help: 'bytes that one connection may send in a second; beyond that it is paused, not dropped',
    },
    {
      name: 'max-packet-size',
      type: size({ min: 8192, max: PACKET_BYTES_MAX }),
      defaultValue: PACKET_BYTES_DEFAULT,
      doc: 'longest packet in bytes; a longer one is answered with ERROR and its connection is closed',
      help: 'longest packet in bytes; a longer one is answered with ERROR and its connection is closed',
    },
    {
      name: 'output-limit',
      type: size({ min: 65_536, max: PACKET_BYTES_MAX }),
      defaultValue: 64 * MIB,
      help: 'unsent output of one connection; beyond that the connection is dropped',
    },
    {
      name: 'max-memory',
      type: size({ min: MIB, max: 2 ** 50, special: { 0: 'no limit' } }),
      defaultValue: 0,
      help: 'memory that peers may make the server keep: jobs, function names, connections; new jobs stop at 7/8 of it',
    },
    {
      name: 'max-functions',
      type: integer({ min: 1, max: INT_MAX }),
      defaultValue: 1_000_000,
      help: 'functions known at a time',
    },
  ],
} as const satisfies OptionTable<ProgramEntry>;
