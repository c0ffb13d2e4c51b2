/**
 * Option types around addresses: port or service name, what to listen on, who may send admin commands.
 * Rule: nothing is resolved over the network here; host names stay names until the server binds.
 */
import { readFileSync } from 'node:fs';
import { isIP, isIPv6 } from 'node:net';
import type { OptionType } from './option-type.ts';

const PORT_MAX = 65535;
/** Bytes of a Unix socket's path that Linux takes, without the closing NUL. */
const SOCKET_PATH_BYTES_MAX = 107;

/** A place to listen on as it was asked for; `port` null means the server's own port. */
export type ListenTarget =
  | {
      readonly host: string;
      readonly port: number | null;
      /** TLS; left out = what `--ssl` says. */
      readonly isSecure?: boolean;
    }
  | { readonly path: string };

/** Port of a TCP service in the text of a services file, or undefined. Names and aliases count. */
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

/** As strtoul of getaddrinfo reads it: blanks in front, a plus and zeros mean nothing. */
const PORT_NUMBER = /^\s*\+?0*(\d{1,5})$/;

function readPort(word: string): number | undefined {
  const digits = PORT_NUMBER.exec(word)?.[1];
  if (digits !== undefined) return Number(digits) <= PORT_MAX ? Number(digits) : undefined;
  return /^[a-z][\w-]*$/i.test(word) ? findService(word, readServices()) : undefined;
}

/** A port number, or the name of a TCP service in /etc/services. 0 lets the system choose. */
export const port: OptionType<number> = {
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

/** A listen target as one would write it. */
export function showListenTarget(target: ListenTarget): string {
  if ('path' in target) return `unix:${target.path}`;
  const scheme = target.isSecure === undefined ? '' : target.isSecure ? 'tls://' : 'tcp://';
  const host = isIPv6(target.host) && target.port !== null ? `[${target.host}]` : target.host;
  return target.port === null ? `${scheme}${host}` : `${scheme}${host}:${target.port}`;
}

function acceptListen(value: unknown): ListenTarget[] | undefined {
  const words = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(words)) return undefined;
  const targets = words.map((word) => (typeof word === 'string' ? parseListen(word) : undefined));
  return targets.every((target) => target !== undefined) ? targets : undefined;
}

/** Addresses to listen on; an empty list is every address of the machine. */
export const listenList: OptionType<readonly ListenTarget[]> = {
  argument: 'addr',
  allowed:
    'HOST, HOST:PORT, [IPV6]:PORT, each also with tls:// or tcp:// in front, or unix:/PATH (at most 107 bytes of path)',
  readText: (word) => acceptListen(word),
  accept: acceptListen,
  show: (targets) => targets.map(showListenTarget).join(' ') || 'all addresses',
};

/** Shards: a number, or `auto`. */
export function threadCount(max: number): OptionType<number | 'auto'> {
  const check = (value: unknown): number | 'auto' | undefined => {
    if (value === 'auto') return value;
    const isCount = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;
    return isCount ? (value as number) : undefined;
  };
  return {
    argument: 'n|auto',
    allowed: `auto or 0 to ${max}, 0 = everything in one thread`,
    readText: (word) => check(/^\+?\d{1,9}$/.test(word) ? Number(word) : word),
    accept: check,
    show: String,
  };
}

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

/** Who may send admin commands: `any`, or a list of `loopback`, addresses and ranges. */
export const adminSources: OptionType<readonly string[]> = {
  argument: 'any|loopback|list',
  allowed: 'any, or a comma separated list of loopback, addresses and ADDRESS/BITS',
  readText: parseAdminFrom,
  accept: (value) => {
    const word = Array.isArray(value) ? value.join(',') : value;
    return typeof word === 'string' ? parseAdminFrom(word) : undefined;
  },
  show: (words) => words.join(','),
};
