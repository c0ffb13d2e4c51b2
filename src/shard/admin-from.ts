/**
 * Which peers may send admin commands (`--admin-from`): compiled once, checked for each connection. Rule: peers
 * without an IP address (Unix socket, in memory) count as loopback.
 */
import { BlockList, isIP } from 'node:net';

/** Adds a range, also in the form that it has on a dual-stack socket. */
function addRange(list: BlockList, range: string): void {
  const [address = '', bits] = range.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (bits === undefined) list.addAddress(address, family);
  else list.addSubnet(address, Number(bits), family);
}

function plainAddress(remoteAddress: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteAddress);
  return mapped?.[1] ?? remoteAddress.replace(/%.*$/, '');
}

/** True for 127.0.0.0/8, ::1 and peers without an address (''). */
export function isLoopback(remoteAddress: string): boolean {
  const address = plainAddress(remoteAddress);
  return address === '' || address === '::1' || address.startsWith('127.');
}

/**
 * Returns the test for `--admin-from`. `sources` is the option's value from `resolveOptions`; the test takes the
 * peer's address as Node writes it, '' for none.
 */
export function compileAdminFrom(sources: readonly string[]): (remoteAddress: string) => boolean {
  if (sources.includes('any')) return () => true;
  const hasLoopback = sources.includes('loopback');
  const ranges = new BlockList();
  for (const source of sources) if (source !== 'loopback') addRange(ranges, source);
  return (remoteAddress) => {
    if (hasLoopback && isLoopback(remoteAddress)) return true;
    const address = plainAddress(remoteAddress);
    const family = isIP(address);
    return family !== 0 && ranges.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}
