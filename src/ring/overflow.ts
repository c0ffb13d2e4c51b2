/**
 * Records that did not fit into a ring, in order, in the writer's own memory. They have the ring's format and lie in
 * chunks; payloads that will travel by port are kept beside them. One empty chunk is kept, so that no memory must be
 * allocated when a ring is full again and again for a moment.
 */

import { assert } from '../base/assert.ts';
import { BYTE_COUNT, HEADER_BYTES, recordBytes } from './layout.ts';

const CHUNK_BYTES_MIN = 64 * 1024;

interface Chunk {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** The records are the bytes [head, tail). */
  head: number;
  tail: number;
}

/** A queue of records, first in, first out. */
export class Overflow {
  readonly #chunkBytes: number;
  readonly #chunks: Chunk[] = [];
  readonly #payloads: ArrayBuffer[] = [];
  #spare: Chunk | null = null;
  #bytes = 0;
  #reserved = 0;

  /** `recordBytesMax` is the size of the largest record in ring format. */
  constructor(recordBytesMax: number) {
    this.#chunkBytes = Math.max(CHUNK_BYTES_MIN, recordBytesMax);
  }

  /** Bytes in the queue, payloads for the port included. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** Makes room for a record of `size` bytes (a multiple of 8) after the last one; returns its chunk and offset. */
  reserve(size: number): { bytes: Uint8Array; words: Int32Array; tail: number } {
    let last = this.#chunks.at(-1);
    if (last === undefined || last.tail + size > this.#chunkBytes) {
      last = this.#spare ?? this.#newChunk();
      this.#spare = null;
      this.#chunks.push(last);
    }
    this.#reserved = size;
    return last;
  }

  /** Adds the reserved record, whose bytes are complete. The queue owns `payload` from here on. */
  commit(payload: ArrayBuffer | null): void {
    const last = this.#chunks.at(-1);
    assert(last !== undefined && this.#reserved > 0, 'commit overflow: nothing is reserved');
    last.tail += this.#reserved;
    this.#bytes += this.#reserved;
    this.#reserved = 0;
    if (payload !== null) {
      this.#payloads.push(payload);
      this.#bytes += payload.byteLength;
    }
  }

  /** Ring bytes of the first record. */
  get frontBytes(): number {
    const count = this.#frontCount();
    return count < 0 ? HEADER_BYTES : recordBytes(count);
  }

  /** Payload bytes of the first record that go by port; 0 when they are in the record. */
  get frontLargeBytes(): number {
    const count = this.#frontCount();
    return count < 0 ? -count : 0;
  }

  /** Removes the first record: copies it to `target` at `at` and returns its payload for the port, if it has one. */
  shift(target: Uint8Array, at: number): ArrayBuffer | null {
    const size = this.frontBytes;
    const isLarge = this.frontLargeBytes > 0;
    const chunk = this.#chunks[0] as Chunk;
    target.set(chunk.bytes.subarray(chunk.head, chunk.head + size), at);
    chunk.head += size;
    this.#bytes -= size;
    if (chunk.head === chunk.tail) {
      this.#chunks.shift();
      chunk.head = 0;
      chunk.tail = 0;
      this.#spare = chunk;
    }
    if (!isLarge) return null;
    const payload = this.#payloads.shift() as ArrayBuffer;
    this.#bytes -= payload.byteLength;
    return payload;
  }

  #frontCount(): number {
    const chunk = this.#chunks[0];
    assert(chunk !== undefined, 'look at overflow: it is empty');
    return chunk.words[(chunk.head >> 2) + BYTE_COUNT] as number;
  }

  #newChunk(): Chunk {
    const bytes = new Uint8Array(this.#chunkBytes);
    return { bytes, words: new Int32Array(bytes.buffer), head: 0, tail: 0 };
  }
}
