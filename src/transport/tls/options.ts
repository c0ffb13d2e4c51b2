/**
 * Options of TLS: `--ssl` and its files are gearmand's, also by its environment variables; versions, client
 * certificates and limits of handshakes are extensions. Rule: this file does not read the named files.
 */
import type { ListenTarget } from '../../option/address-types.ts';
import { OptionGroup } from '../../option/groups.ts';
import type { OptionTable, OptionValues, ProgramEntry } from '../../option/row.ts';
import { choice, flag, integer, text } from '../../option/types.ts';

const HANDSHAKES_MAX = 1_000_000;
const SECONDS_MAX = 3_600;

const file = text({ argument: 'file' });

/** Whether any address uses TLS, including the control port. */
export function usesTls(values: OptionValues): boolean {
  const targets = (values.listen ?? []) as readonly ListenTarget[];
  return (
    values.ssl === true ||
    (values.control as { readonly isSecure?: boolean } | null)?.isSecure === true ||
    targets.some((target) => 'host' in target && target.isSecure === true)
  );
}

const missing = (values: OptionValues): string | null =>
  usesTls(values) ? null : '--ssl or tls:// before an address';

/** The environment variable of an option. It wins over the option, as in gearmand. */
const variable = (name: string) => ({
  variable: name,
  read: (word: string) => word,
  allowed: 'a file',
  wins: 'always' as const,
});

export const tlsTable = {
  group: OptionGroup.tls,
  rows: [
    {
      name: 'ssl',
      type: flag,
      defaultValue: false,
      help: 'TLS on every address of --listen that does not begin with tcp:// or unix:; without it on those that begin with tls://',
    },
    {
      name: 'ssl-certificate',
      type: file,
      defaultValue: '/etc/ssl/certs/gearmand.pem',
      environment: variable('GEARMAND_SERVER_PEM'),
      missing,
      doc: "PEM file with the server's certificate and its intermediate certificates",
      help: "PEM file with the server's certificate and its intermediate certificates; read again on SIGHUP; GEARMAND_SERVER_PEM wins",
    },
    {
      name: 'ssl-key',
      type: file,
      defaultValue: '/etc/ssl/certs/gearmand.key',
      environment: variable('GEARMAND_SERVER_KEY'),
      missing,
      doc: 'PEM file with its private key, not encrypted',
      help: 'PEM file with its private key, not encrypted; GEARMAND_SERVER_KEY wins',
    },
    {
      name: 'ssl-ca-file',
      type: file,
      defaultValue: null,
      environment: variable('GEARMAND_CA_CERTIFICATE'),
      missing,
      doc: "PEM file with certificates that complete the server's chain",
      help: "PEM file with certificates that complete the server's chain; GEARMAND_CA_CERTIFICATE wins; for client certificates use --tls-client-ca",
    },
    {
      name: 'tls-min-version',
      type: choice('1.2', '1.3'),
      defaultValue: '1.2',
      missing,
      help: 'the oldest accepted version of TLS',
    },
    {
      name: 'tls-client-ca',
      type: file,
      defaultValue: null,
      missing,
      help: 'PEM file with the authorities of client certificates; with it, clients are asked for a certificate',
    },
    {
      name: 'tls-client-auth',
      type: { ...choice('required', 'optional'), argument: 'how' },
      defaultValue: 'required',
      missing: (values) => (values.tlsClientCa === null ? '--tls-client-ca' : null),
      doc: 'whether a client without a certificate is refused, with `tlsClientCa`',
      help: 'required = a client without a certificate is refused; optional = it is served, but a bad certificate is not',
    },
    {
      name: 'handshake-timeout',
      type: integer({ min: 1, max: SECONDS_MAX, unit: 'seconds' }),
      defaultValue: 10,
      missing,
      help: 'time limit for the first message of a peer of a TLS address, and again for its handshake; a peer that exceeds it is closed',
    },
    {
      name: 'max-handshakes',
      type: integer({ min: 1, max: HANDSHAKES_MAX }),
      defaultValue: 1000,
      missing,
      help: 'peers without a first message that may wait at each TLS address, and open handshakes in each thread; beyond that the oldest is closed',
    },
  ],
} as const satisfies OptionTable<ProgramEntry>;
