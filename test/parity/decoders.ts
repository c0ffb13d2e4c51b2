/**
 * Both decoders, and a stream reader over either that says what came out in terms of `Frame`.
 */
import type { CreateDecoder, SocketlessDecoder } from '../../src/native/contract.ts';
import {
  BLOB_DROPPED,
  FaultReason,
  ROW_INTS,
  Row,
  RowKind,
  SLOT_BITS,
} from '../../src/protocol/batch.ts';
import { PACKET_BYTES_DEFAULT, READ_BYTES } from '../../src/protocol/limits.ts';
import { digest, type Frame, SEED } from './corpus.ts';

export interface Fault {
  readonly fault: string;
  readonly announcedBytes: number;
}
export type Decoded = Frame | Fault;

const CONN = 1 + (1 << SLOT_BITS);
const NOTHING = new Uint8Array(0);
const FAULT_NAMES = Object.fromEntries(Object.entries(FaultReason).map(([name, n]) => [n, name]));

export function fault(name: keyof typeof FaultReason, announcedBytes = 0): Fault {
  return { fault: name, announcedBytes };
}

/** One connection's bytes into one decoder. */
export class DecodedStream {
  readonly decoded: Decoded[] = [];
  /** How many frames had their data in a blob. */
  blobCount = 0;
  readonly #decoder: SocketlessDecoder;

  constructor(create: CreateDecoder, packetBytesMax = PACKET_BYTES_DEFAULT) {
    this.#decoder = create(SEED, packetBytesMax);
  }

  /** Feeds `bytes`, in reads of at most READ_BYTES, until nothing more comes. */
  feed(bytes: Uint8Array): this {
    for (let at = 0; at < bytes.length; at += READ_BYTES) {
      let rowCount = this.feedOnce(bytes.subarray(at, at + READ_BYTES));
      while (rowCount > 0) rowCount = this.feedOnce(NOTHING);
    }
    return this;
  }

  /** Feeds one read. Returns its number of rows. */
  feedOnce(bytes: Uint8Array): number {
    const rowCount = this.#decoder.feed(bytes);
    for (let i = 0; i < rowCount; i++) this.decoded.push(this.#frame(i * ROW_INTS));
    return rowCount;
  }

  #frame(row: number): Decoded {
    const { arena, rows } = this.#decoder;
    const field = (offset: number): number => rows[row + offset]!;
    const type = field(Row.TYPE);
    if (field(Row.CONN) !== CONN) throw new Error(`row of connection ${field(Row.CONN)}`);
    if (field(Row.SPARE) !== 0) throw new Error('SPARE is not 0');
    const args = [Row.A0, Row.A1, Row.A2, Row.A3].map(field);
    if (type === RowKind.FAULT) {
      return { fault: FAULT_NAMES[args[0]!]!, announcedBytes: args[1]! };
    }
    return {
      type,
      lengths: args,
      head: digest(arena.subarray(field(Row.START), field(Row.DATA))),
      data: this.#data(field(Row.BLOB), field(Row.DATA), field(Row.DATA_LEN), field(Row.END)),
      hashes: [field(Row.HASH0), field(Row.HASH1)],
      flags: field(Row.FLAGS),
      off: field(Row.OFF) - field(Row.START),
    };
  }

  #data(blob: number, data: number, count: number, end: number): string {
    if (blob === 0) {
      if (data + count !== end) throw new Error(`data of ${count} bytes at ${data}, end at ${end}`);
      return digest(this.#decoder.arena.subarray(data, end));
    }
    this.blobCount++;
    if (data !== end) throw new Error(`data at ${data} of a blob's row is not END, ${end}`);
    if (blob === BLOB_DROPPED) return `dropped ${count} bytes`;
    if (this.#decoder.blobBytes(blob) !== count) throw new Error('blob is not DATA_LEN long');
    const bytes = new Uint8Array(count);
    this.#decoder.blobRead(blob, 0, bytes, 0, count);
    this.#decoder.blobRelease(blob);
    return digest(bytes);
  }
}
