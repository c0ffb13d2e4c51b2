/** A growing buffer of bytes and Latin-1 text, for listings and other output of unknown size. */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /**
   * Reserves `count` bytes that begin at the returned `at` in the returned buffer; both are valid until the next call.
   */
  reserve(count: number): { bytes: Uint8Array; at: number } {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    return { bytes: this.#bytes, at };
  }

  /** Appends text whose characters are bytes. */
  text(text: string): this {
    const { bytes, at } = this.reserve(text.length);
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
    return this;
  }

  /** Appends `source[start, end)`. */
  bytes(source: Uint8Array, start = 0, end = source.length): this {
    const { bytes, at } = this.reserve(end - start);
    bytes.set(source.subarray(start, end), at);
    return this;
  }

  /** Returns all bytes so far as a copy that the caller owns, and empties the writer. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }
}
