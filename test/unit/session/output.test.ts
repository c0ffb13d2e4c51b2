import { describe, expect, it } from 'vitest';
import { bytesOf, latin1 } from '../../../src/base/bytes.ts';
import { Control, OUT_INTS, Out } from '../../../src/protocol/batch.ts';
import { Output } from '../../../src/session/output.ts';

/** A reactor's end: what it was given, `conn:bytes` or `conn:blob N`, split where it was spilled. */
class Sink {
  readonly out: Uint8Array;
  readonly outRows: Int32Array;
  readonly control = new Int32Array(16);
  readonly unsent = new Float64Array(128);
  readonly spilled: string[][] = [];

  constructor(byteCount: number, rowCount: number) {
    this.out = new Uint8Array(byteCount);
    this.outRows = new Int32Array(rowCount * OUT_INTS);
  }

  spill(): void {
    this.spilled.push(this.pending());
    this.control[Control.OUT_ROWS] = 0;
    this.control[Control.OUT_BYTES] = 0;
    this.out.fill(0x3f);
  }

  pending(): string[] {
    const rows: string[] = [];
    for (let row = 0; row < (this.control[Control.OUT_ROWS] as number); row++) {
      const at = row * OUT_INTS;
      const [conn, off, length, blob] = [Out.CONN, Out.OFF, Out.LEN, Out.BLOB].map(
        (field) => this.outRows[at + field] as number,
      ) as [number, number, number, number];
      rows.push(
        blob > 0
          ? `${conn}:blob ${blob}, ${length}`
          : `${conn}:${latin1(this.out, off, off + length)}`,
      );
    }
    return rows;
  }
}

function put(output: Output, conn: number, text: string): void {
  const at = output.reserve(conn, text.length);
  output.bytes.set(bytesOf(text), at);
}

describe('output', () => {
  it('joins what follows on one connection', () => {
    const sink = new Sink(64, 8);
    const output = new Output(sink);
    put(output, 1, 'ab');
    output.write(1, bytesOf('-cd-'), 1, 3);
    put(output, 2, 'x');
    put(output, 1, 'ef');
    expect(sink.pending()).toEqual(['1:abcd', '2:x', '1:ef']);
  });

  it('begins anew behind a blob', () => {
    const sink = new Sink(64, 8);
    const output = new Output(sink);
    put(output, 1, 'head');
    output.blob(1, 7, 99);
    put(output, 1, 'next');
    expect(sink.pending()).toEqual(['1:head', '1:blob 7, 99', '1:next']);
  });

  it('is spilled when bytes or rows are full', () => {
    const sink = new Sink(8, 4);
    const output = new Output(sink);
    put(output, 1, 'abcde');
    put(output, 1, 'fghi');
    expect(sink.spilled).toEqual([['1:abcde']]);
    expect(sink.pending()).toEqual(['1:fghi']);
    for (const conn of [2, 3, 4, 5]) put(output, conn, 'x');
    expect([...sink.spilled.flat(), ...sink.pending()]).toEqual([
      '1:abcde',
      '1:fghi',
      '2:x',
      '3:x',
      '4:x',
      '5:x',
    ]);
  });

  it('takes more than fits at once', () => {
    const sink = new Sink(8, 4);
    const output = new Output(sink);
    output.write(1, bytesOf('0123456789abcdefghij'));
    sink.spill();
    expect(sink.spilled.flat().join('')).toBe('1:012345671:89abcdef1:ghij');
  });

  it('keeps a head in place until its blob is there, however full the rows are', () => {
    for (let before = 0; before < 10; before++) {
      const sink = new Sink(64, 4);
      const output = new Output(sink);
      for (let conn = 1; conn <= before; conn++) put(output, conn, 'x');
      const at = output.reserve(100, 4);
      output.blob(100, 7, 99);
      output.bytes.set(bytesOf('head'), at);
      sink.spill();
      expect(sink.spilled.flat().slice(-2)).toEqual(['100:head', '100:blob 7, 99']);
    }
  });

  it('of no bytes is nothing', () => {
    const sink = new Sink(8, 4);
    new Output(sink).write(1, bytesOf(''));
    expect(sink.pending()).toEqual([]);
  });
});
