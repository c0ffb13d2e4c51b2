/**
 * Rows of the options table for TLS: `--ssl` and its files are gearmand's, also by its environment variables; versions,
 * client certificates and limits of handshakes are our own. The files themselves are read by tls-files.ts.
 */
import type { ListenTarget } from './address-types.ts';
import type { ControlAddress } from './control-rows.ts';
import { OptionGroup, type OptionRow, type OptionValues } from './option-row.ts';
import { choice, flag, integer, text } from './option-type.ts';

const HANDSHAKES_MAX = 1_000_000;
const SECONDS_MAX = 3_600;

const file = text({ argument: 'file' });

const ofTls = { group: OptionGroup.tls, scope: 'server', effect: 'used' } as const;

/** Whether any address is served with TLS, that of the control port included. */
export function usesTls(values: OptionValues): boolean {
  const targets = (values.listen ?? []) as readonly ListenTarget[];
  return (
    values.ssl === true ||
    (values.control as ControlAddress | null)?.isSecure === true ||
    targets.some((target) => 'host' in target && target.isSecure === true)
  );
}

const without =
  (name: string) =>
  (_value: unknown, values: OptionValues): string | null =>
    usesTls(values) ? null : `--${name} has no effect without --ssl or tls:// before an address`;

/** As with gearmand, the variable beats the option. */
const variable = (name: string) => ({
  variable: name,
  read: (word: string) => word,
  allowed: 'a file',
  wins: 'always' as const,
});

export const tlsRows = [
  {
    ...ofTls,
    name: 'ssl',
    key: 'ssl',
    type: flag,
    fallback: false,
    help: 'TLS on every address of --listen that does not begin with tcp:// or unix:; without it on those that begin with tls://',
  },
  {
    ...ofTls,
    name: 'ssl-certificate',
    key: 'sslCertificate',
    type: file,
    fallback: '/etc/ssl/certs/gearmand.pem',
    environment: variable('GEARMAND_SERVER_PEM'),
    note: without('ssl-certificate'),
    help: "PEM file with the server's certificate and those between it and a root; read again on SIGHUP; GEARMAND_SERVER_PEM wins",
  },
  {
    ...ofTls,
    name: 'ssl-key',
    key: 'sslKey',
    type: file,
    fallback: '/etc/ssl/certs/gearmand.key',
    environment: variable('GEARMAND_SERVER_KEY'),
    note: without('ssl-key'),
    help: 'PEM file with its private key, not encrypted; GEARMAND_SERVER_KEY wins',
  },
  {
    ...ofTls,
    name: 'ssl-ca-file',
    key: 'sslCaFile',
    type: file,
    fallback: null,
    environment: variable('GEARMAND_CA_CERTIFICATE'),
    note: without('ssl-ca-file'),
    help: "PEM file with certificates that complete the server's chain; GEARMAND_CA_CERTIFICATE wins; who may sign those of clients says --tls-client-ca",
  },
  {
    ...ofTls,
    name: 'tls-min-version',
    key: 'tlsMinVersion',
    type: choice('1.2', '1.3'),
    fallback: '1.2',
    note: without('tls-min-version'),
    help: 'the oldest version of TLS that is spoken',
  },
  {
    ...ofTls,
    name: 'tls-client-ca',
    key: 'tlsClientCa',
    type: file,
    fallback: null,
    note: without('tls-client-ca'),
    help: 'PEM file with those who sign certificates of clients; given, clients are asked for one',
  },
  {
    ...ofTls,
    name: 'tls-client-auth',
    key: 'tlsClientAuth',
    type: { ...choice('required', 'optional'), argument: 'how' },
    fallback: 'required',
    note: (_value, values) =>
      values.tlsClientCa === null
        ? '--tls-client-auth has no effect without --tls-client-ca'
        : null,
    help: 'required = a client without a certificate is refused; optional = it is served, but a bad certificate is not',
  },
  {
    ...ofTls,
    name: 'handshake-timeout',
    key: 'handshakeTimeout',
    type: integer({ min: 1, max: SECONDS_MAX, unit: 'seconds' }),
    fallback: 10,
    note: without('handshake-timeout'),
    help: 'a peer of a TLS address that has not sent its first message by then, or not shaken hands within as long again, is closed',
  },
  {
    ...ofTls,
    name: 'max-handshakes',
    key: 'maxHandshakes',
    type: integer({ min: 1, max: HANDSHAKES_MAX }),
    fallback: 1000,
    note: without('max-handshakes'),
    help: 'peers without a first message that may wait at a time at each TLS address, and handshakes that may be open in each thread; a further one ends the oldest',
  },
] as const satisfies readonly OptionRow[];
