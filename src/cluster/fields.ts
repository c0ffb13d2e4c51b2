/**
 * Writes and reads the numbers, texts and bytes of which commits and link messages consist. Numbers are little-endian
 * and not aligned. Rule: a reader never reads beyond its bytes. The first field that does not fit makes `isBad` true,
 * and from then on every field is 0 or empty, so a decoder checks once, at its end.
 */
import { ByteWriter } from '../base/byte-writer.ts';
import { latin1 } from '../base/bytes.ts';

const TWO_32 = 0x1_0000_0000;
const NO_BYTES = new Uint8Array(0);

/** A growing message. */
export class FieldWriter extends ByteWriter {
  u8(value: number): this {
    const { bytes, at } = this.reserve(1);
    bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    return this.u8(value & 255).u8(value >>> 8);
  }

  u32(value: number): this {
    return this.u16(value & 0xffff).u16(value >>> 16);
  }

  /** An integer, 0 <= value < 2^53. */
  u64(value: number): this {
    return this.u32(value % TWO_32).u32(Math.floor(value / TWO_32));
  }

  f64(value: number): this {
    const { bytes, at } = this.reserve(8);
    new DataView(bytes.buffer, bytes.byteOffset + at, 8).setFloat64(0, value, true);
    return this;
  }

  /** A Latin-1 text of at most 255 bytes, with its length in front of it. */
  name(text: string): this {
    return this.u8(text.length).text(text);
  }
}

/** Reads fields of `bytes` in order. What it returns as bytes are views of `bytes`. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;
  #isBad = false;

  constructor(bytes: Uint8Array, start = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
  }

  /** Whether a field reached beyond the end, or `refuse` was called. */
  get isBad(): boolean {
    return this.#isBad;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** A field has a value that does not exist. */
  refuse(): void {
    this.#isBad = true;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : (this.#bytes[at] as number);
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getUint16(at, true);
  }

  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getUint32(at, true);
  }

  /** An integer below 2^53; larger ones are bad. */
  u64(): number {
    const at = this.#take(8);
    if (at < 0) return 0;
    const value = this.#view.getUint32(at + 4, true) * TWO_32 + this.#view.getUint32(at, true);
    if (Number.isSafeInteger(value)) return value;
    this.refuse();
    return 0;
  }

  f64(): number {
    const at = this.#take(8);
    return at < 0 ? 0 : this.#view.getFloat64(at, true);
  }

  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return at < 0 ? NO_BYTES : this.#bytes.subarray(at, at + count);
  }

  text(count: number): string {
    const at = this.#take(count);
    return at < 0 ? '' : latin1(this.#bytes, at, at + count);
  }

  /** A text with its length in one byte in front of it. */
  name(): string {
    return this.text(this.u8());
  }

  /** Offset of the next `count` bytes, which are passed over; -1 when they are not there. */
  #take(count: number): number {
    const at = this.#at;
    if (this.#isBad || count > this.#bytes.length - at) {
      this.#isBad = true;
      return -1;
    }
    this.#at = at + count;
    return at;
  }
}
