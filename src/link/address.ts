/**
 * Parses addresses of job servers. Rule: the error for an invalid address says what is allowed.
 */
import { ArgumentError } from './errors.ts';

/** Port of a job server unless another is given; assigned to Gearman by IANA. */
export const DEFAULT_PORT = 4730;

/**
 * A job server: `host`, `host:port`, `[ipv6]:port`, `unix:/path`, or an object with the same parts. Ports are 1 to
 * 65535; default 4730.
 */
export type ServerAddress =
  | string
  | { readonly host: string; readonly port?: number }
  | { readonly path: string };

/** A parsed address. */
export type ParsedAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

const ALLOWED = 'allowed is HOST, HOST:PORT, [IPV6]:PORT or unix:/PATH';

/** Throws ArgumentError (`ERR_GEARMAN_ARGUMENT`). */
export function parseAddress(address: ServerAddress): ParsedAddress {
  if (typeof address === 'string') return parseText(address);
  if (typeof address === 'object' && address !== null) {
    if ('path' in address && typeof address.path === 'string' && address.path !== '')
      return { path: address.path };
    if ('host' in address && typeof address.host === 'string' && address.host !== '')
      return { host: address.host, port: checkPort(address.port ?? DEFAULT_PORT, address.host) };
  }
  throw new ArgumentError(`job server ${JSON.stringify(address)}: ${ALLOWED}`);
}

/** The text of an address; different addresses have different texts. */
export function showAddress(address: ParsedAddress): string {
  if ('path' in address) return `unix:${address.path}`;
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}

function parseText(text: string): ParsedAddress {
  if (text.startsWith('unix:') && text.length > 5) return { path: text.slice(5) };
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  const plain = /^([^:\s[\]/]+)(?::(\d+))?$/.exec(text);
  // An address with several colons is IPv6 without a port.
  const bare = /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text) ? [text, text] : null;
  const [, host, port] = bracketed ?? plain ?? bare ?? [];
  if (host === undefined) throw new ArgumentError(`job server ${JSON.stringify(text)}: ${ALLOWED}`);
  return { host, port: checkPort(port === undefined ? DEFAULT_PORT : Number(port), text) };
}

function checkPort(port: number, text: string): number {
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new ArgumentError(
    `job server ${JSON.stringify(text)}: port is ${port}, allowed is 1 to 65535`,
  );
}
