/**
 * Options of addresses and connections, in the daemon and in a program. Names, short forms and meanings are gearmand
 * 2.0's; `--socket-mode` and `--admin-from` are extensions.
 */
import { isIP } from 'node:net';
import { type ListenTarget, listenList, port } from '../option/address-types.ts';
import { OptionGroup } from '../option/groups.ts';
import type { OptionTable, ProgramEntry } from '../option/row.ts';
import { fileMode, flag, integer, type ProgramType } from '../option/types.ts';

const INT_MAX = 2 ** 31 - 1;

const keepaliveSeconds = integer({
  min: 1,
  max: 32_767,
  unit: 'seconds',
  special: { [-1]: 'the system decides' },
});

function isRange(word: string): boolean {
  const [address, bits, ...rest] = word.split('/');
  const family = isIP(address ?? '');
  if (family === 0 || rest.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
  );
}

function parseAdminFrom(word: string): readonly string[] | undefined {
  const words = word.split(',').map((part) => part.trim());
  if (words.length === 1 && words[0] === 'any') return words;
  return words.every((part) => part === 'loopback' || isRange(part)) ? words : undefined;
}

/** Sources of admin commands: `any`, or a list of `loopback`, addresses and ranges. */
const adminSources: ProgramType<readonly string[]> = {
  argument: 'any|loopback|list',
  allowed: 'any, or a comma separated list of loopback, addresses and ADDRESS/BITS',
  readText: parseAdminFrom,
  accept: (value) => {
    const word = Array.isArray(value) ? value.join(',') : value;
    return typeof word === 'string' ? parseAdminFrom(word) : undefined;
  },
  show: (words) => words.join(','),
  codeType: 'string | readonly string[]',
  codeAllowed: '`any`, or `loopback`, addresses and `ADDRESS/BITS`, as a list or with commas',
};

const noListenTargets: readonly ListenTarget[] = [];

export const listenTable = {
  group: OptionGroup.listen,
  rows: [
    {
      name: 'port',
      short: 'p',
      type: port,
      defaultValue: 4730,
      environment: {
        variable: 'GEARMAND_PORT',
        read: (word) => (/^[1-9]\d{0,4}$/.test(word) && Number(word) <= 65535 ? word : undefined),
        allowed: '1 to 65535',
        wins: 'overDefault',
      },
      doc: 'port of the binary and text protocol',
      help: 'port for binary and text protocol; when it is 4730, GEARMAND_PORT may replace it',
    },
    {
      name: 'listen',
      short: 'L',
      type: listenList,
      defaultValue: noListenTargets,
      isRepeatable: true,
      doc: 'addresses to listen on; every address of a name is bound; `tls://` in front selects TLS, `tcp://` no TLS, whatever `ssl` says',
      help: 'address to listen on: every address of a name is bound; tls:// in front selects TLS, tcp:// no TLS, whatever --ssl says; may be repeated',
    },
    {
      name: 'backlog',
      short: 'b',
      type: integer({ min: 1, max: INT_MAX }),
      defaultValue: 4096,
      help: 'connections that may wait to be accepted; the system may allow fewer',
    },
    {
      name: 'socket-mode',
      type: fileMode,
      defaultValue: 0o660,
      help: 'permissions of Unix sockets',
    },
    {
      name: 'keepalive',
      type: flag,
      defaultValue: true,
      note: () => '--keepalive is always on',
      doc: 'TCP keepalive on accepted connections',
      help: 'TCP keepalive on accepted connections; always on in the daemon',
    },
    {
      name: 'keepalive-idle',
      type: keepaliveSeconds,
      defaultValue: 120,
      help: 'silence before the first keepalive probe',
    },
    {
      name: 'keepalive-interval',
      type: keepaliveSeconds,
      defaultValue: 30,
      help: 'time between keepalive probes',
    },
    {
      name: 'keepalive-count',
      type: integer({ min: 1, max: 127, special: { [-1]: 'the system decides' } }),
      defaultValue: 4,
      help: 'unanswered keepalive probes that end a connection',
    },
    {
      name: 'tcp-user-timeout',
      type: integer({ min: 1, max: 86_400, unit: 'seconds', special: { 0: 'the system decides' } }),
      defaultValue: 240,
      help: 'how long sent data may stay unacknowledged before a peer counts as dead (Linux, native core)',
    },
    {
      name: 'admin-from',
      type: adminSources,
      defaultValue: ['any'],
      doc: 'peers that may send admin commands',
      help: 'peers that may send admin commands: any, or a list of loopback, addresses and ranges',
    },
  ],
} as const satisfies OptionTable<ProgramEntry>;
