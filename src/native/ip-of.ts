import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** `host` in digits: its own, or the first that its name stands for. Rejects with the system's error. */
export async function ipOf(host: string): Promise<string> {
  return isIP(host) === 0 ? (await lookup(host)).address : host;
}
