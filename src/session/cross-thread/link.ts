/**
 * The way to one other thread: begins records, ends each before the next and shows them all at the end of the turn.
 * Rule: between `begin` and the next call the caller writes its payload to `bytes` at `at`. Callers keep records below
 * RECORD_BYTES_MAX: packets by `--max-packet-size`, listings by pieces, connections that move by what waits for them.
 */

import { RECORD_BYTES_MAX } from '../../ring/layout.ts';
import { RecordKind } from './records.ts';

/** What a link needs of a ring's writing end. */
export interface RecordWriter {
  bytes: Uint8Array;
  at: number;
  begin(kind: number, a: number, b: number, c: number, d: number, byteCount: number): void;
  commit(): void;
  publish(): void;
  readonly overflowBytes: number;
  readonly sent: number;
}

/** A record that no ring can carry; nothing of it was written. */
export class RecordTooLarge extends Error {
  constructor(kind: number, byteCount: number) {
    const name = Object.entries(RecordKind).find(([, number]) => number === kind)?.[0] ?? `${kind}`;
    super(`begin record ${name}: ${byteCount} bytes, limit ${RECORD_BYTES_MAX}`);
    this.name = 'RecordTooLarge';
  }
}

export class FarLink {
  readonly #writer: RecordWriter;
  #isOpen = false;
  #isDirty = false;

  constructor(writer: RecordWriter) {
    this.#writer = writer;
  }

  get bytes(): Uint8Array {
    return this.#writer.bytes;
  }

  get at(): number {
    return this.#writer.at;
  }

  /** Bytes that found no room in the ring yet. */
  get overflowBytes(): number {
    return this.#writer.overflowBytes;
  }

  get sent(): number {
    return this.#writer.sent;
  }

  begin(kind: number, a: number, b: number, c: number, d: number, byteCount: number): void {
    if (byteCount > RECORD_BYTES_MAX) throw new RecordTooLarge(kind, byteCount);
    if (this.#isOpen) this.#writer.commit();
    this.#writer.begin(kind, a, b, c, d, byteCount);
    this.#isOpen = true;
    this.#isDirty = true;
  }

  /** A record whose payload is `payload` (or none). */
  send(kind: number, a: number, b: number, c: number, d: number, payload?: Uint8Array): void {
    this.begin(kind, a, b, c, d, payload?.length ?? 0);
    if (payload !== undefined) this.#writer.bytes.set(payload, this.#writer.at);
  }

  /** Shows the other thread everything begun so far. */
  flush(): void {
    if (this.#isOpen) this.#writer.commit();
    this.#isOpen = false;
    if (!this.#isDirty && this.#writer.overflowBytes === 0) return;
    this.#isDirty = false;
    this.#writer.publish();
  }
}
