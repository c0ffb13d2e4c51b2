import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** `host` if it is an IP address, otherwise the first address of its name. Rejects with the system's error. */
export async function ipOf(host: string): Promise<string> {
  return isIP(host) === 0 ? (await lookup(host)).address : host;
}
