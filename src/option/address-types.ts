/**
 * Option types of addresses: a port or service name, and addresses to listen on. Rule: this file resolves nothing over
 * the network; host names stay names until the server binds.
 */
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { list, type ProgramType } from './types.ts';

const PORT_MAX = 65535;
/** The longest path of a Unix socket that Linux takes, in bytes, without the closing NUL. */
const SOCKET_PATH_BYTES_MAX = 107;

/** An address to listen on as configured; `port` null means the server's own port. */
export type ListenTarget =
  | {
      readonly host: string;
      readonly port: number | null;
      /** Whether to use TLS; left out: as `--ssl` says. */
      readonly isSecure?: boolean;
    }
  | { readonly path: string };

/** The port of a TCP service in the text of a services file, or undefined. Aliases count as names. */
export function findService(name: string, services: string): number | undefined {
  for (const line of services.split('\n')) {
    const [first, portAndProtocol, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (first !== name && !aliases.includes(name)) continue;
    const match = /^(\d{1,5})\/tcp$/.exec(portAndProtocol ?? '');
    if (match !== null) return Number(match[1]);
  }
  return undefined;
}

function readServices(): string {
  try {
    return readFileSync('/etc/services', 'latin1');
  } catch {
    return '';
  }
}

/** A port number as getaddrinfo reads it (strtoul): leading blanks, a plus and leading zeros are ignored. */
const PORT_NUMBER = /^\s*\+?0*(\d{1,5})$/;

function readPort(word: string): number | undefined {
  const digits = PORT_NUMBER.exec(word)?.[1];
  if (digits !== undefined) return Number(digits) <= PORT_MAX ? Number(digits) : undefined;
  return /^[a-z][\w-]*$/i.test(word) ? findService(word, readServices()) : undefined;
}

/** A port number, or the name of a TCP service in /etc/services. 0 lets the system choose. */
export const port: ProgramType<number> = {
  argument: 'port',
  allowed: `0 to ${PORT_MAX} or the name of a tcp service in /etc/services, 0 = any free port`,
  readText: readPort,
  accept: (value) => {
    if (typeof value === 'string') return readPort(value);
    const isPort =
      Number.isInteger(value) && (value as number) >= 0 && (value as number) <= PORT_MAX;
    return isPort ? (value as number) : undefined;
  },
  show: String,
  codeType: 'number | string',
  codeAllowed: 'a number or the name of a TCP service, 0 = any free port',
};

function parseListen(word: string): ListenTarget | undefined {
  if (word.startsWith('unix:')) {
    const path = word.slice(5);
    const isGood = path.startsWith('/') && !path.includes('\0');
    return isGood && Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX ? { path } : undefined;
  }
  const scheme = /^(?:tls|tcp):\/\//.exec(word)?.[0];
  if (scheme !== undefined) {
    const target = parseHost(word.slice(scheme.length));
    return target && { ...target, isSecure: scheme === 'tls://' };
  }
  return parseHost(word);
}

function parseHost(word: string): { host: string; port: number | null } | undefined {
  if (isIPv6(word)) return { host: word, port: null };
  const match = /^(?:\[([^\]]+)\]|([^\s:/[\]]+))(?::([^:]+))?$/.exec(word);
  if (match === null) return undefined;
  const [, bracketed, plain, portWord] = match;
  if (bracketed !== undefined && !isIPv6(bracketed)) return undefined;
  const portNumber = portWord === undefined ? null : readPort(portWord);
  return portNumber === undefined
    ? undefined
    : { host: (bracketed ?? plain) as string, port: portNumber };
}

/** A listen target as it would be written on a command line. */
export function showListenTarget(target: ListenTarget): string {
  if ('path' in target) return `unix:${target.path}`;
  const scheme = target.isSecure === undefined ? '' : target.isSecure ? 'tls://' : 'tcp://';
  const host = isIPv6(target.host) && target.port !== null ? `[${target.host}]` : target.host;
  return target.port === null ? `${scheme}${host}` : `${scheme}${host}:${target.port}`;
}

/** Addresses to listen on; an empty list means all addresses of the machine. */
export const listenList = list<ListenTarget>({
  argument: 'addr',
  allowed:
    'HOST, HOST:PORT, [IPV6]:PORT, each also with tls:// or tcp:// in front, or unix:/PATH (at most 107 bytes of path)',
  read: parseListen,
  show: showListenTarget,
  none: 'all addresses',
});
