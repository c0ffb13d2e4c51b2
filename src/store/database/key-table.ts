/**
 * A shard's memory of each job in a database: the key of its row, and the batch of its put. 80 bytes a job in segments
 * of rows that never move; function names are kept once.
 *
 *   row    0 batch u32   4 number in the batch u32   8 function u32   12 bytes of the key u8   13 key, up to 64 bytes
 *
 * Free rows are linked by their second word (row + 1, 0 = none).
 */
import { UNIQUE_BYTES_MAX } from '../../protocol/limits.ts';
import type { RowKey } from './backend.ts';

const ROWS_SHIFT = 14;
const ROW_MASK = (1 << ROWS_SHIFT) - 1;
const HEAD_BYTES = 13;
const ROW_BYTES = Math.ceil((HEAD_BYTES + UNIQUE_BYTES_MAX) / 4) * 4;
const WORDS = ROW_BYTES / 4;

const Word = { BATCH: 0, NUMBER: 1, FUNCTION: 2 } as const;

/** Values instead of a batch number: the put is in the database; or it was refused, and this was not reported yet. */
export const PutState = { STORED: 0, REFUSED: 0xffffffff } as const;

/** What is known of a job with runs. */
export interface KnownRuns {
  readonly id: Uint8Array;
  /** Whether the database has its row: not when it is dead. null: unknown, after a batch that failed. */
  hasRow: boolean | null;
}

interface Rows {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

interface Name {
  readonly bytes: Uint8Array;
  readonly text: string;
  jobs: number;
}

export class KeyTable {
  readonly #rows: Rows[] = [];
  readonly #names: (Name | undefined)[] = [];
  readonly #nameOf = new Map<string, number>();
  readonly #freeNames: number[] = [];
  #end = 0;
  #free = 0;
  /** Rows in use. */
  count = 0;
  /** Jobs with runs, by row: few of all. */
  readonly runs = new Map<number, KnownRuns>();

  /** A row for a job whose put is `number` of batch `batch`. */
  add(key: Uint8Array, functionName: Uint8Array, batch: number, number: number): number {
    const row = this.#allocate();
    const { bytes, words } = this.#rowsOf(row);
    const word = (row & ROW_MASK) * WORDS;
    words[word + Word.BATCH] = batch;
    words[word + Word.NUMBER] = number;
    words[word + Word.FUNCTION] = this.#nameFor(functionName);
    const at = (row & ROW_MASK) * ROW_BYTES + HEAD_BYTES;
    bytes[at - 1] = key.length;
    bytes.set(key, at);
    this.count++;
    return row;
  }

  /** Borrowed: valid until the row is freed. */
  key(row: number): RowKey {
    const { bytes, words } = this.#rowsOf(row);
    const at = (row & ROW_MASK) * ROW_BYTES + HEAD_BYTES;
    const name = this.#names[words[(row & ROW_MASK) * WORDS + Word.FUNCTION] as number] as Name;
    return { key: bytes.subarray(at, at + (bytes[at - 1] as number)), functionName: name.bytes };
  }

  /** Number of the batch with its put, or one of `PutState`. */
  batch(row: number): number {
    return this.#rowsOf(row).words[(row & ROW_MASK) * WORDS + Word.BATCH] as number;
  }

  setBatch(row: number, batch: number): void {
    this.#rowsOf(row).words[(row & ROW_MASK) * WORDS + Word.BATCH] = batch;
  }

  /** Its put is `number` of batch `batch`. */
  setPut(row: number, batch: number, number: number): void {
    const { words } = this.#rowsOf(row);
    const word = (row & ROW_MASK) * WORDS;
    words[word + Word.BATCH] = batch;
    words[word + Word.NUMBER] = number;
  }

  /** Number of its put in the batch. */
  number(row: number): number {
    return this.#rowsOf(row).words[(row & ROW_MASK) * WORDS + Word.NUMBER] as number;
  }

  free(row: number): void {
    if (this.runs.size > 0) this.runs.delete(row);
    const { words } = this.#rowsOf(row);
    const word = (row & ROW_MASK) * WORDS;
    this.#releaseName(words[word + Word.FUNCTION] as number);
    words[word + Word.NUMBER] = this.#free;
    this.#free = row + 1;
    this.count--;
  }

  #allocate(): number {
    const row = this.#free - 1;
    if (row < 0) return this.#end++;
    const { words } = this.#rowsOf(row);
    this.#free = words[(row & ROW_MASK) * WORDS + Word.NUMBER] as number;
    return row;
  }

  #nameFor(functionName: Uint8Array): number {
    const { buffer, byteOffset, length } = functionName;
    const text = Buffer.from(buffer, byteOffset, length).toString('latin1');
    let index = this.#nameOf.get(text);
    if (index === undefined) {
      index = this.#freeNames.pop() ?? this.#names.length;
      this.#names[index] = { bytes: Uint8Array.from(functionName), text, jobs: 0 };
      this.#nameOf.set(text, index);
    }
    (this.#names[index] as Name).jobs++;
    return index;
  }

  #releaseName(index: number): void {
    const name = this.#names[index] as Name;
    if (--name.jobs > 0) return;
    this.#nameOf.delete(name.text);
    this.#names[index] = undefined;
    this.#freeNames.push(index);
  }

  #rowsOf(row: number): Rows {
    const index = row >>> ROWS_SHIFT;
    let rows = this.#rows[index];
    if (rows === undefined) {
      const buffer = new ArrayBuffer(ROW_BYTES << ROWS_SHIFT);
      rows = { bytes: new Uint8Array(buffer), words: new Uint32Array(buffer) };
      this.#rows[index] = rows;
    }
    return rows;
  }
}
