/** Options of both tools: TLS and the meaning of the exit status. */
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
      help: 'PEM file of the certificate of this client; implies --ssl',
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

/** The option for the token, which servers with access rules ask for. */
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
  help: 'c = 0 for the failures for which the C tool returns 0; strict = 1 for all of them',
} as const satisfies OptionEntry;

/** Environment variables from which TLS settings are taken when no option is given, as in libgearman. */
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
