/** Rows that both tools have: TLS and what the exit status tells. */
import { choice, flag, text } from '../../server/options/option-type.ts';
import type { ToolOption } from './tool-option.ts';

export const TLS_GROUP = 'TLS';

const file = text({ argument: 'file' });

/** `sslName` is how the C tool calls the switch. */
export const tlsRows = [
  {
    name: 'ssl',
    short: 'S',
    key: 'ssl',
    type: flag,
    fallback: false,
    group: TLS_GROUP,
    help: 'connect by TLS and verify the certificate of the server',
  },
  {
    name: 'tls-ca',
    key: 'tlsCa',
    type: file,
    fallback: null,
    fallbackText: 'GEARMAND_CA_CERTIFICATE, or the certificates that Node.js trusts',
    group: TLS_GROUP,
    isOwn: true,
    help: 'PEM file of the authorities to trust; implies --ssl',
  },
  {
    name: 'tls-cert',
    key: 'tlsCert',
    type: file,
    fallback: null,
    fallbackText: 'GEARMAN_CLIENT_PEM, or none',
    group: TLS_GROUP,
    isOwn: true,
    help: 'PEM file of our own certificate; implies --ssl',
  },
  {
    name: 'tls-key',
    key: 'tlsKey',
    type: file,
    fallback: null,
    fallbackText: 'GEARMAN_CLIENT_KEY, or none',
    group: TLS_GROUP,
    isOwn: true,
    help: 'PEM file of its private key; implies --ssl',
  },
  {
    name: 'tls-insecure',
    key: 'tlsInsecure',
    type: flag,
    fallback: false,
    group: TLS_GROUP,
    isOwn: true,
    help: 'do not verify the certificate of the server, as the C tools never do; implies --ssl',
  },
] as const satisfies readonly ToolOption[];

/** Who we are, for servers with rules of access. */
export const tokenRow = {
  name: 'token-file',
  key: 'tokenFile',
  type: file,
  fallback: null,
  group: 'General',
  isOwn: true,
  help: 'file whose first line is the token to show to the server',
} as const satisfies ToolOption;

export const exitStatusRow = {
  name: 'exit-status',
  key: 'exitStatus',
  type: choice('strict', 'c'),
  fallback: 'strict',
  group: 'General',
  isOwn: true,
  help: 'c = 0 in the cases of failure in which the C tool says 0; strict = 1 in all of them',
} as const satisfies ToolOption;

/** TLS settings come from these where no option is given, as in libgearman. */
export const TLS_ENVIRONMENT = [
  ['GEARMAND_CA_CERTIFICATE', 'file for --tls-ca when TLS is on'],
  ['GEARMAN_CLIENT_PEM', 'file for --tls-cert when TLS is on'],
  ['GEARMAN_CLIENT_KEY', 'file for --tls-key when TLS is on'],
] as const;

/** Of both tools, in the group of `--help`. */
export const versionRow = (group: string) =>
  ({
    name: 'version',
    key: 'version',
    type: flag,
    fallback: false,
    group,
    isOwn: true,
    help: 'print the version of this tool',
  }) as const satisfies ToolOption;
