/** Rows that both tools have: TLS and what the exit status tells. */
import type { OptionEntry, OptionTable } from '../../option/row.ts';
import { choice, flag, text } from '../../option/types.ts';

const file = text({ argument: 'file' });

export const tlsTable = {
  group: 'TLS',
  rows: [
    {
      name: 'ssl',
      short: 'S',
      type: flag,
      defaultValue: false,
      help: 'connect by TLS and verify the certificate of the server',
    },
    {
      name: 'tls-ca',
      type: file,
      defaultValue: null,
      defaultText: 'GEARMAND_CA_CERTIFICATE, or the certificates that Node.js trusts',
      isOwn: true,
      help: 'PEM file of the authorities to trust; implies --ssl',
    },
    {
      name: 'tls-cert',
      type: file,
      defaultValue: null,
      defaultText: 'GEARMAN_CLIENT_PEM, or none',
      isOwn: true,
      help: 'PEM file of our own certificate; implies --ssl',
    },
    {
      name: 'tls-key',
      type: file,
      defaultValue: null,
      defaultText: 'GEARMAN_CLIENT_KEY, or none',
      isOwn: true,
      help: 'PEM file of its private key; implies --ssl',
    },
    {
      name: 'tls-insecure',
      type: flag,
      defaultValue: false,
      isOwn: true,
      help: 'do not verify the certificate of the server, as the C tools never do; implies --ssl',
    },
  ],
} as const satisfies OptionTable;

/** Who we are, for servers with rules of access. */
export const tokenRow = {
  name: 'token-file',
  type: file,
  defaultValue: null,
  isOwn: true,
  help: 'file whose first line is the token to show to the server',
} as const satisfies OptionEntry;

export const exitStatusRow = {
  name: 'exit-status',
  type: choice('strict', 'c'),
  defaultValue: 'strict',
  isOwn: true,
  help: 'c = 0 in the cases of failure in which the C tool says 0; strict = 1 in all of them',
} as const satisfies OptionEntry;

/** TLS settings come from these where no option is given, as in libgearman. */
export const TLS_ENVIRONMENT = [
  ['GEARMAND_CA_CERTIFICATE', 'file for --tls-ca when TLS is on'],
  ['GEARMAN_CLIENT_PEM', 'file for --tls-cert when TLS is on'],
  ['GEARMAN_CLIENT_KEY', 'file for --tls-key when TLS is on'],
] as const;

export const versionRow = {
  name: 'version',
  type: flag,
  defaultValue: false,
  isOwn: true,
  help: 'print the version of this tool',
} as const satisfies OptionEntry;
