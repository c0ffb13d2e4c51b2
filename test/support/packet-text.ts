/**
 * Packets as text and bytes for tests: build one from names, cut one from bytes, print one as a line of a transcript.
 * Rule: independent of the server's own codec, so that a fault there cannot hide itself; only THE packet table is shared.
 */
import { createHash } from 'node:crypto';
import { ARG_COUNT, HAS_DATA, PACKET_NAMES } from '../../src/protocol/packet-columns.ts';
import { Packet, type PacketName, type PacketType } from '../../src/protocol/packets.ts';

export type { PacketName };
/** Strings are taken byte by byte (latin1), so `'\xff\0'` is two bytes. */
export type Bytes = string | Uint8Array;

export interface WirePacket {
  readonly kind: 'packet';
  readonly type: number;
  /** As the table spells it; `TYPE_<n>` when the table has no such type. */
  readonly name: string;
  readonly payload: Buffer;
  readonly args: readonly Buffer[];
  /** Empty for packets without opaque data. */
  readonly data: Buffer;
}

export interface WireLine {
  readonly kind: 'line';
  /** The line with its end (`\n` or `\r\n`), bytes as latin1. */
  readonly text: string;
}

export type WireItem = WirePacket | WireLine;

const NUL = Buffer.of(0);

export function toBytes(bytes: Bytes): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes, 'latin1');
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Header and payload as given; `type` and `size` may be lies. */
export function rawPacket(
  type: number,
  payload: Bytes = '',
  { magic = '\0REQ', size }: { magic?: string; size?: number } = {},
): Buffer {
  const body = toBytes(payload);
  const out = Buffer.allocUnsafe(12 + body.length);
  out.write(magic, 0, 4, 'latin1');
  out.writeUInt32BE(type >>> 0, 4);
  out.writeUInt32BE((size ?? body.length) >>> 0, 8);
  body.copy(out, 12);
  return out;
}

/** Payload from arguments: joined by NUL, with one more NUL before the data when the packet carries data. */
export function joinArgs(args: readonly Bytes[]): Buffer {
  const parts: Buffer[] = [];
  args.forEach((arg, index) => {
    if (index > 0) parts.push(NUL);
    parts.push(toBytes(arg));
  });
  return Buffer.concat(parts);
}

/**
 * A request by name: `request('SUBMIT_JOB', 'f', 'u', 'data')`. Data may be left out and is then empty;
 * fewer arguments than the table says is an Error.
 */
export function request(name: PacketName, ...args: Bytes[]): Buffer {
  const type = Packet[name];
  const wanted = ARG_COUNT[type]! + HAS_DATA[type]!;
  const given = HAS_DATA[type] === 1 && args.length === wanted - 1 ? [...args, ''] : args;
  if (given.length !== wanted) {
    throw new Error(`${name} takes ${wanted} arguments, ${args.length} given`);
  }
  return rawPacket(type, joinArgs(given));
}

/** Cuts a payload by the table; too few NULs leave the missing arguments away. */
export function packetOf(type: number, payload: Buffer): WirePacket {
  const name = PACKET_NAMES[type];
  if (name === undefined) {
    return { kind: 'packet', type, name: `TYPE_${type}`, payload, args: [], data: payload };
  }
  const args: Buffer[] = [];
  let at = 0;
  const argCount = ARG_COUNT[type]!;
  const hasData = HAS_DATA[type] === 1;
  const terminated = hasData ? argCount : argCount - 1;
  while (args.length < terminated) {
    const end = payload.indexOf(0, at);
    if (end < 0) break;
    args.push(payload.subarray(at, end));
    at = end + 1;
  }
  const rest = payload.subarray(at);
  if (!hasData && argCount > 0) args.push(rest);
  const data = hasData ? rest : Buffer.alloc(0);
  return { kind: 'packet', type, name, payload, args, data };
}

/** Bytes of the item that begins `bytes`; 0 = not known yet. */
export function itemLength(bytes: Buffer): number {
  if (bytes.length === 0) return 0;
  if (bytes[0] !== 0) return bytes.indexOf(0x0a) + 1;
  return bytes.length < 12 ? 0 : 12 + bytes.readUInt32BE(8);
}

/** The item in `bytes`, or why they are invalid. */
export function itemOf(bytes: Buffer): WireItem | string {
  if (bytes[0] !== 0) {
    const line: WireLine = { kind: 'line', text: bytes.toString('latin1') };
    return line;
  }
  if (bytes.toString('latin1', 0, 4) !== '\0RES') {
    return `a reply begins with ${printBytes(bytes.subarray(0, 12))}`;
  }
  return packetOf(bytes.readUInt32BE(4), bytes.subarray(12));
}

/** Type by name, for comparing. */
export function typeOf(name: PacketName): PacketType {
  return Packet[name];
}

/** Bytes as one printable word: quoted, long ones as length and digest. */
export function printBytes(bytes: Bytes): string {
  const buffer = toBytes(bytes);
  if (buffer.length > 120) {
    const digest = createHash('sha256').update(buffer).digest('hex').slice(0, 12);
    return `<${buffer.length} bytes ${digest}>`;
  }
  const text = buffer
    .toString('latin1')
    .replace(/[\\"]/g, '\\$&')
    .replace(/\r/g, '\\r')
    .replace(/\n/g, '\\n')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these bytes are what it makes visible
    .replace(/[\x00-\x1f\x7f-\xff]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return /^[\w:.@/-]+$/.test(text) ? text : `"${text}"`;
}

/** `JOB_ASSIGN H:h:1 reverse "Hello World!"`; the data of a packet that has data is always printed. */
export function printItem(item: WireItem): string {
  if (item.kind === 'line') return `text ${printBytes(item.text)}`;
  const words = item.args.map(printBytes);
  if (HAS_DATA[item.type] === 1 || item.args.length === 0) {
    if (item.data.length > 0 || HAS_DATA[item.type] === 1) words.push(printBytes(item.data));
  }
  return [item.name, ...words].join(' ');
}
