/** The way to one other thread: what no ring can carry is refused where it is made. */
import { expect, it } from 'vitest';
import {
  FarLink,
  RecordTooLarge,
  type RecordWriter,
} from '../../../src/session/cross-thread/link.ts';
import { RecordKind } from '../../../src/session/cross-thread/records.ts';

class Writer implements RecordWriter {
  readonly calls: string[] = [];
  readonly bytes = new Uint8Array(8);
  readonly at = 0;
  readonly overflowBytes = 0;
  readonly sent = 0;

  begin(kind: number, _a: number, _b: number, _c: number, _d: number, byteCount: number): void {
    this.calls.push(`begin ${kind}: ${byteCount}`);
  }

  commit(): void {
    this.calls.push('commit');
  }

  publish(): void {
    this.calls.push('publish');
  }
}

it('refuses a record above the limit by its name, and writes nothing of it', () => {
  const writer = new Writer();
  const link = new FarLink(writer);
  link.send(RecordKind.WAKE, 1, 2, 0, 0);
  // As long as it says, without its memory.
  const payload = { length: 2 ** 31 } as Uint8Array;
  expect(() => link.send(RecordKind.MOVE, 7, 0, 0, 0, payload)).toThrow(
    new RecordTooLarge(RecordKind.MOVE, 2 ** 31),
  );
  expect(() => link.begin(RecordKind.FRAME, 1, 0, 0, 0, 2 ** 31)).toThrow(
    'begin record FRAME: 2147483648 bytes, limit 2147483647',
  );
  link.begin(RecordKind.FRAME, 1, 0, 0, 0, 2 ** 31 - 1);
  link.flush();
  expect(writer.calls).toEqual([
    `begin ${RecordKind.WAKE}: 0`,
    'commit',
    `begin ${RecordKind.FRAME}: 2147483647`,
    'commit',
    'publish',
  ]);
});
