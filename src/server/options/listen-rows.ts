/**
 * Rows of the options table for addresses and connections, in the daemon and inside a program.
 * Names, short forms and meanings are gearmand 2.0's, `--socket-mode` and `--admin-from` are our own.
 */
import { adminSources, type ListenTarget, listenList, port } from './address-types.ts';
import { OptionGroup, type OptionRow } from './option-row.ts';
import { fileMode, flag, integer } from './option-type.ts';

const INT_MAX = 2 ** 31 - 1;

const keepaliveSeconds = integer({
  min: 1,
  max: 32_767,
  unit: 'seconds',
  special: { [-1]: 'the system decides' },
});

const noListenTargets: readonly ListenTarget[] = [];

export const listenRows = [
  {
    name: 'port',
    short: 'p',
    key: 'port',
    type: port,
    fallback: 4730,
    group: OptionGroup.listen,
    scope: 'server',
    effect: 'used',
    environment: {
      variable: 'GEARMAND_PORT',
      read: (word) => (/^[1-9]\d{0,4}$/.test(word) && Number(word) <= 65535 ? word : undefined),
      allowed: '1 to 65535',
      wins: 'overDefault',
    },
    help: 'port for binary and text protocol; when it is 4730, GEARMAND_PORT may name another',
  },
  {
    name: 'listen',
    short: 'L',
    key: 'listen',
    type: listenList,
    fallback: noListenTargets,
    group: OptionGroup.listen,
    scope: 'server',
    effect: 'used',
    isRepeatable: true,
    help: 'address to listen on: every address of a name is bound; tls:// in front asks for TLS, tcp:// for none whatever --ssl says; may be repeated',
  },
  {
    name: 'backlog',
    short: 'b',
    key: 'backlog',
    type: integer({ min: 1, max: INT_MAX }),
    fallback: 4096,
    group: OptionGroup.listen,
    scope: 'server',
    effect: 'used',
    help: 'connections that may wait to be accepted; the system may allow fewer',
  },
  {
    name: 'socket-mode',
    key: 'socketMode',
    type: fileMode,
    fallback: 0o660,
    group: OptionGroup.listen,
    scope: 'server',
    effect: 'used',
    help: 'permissions of Unix sockets',
  },
  {
    name: 'keepalive',
    key: 'keepalive',
    type: flag,
    fallback: true,
    group: OptionGroup.listen,
    scope: 'server',
    effect: 'used',
    note: () => '--keepalive is always on',
    help: 'TCP keepalive on accepted connections; always on in the daemon',
  },
  {
    name: 'keepalive-idle',
    key: 'keepaliveIdle',
    type: keepaliveSeconds,
    fallback: 120,
    group: OptionGroup.listen,
    scope: 'server',
    effect: 'used',
    help: 'silence before the first keepalive probe',
  },
  {
    name: 'keepalive-interval',
    key: 'keepaliveInterval',
    type: keepaliveSeconds,
    fallback: 30,
    group: OptionGroup.listen,
    scope: 'server',
    effect: 'used',
    help: 'time between keepalive probes',
  },
  {
    name: 'keepalive-count',
    key: 'keepaliveCount',
    type: integer({ min: 1, max: 127, special: { [-1]: 'the system decides' } }),
    fallback: 4,
    group: OptionGroup.listen,
    scope: 'server',
    effect: 'used',
    help: 'unanswered keepalive probes that end a connection',
  },
  {
    name: 'tcp-user-timeout',
    key: 'tcpUserTimeout',
    type: integer({ min: 1, max: 86_400, unit: 'seconds', special: { 0: 'the system decides' } }),
    fallback: 240,
    group: OptionGroup.listen,
    scope: 'server',
    effect: 'used',
    help: 'how long sent data may stay unacknowledged before a peer counts as dead (Linux, native core)',
  },
  {
    name: 'admin-from',
    key: 'adminFrom',
    type: adminSources,
    fallback: ['any'],
    group: OptionGroup.listen,
    scope: 'server',
    effect: 'used',
    help: 'who may send admin commands: any, or a list of loopback, addresses and ranges',
  },
] as const satisfies readonly OptionRow[];
