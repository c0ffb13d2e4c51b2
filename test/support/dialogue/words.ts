/**
 * Words of a dialogue's lines and the bytes that they stand for. Rule: a word is compared byte by byte, so it does not
 * matter how it is written.
 *
 *   abc  "a b"  ""      bytes as they are; quoted ones know \0 \n \r \t \xNN, and \ before any other sign
 *   x*9000  "ab\0"*3    repeated
 *   a*8191"\n"          pieces without a blank between them are one word
 *   #job                a value of this run, such as a handle: takes its value where it is first heard
 */
import { Packet, type PacketName } from '../../../src/protocol/packets.ts';
import { rawPacket, request, toBytes, typeOf } from '../packet-text.ts';
import type { Names } from './names.ts';

/** Bytes as latin1, or a name. */
export type Part = string | { readonly name: string };

export interface Word {
  readonly parts: readonly Part[];
  readonly isQuoted: boolean;
}

const WORD = /(?:"(?:\\.|[^"\\])*"(?:\*\d+)?|[^\s"]+)+/g;
const PIECE = /"((?:\\.|[^"\\])*)"(?:\*(\d+))?|([^"]+)/g;
const ESCAPED: Readonly<Record<string, string>> = { '0': '\0', n: '\n', r: '\r', t: '\t' };
const BARE = /^[\w:.@/+-]+$/;
const RUN = /^([\w.-])\1+$/;
/** Shorter runs of one byte are written out. */
const RUN_MIN = 40;

export function wordsOf(text: string): Word[] {
  return (text.match(WORD) ?? []).map(wordOf);
}

function wordOf(text: string): Word {
  const parts: Part[] = [];
  for (const [, quoted, times, bare = ''] of text.matchAll(PIECE)) {
    if (quoted !== undefined) {
      parts.push(...repeated(quotedParts(quoted), Number(times ?? 1)));
      continue;
    }
    const [, stem = bare, count = '1'] = /^(.+)\*(\d+)$/.exec(bare) ?? [];
    parts.push(...repeated(bareParts(stem), Number(count)));
  }
  return { parts, isQuoted: text.includes('"') };
}

function repeated(parts: readonly Part[], count: number): Part[] {
  if (parts.every((part) => typeof part === 'string')) return [parts.join('').repeat(count)];
  return Array.from({ length: count }, () => parts).flat();
}

function bareParts(text: string): Part[] {
  return partsBy(/#(\w+)|(#|[^#]+)/g, text, ([, name, rest]) =>
    name ? { name } : (rest as string),
  );
}

function quotedParts(text: string): Part[] {
  return partsBy(/\\(x[0-9a-f]{2}|.)|#(\w+)|(#|[^#\\]+)/g, text, ([, code, name, rest]) => {
    if (name) return { name };
    if (code === undefined) return rest as string;
    if (code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return ESCAPED[code] ?? code;
  });
}

function partsBy(pattern: RegExp, text: string, read: (match: string[]) => Part): Part[] {
  return Array.from(text.matchAll(pattern), read);
}

/**
 * Bytes of what a peer sends: a quoted text as it is, or a request by name. `RES_` before the name: with the magic of
 * replies; `!` after it: the arguments just joined by NUL, however many; `TYPE_<n>` for types without a name.
 */
export function bytesOf(words: readonly Word[], names: Names): Buffer {
  const [head, ...args] = words.map((word) => names.fill(word)) as [string, ...string[]];
  if (words[0]?.isQuoted) return toBytes(head);
  const [, reply, name, number, exact] = /^(RES_)?(TYPE_(\d+)|\w+?)(!?)$/.exec(head) ?? [];
  if (name === undefined) throw new Error(`${head} is neither a packet nor a quoted text`);
  const magic = reply === undefined ? '\0REQ' : '\0RES';
  if (number !== undefined) return rawPacket(Number(number), args.join('\0'), { magic });
  if (!Object.hasOwn(Packet, name)) throw new Error(`${name} is not a packet`);
  const known = name as PacketName;
  if (exact === '!') return rawPacket(typeOf(known), args.join('\0'), { magic });
  const packet = request(known, ...args);
  packet.write(magic, 0, 'latin1');
  return packet;
}

/** A word that stands for `parts`: bytes and names. */
export function printWord(parts: readonly Part[], isQuoted = false): string {
  const [only] = parts;
  const run = typeof only === 'string' && parts.length === 1 && !isQuoted ? RUN.exec(only) : null;
  if (run !== null && run[0].length >= RUN_MIN) return `${run[1]}*${run[0].length}`;
  const isBare = parts.every((part) => typeof part !== 'string' || BARE.test(part));
  const show = isBare && !isQuoted ? (part: string) => part : escaped;
  const text = parts
    .map((part) => (typeof part === 'string' ? show(part) : `#${part.name}`))
    .join('');
  return isBare && !isQuoted && text !== '' ? text : `"${text}"`;
}

const SHOWN: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
  '"': '\\"',
  '#': '\\#',
};

function escaped(bytes: string): string {
  return bytes.replace(/[^ -~]|[\\"#]/g, (sign) => {
    return SHOWN[sign] ?? `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
