/**
 * Waiting bytes in order: chunks are kept as they came and copied once, to their destination. Rule: the queue owns
 * pushed chunks; nothing writes to them afterwards.
 */

/** A copy of `bytes[start, end)`. Not `slice`: on a Buffer that is a view. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

/** First in, first out, by bytes. */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #first = 0;
  /** Bytes of the first chunk that have been taken. */
  #taken = 0;
  #bytes = 0;

  /** Waiting bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Takes `count <= bytes` bytes, in spans of any size; a span is valid during `sink` only. */
  drain(count: number, sink: (chunk: Uint8Array, start: number, end: number) => void): void {
    for (let left = count; left > 0; ) {
      const chunk = this.#chunks[this.#first]!;
      const start = this.#taken;
      const span = Math.min(left, chunk.length - start);
      left -= span;
      this.#bytes -= span;
      this.#taken += span;
      if (this.#taken === chunk.length) this.#dropFirst();
      sink(chunk, start, start + span);
    }
  }

  /** Moves `count <= bytes` bytes to `target` at `at`. */
  take(target: Uint8Array, at: number, count: number): void {
    let to = at;
    this.drain(count, (chunk, start, end) => {
      target.set(chunk.subarray(start, end), to);
      to += end - start;
    });
  }

  /** Moves everything into one new array. */
  takeAll(): Uint8Array {
    const all = new Uint8Array(this.#bytes);
    this.take(all, 0, this.#bytes);
    return all;
  }

  clear(): void {
    this.#chunks = [];
    this.#first = 0;
    this.#taken = 0;
    this.#bytes = 0;
  }

  #dropFirst(): void {
    this.#taken = 0;
    this.#chunks[this.#first++] = EMPTY;
    if (this.#first === this.#chunks.length) {
      this.#chunks.length = 0;
      this.#first = 0;
    } else if (this.#first >= 64) {
      this.#chunks.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

const EMPTY = new Uint8Array(0);
