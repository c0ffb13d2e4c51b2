/** The memcached servers, and which of them has a key: libmemcached's default choice. */
import type { NetConnectOpts } from 'node:net';

const DEFAULT_PORT = 11_211;

export interface MemcachedServer {
  readonly label: string;
  readonly to: NetConnectOpts;
}

/** A word like an option ends the list, as in gearmand; `--server=` is libmemcached's own. */
const OPTION = /(?<=^|[\s,])--?(?!server=)[a-z]/i;

/** An option inside the word of the servers, as after a misplaced quote; empty: none. */
export function wordsAfterServers(text: string): string {
  const at = text.search(OPTION);
  return at < 0 ? '' : text.slice(at);
}

/** `host`, `host:port`, `[::1]:port` or the path of a socket, several separated by commas or blanks. Null: invalid. */
export function readServers(text: string): MemcachedServer[] | null {
  const list = text.slice(0, text.length - wordsAfterServers(text).length);
  const words = list.split(/[\s,]+/).filter((word) => word !== '');
  const servers = words.map((word) => readServer(word.replace(/^--server=/i, '')));
  return servers.length === 0 || servers.includes(null) ? null : (servers as MemcachedServer[]);
}

function readServer(word: string): MemcachedServer | null {
  if (word.startsWith('/')) return { label: word, to: { path: word } };
  const match = /^(?:\[([\da-f:.]+)\]|([^\s:]+))(?::(\d{1,5}))?$/i.exec(word);
  if (match === null) return null;
  const port = Number(match[3] ?? DEFAULT_PORT);
  if (port === 0 || port > 65_535) return null;
  return { label: word, to: { host: (match[1] ?? match[2]) as string, port } };
}

/** The server of a key among `count`: Jenkins' one-at-a-time hash modulo their number. */
export function serverOf(key: Uint8Array, count: number): number {
  if (count === 1) return 0;
  let hash = 0;
  for (const byte of key) {
    hash = (hash + byte) | 0;
    hash = (hash + (hash << 10)) | 0;
    hash ^= hash >>> 6;
  }
  hash = (hash + (hash << 3)) | 0;
  hash ^= hash >>> 11;
  hash = (hash + (hash << 15)) | 0;
  return (hash >>> 0) % count;
}
