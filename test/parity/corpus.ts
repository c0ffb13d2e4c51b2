/**
 * Frames with what a decoder must say of each, built from their parts and never by a decoder of ours.
 * Rule: an expected frame is compared whole, so a row that says too much fails as well.
 */
import { RowKind } from '../../src/protocol/batch.ts';
import { hashBytes } from '../../src/protocol/hash.ts';
import { ARG_COUNT, HAS_DATA, NAMES, PACKET_NAMES } from '../../src/protocol/packet-columns.ts';
import { Packet } from '../../src/protocol/packets.ts';

export const SEED = 0x1234567;

/** A decoded frame without the places where its bytes lay. */
export interface Frame {
  readonly type: number;
  /** Lengths of the first four arguments. */
  readonly lengths: readonly number[];
  /** Bytes from START to DATA: header and arguments, or the line with its end. Hex. */
  readonly head: string;
  /** Hex; a hash stands for more than 64 bytes. */
  readonly data: string;
  readonly hashes: readonly [number, number];
  readonly flags: number;
  /** Offset of OFF behind START. */
  readonly off: number;
}
export interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
  readonly frame: Frame;
}

const ARGUMENTS_KEPT = 4;

/** Short bytes as hex, long ones as length and hash: failures stay readable. */
export function digest(bytes: Uint8Array): string {
  if (bytes.length <= 64) return Buffer.from(bytes).toString('hex');
  return `${bytes.length} bytes, hash ${hashBytes(bytes, 0, bytes.length, 0)}`;
}

/** Any 12 bytes of header with a payload, right or wrong. */
export function rawPacket(magic: string, type: number, announced: number, payload: Uint8Array) {
  const header = Buffer.alloc(12);
  header.write(magic, 0, 'latin1');
  header.writeUInt32BE(type >>> 0, 4);
  header.writeUInt32BE(announced >>> 0, 8);
  return Buffer.concat([header, payload]);
}

/** A right packet of `type` with these arguments; data only where the type has some. */
export function sample(
  type: number,
  args: readonly string[],
  data: Uint8Array = new Uint8Array(0),
  magic = '\0REQ',
): Sample {
  const name = PACKET_NAMES[type];
  const argCount = ARG_COUNT[type]!;
  const hasData = HAS_DATA[type] === 1;
  const names = NAMES[type]!;
  if (args.length !== argCount) throw new Error(`${name} has ${argCount} arguments`);
  const argBytes = args.map((arg) => Buffer.from(arg, 'latin1'));
  const joined = Buffer.concat(
    argBytes.flatMap((arg, i) => (hasData || i < argCount - 1 ? [arg, Buffer.alloc(1)] : [arg])),
  );
  const bytes = rawPacket(magic, type, joined.length + data.length, Buffer.concat([joined, data]));
  const head = bytes.subarray(0, 12 + joined.length);
  const hash = (i: number) => {
    const arg = argBytes[i];
    return i < names && arg !== undefined ? hashBytes(arg, 0, arg.length, SEED) : 0;
  };
  const frame: Frame = {
    type,
    lengths: Array.from({ length: ARGUMENTS_KEPT }, (_, i) => argBytes[i]?.length ?? 0),
    head: digest(head),
    data: digest(data),
    hashes: [hash(0), hash(1)],
    flags: magic === '\0RES' ? 1 : 0,
    off: 12,
  };
  return { name: `${name} ${JSON.stringify(args).slice(0, 40)}`, bytes, frame };
}

/** A zero-argument packet with a payload that nobody reads. */
export function ignoredPayload(type: number, payload: string): Sample {
  const bytes = rawPacket('\0REQ', type, payload.length, Buffer.from(payload));
  const { frame } = sample(type, []);
  return {
    name: `${PACKET_NAMES[type]} with payload`,
    bytes,
    frame: { ...frame, head: digest(bytes) },
  };
}

/** A packet with too few NULs that may be short. */
export function short(type: number, payload: string, magic = '\0REQ'): Sample {
  const bytes = rawPacket(magic, type, payload.length, Buffer.from(payload, 'latin1'));
  const frame: Frame = {
    type,
    lengths: [payload.length, 0, 0, 0],
    head: digest(bytes),
    data: '',
    hashes: [0, 0],
    flags: magic === '\0RES' ? 3 : 2,
    off: 12,
  };
  return { name: `short ${PACKET_NAMES[type]}`, bytes, frame };
}

/** A text line; `end` is what ends it. */
export function line(text: string, end = '\n'): Sample {
  const bytes = Buffer.from(text + end, 'latin1');
  const frame: Frame = {
    type: RowKind.LINE,
    lengths: [text.length, 0, 0, 0],
    head: digest(bytes),
    data: '',
    hashes: [0, 0],
    flags: 0,
    off: 0,
  };
  return { name: `line ${JSON.stringify(text).slice(0, 30)}`, bytes, frame };
}

/** `count` bytes that repeat nowhere near, NULs and LFs included. */
export function noise(count: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 23;
  }
  return bytes;
}

const ARGUMENTS = ['reverse', 'unique-1', 'third', '', 'a b', '6', '7'];

/** One sample of every type, then the odd ones. All together below 4 KiB. */
export const CORPUS: readonly Sample[] = [
  ...Object.values(Packet).flatMap((type) => {
    const args = ARGUMENTS.slice(0, ARG_COUNT[type]);
    return [
      sample(type, args, HAS_DATA[type] === 1 ? noise(17, type) : undefined),
      sample(
        type,
        args.map(() => ''),
        undefined,
        '\0RES',
      ),
    ];
  }),
  line('status'),
  line('version', '\r\n'),
  line(''),
  line('', '\r\n'),
  line('a\rb\r', '\r\n'),
  line('REQ with \0 inside'),
  ignoredPayload(9, 'whatever\0is here'),
  ignoredPayload(4, '\n'),
  sample(15, ['handle\0with NUL\0']),
  sample(23, ['f', '1000\0\0']),
  sample(7, ['f', 'u'], Buffer.from('\0\0data\0REQ\n')),
  short(13, 'H:host:1'),
  short(12, 'H:host:1'),
  short(12, 'H:host:1\x00100'),
  short(25, ''),
  short(28, 'H:host:2', '\0RES'),
  short(29, 'H:host:3'),
  sample(14, ['']),
  sample(16, [], Buffer.from('\0REQ')),
];
