/**
 * Whether a request names this machine as its host. A hostile page can make a browser send requests to its own machine
 * under the page's host name (DNS rebinding) and read the answers; such a request has that name in `Host`. Rule:
 * checked where only this machine can connect; elsewhere a token or a certificate is required.
 */
import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');
LOOPBACK.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');

/** Whether an address can be reached from this machine only. */
export function isLoopback(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * `host` is the `Host` of a request, `bound` the address on which it arrived. Clients of HTTP/1.0 need not send one.
 */
export function isOwnHost(host: string | undefined, bound: string): boolean {
  if (host === undefined) return true;
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{0,5})?$/.exec(host);
  if (match === null) return false;
  const name = (match[1] ?? match[2] ?? '').toLowerCase();
  return name === 'localhost' || name === bound.toLowerCase() || isLoopback(name);
}
