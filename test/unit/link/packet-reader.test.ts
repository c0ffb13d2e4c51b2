/** Packets are cut out of any segmentation, and their bytes are copied only when they must be. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketReader } from '../../../src/link/packet-reader.ts';
import { rawPacket } from '../../support/packet-text.ts';

interface Got {
  type: number;
  payload: Buffer;
  isOwn: boolean;
}

function readerInto(got: Got[]): PacketReader {
  return new PacketReader((type, bytes, start, end, isOwn) => {
    got.push({ type, payload: Buffer.from(bytes.subarray(start, end)), isOwn });
  });
}

/** Whether a job server may send it as text. */
const isPlain = (text: string): boolean => !text.includes('\0');

const res = (type: number, payload: string | Buffer = ''): Buffer =>
  rawPacket(type, payload, { magic: '\0RES' });

describe('the packet reader', () => {
  it('gives the same packets however they are cut', () => {
    const packet = fc.record({
      type: fc.integer({ min: 1, max: 42 }),
      payload: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(
        fc.array(packet, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
        (packets, cuts) => {
          const bytes = Buffer.concat(packets.map((p) => res(p.type, Buffer.from(p.payload))));
          const got: Got[] = [];
          const reader = readerInto(got);
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const count = Math.min(cuts[i % cuts.length] as number, bytes.length - at);
            // The reader may not keep the memory that it is given.
            const chunk = Buffer.from(bytes.subarray(at, at + count));
            reader.push(chunk, count);
            chunk.fill(0xee);
            at += count;
          }
          expect(got.map(({ type, payload }) => ({ type, payload: [...payload] }))).toEqual(
            packets.map(({ type, payload }) => ({ type, payload: [...payload] })),
          );
          expect(reader.unfinishedBytes).toBe(0);
        },
      ),
    );
  });

  it('gives text between packets, however it is cut, when it is asked to', () => {
    const item = fc.oneof(
      fc.record({ text: fc.string({ minLength: 1, maxLength: 40 }).filter(isPlain) }),
      fc.record({ payload: fc.uint8Array({ maxLength: 40 }) }),
    );
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 8 }),
        fc.integer({ min: 1, max: 30 }),
        (items, step) => {
          const bytes = Buffer.concat(
            items.map((one) =>
              'text' in one ? Buffer.from(one.text) : res(17, Buffer.from(one.payload)),
            ),
          );
          const got: Buffer[] = [];
          const reader = new PacketReader(
            (_type, from, start, end) => got.push(res(17, Buffer.from(from.subarray(start, end)))),
            (from, start, end) => got.push(Buffer.from(from.subarray(start, end))),
          );
          for (let at = 0; at < bytes.length; at += step) {
            // The memory of a read is longer than what came.
            const chunk = Buffer.alloc(64, 'x');
            reader.push(chunk, bytes.copy(chunk, 0, at, at + step));
          }
          expect(Buffer.concat(got)).toEqual(bytes);
          expect(reader.unfinishedBytes).toBe(0);
        },
      ),
    );
  });

  it('lends the bytes of a packet that lies in one read, and gives away those of one that does not', () => {
    const got: Got[] = [];
    const reader = readerInto(got);
    const whole = res(13, 'H:1\0result');
    reader.push(whole, whole.length);
    reader.push(whole.subarray(0, 20), 20);
    reader.push(whole.subarray(20), whole.length - 20);
    expect(got.map((g) => g.isOwn)).toEqual([false, true]);
  });

  it('reserves memory as bytes come, not as they are announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const reader = readerInto([]);
    const head = rawPacket(13, 'x', { magic: '\0RES', size: 0xffffffff });
    reader.push(head, head.length);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 << 20);
    expect(reader.unfinishedBytes).toBe(13);
  });

  it('takes 64 MiB in small reads without copying them over and over', () => {
    const size = 64 << 20;
    let got = 0;
    const reader = new PacketReader((_type, bytes, start, end, isOwn) => {
      got = end - start;
      expect([isOwn, bytes.length]).toEqual([true, size]);
    });
    const head = rawPacket(28, '', { magic: '\0RES', size });
    reader.push(head, head.length);
    const chunk = new Uint8Array(16_384);
    for (let at = 0; at < size; at += chunk.length) reader.push(chunk, chunk.length);
    expect(got).toBe(size);
  });

  it.each([
    ['a request', rawPacket(13, 'x'), 'magic'],
    ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n'), 'magic'],
    ['type 0', res(0), 'type is 0'],
    ['type 43', res(43), 'type is 43'],
  ])('refuses %s', (_what, bytes, message) => {
    const reader = readerInto([]);
    expect(() => reader.push(bytes, bytes.length)).toThrow(
      expect.objectContaining({
        code: 'ERR_GEARMAN_PROTOCOL',
        message: expect.stringContaining(message),
      }),
    );
  });

  it('gives nothing more once it is stopped', () => {
    const got: number[] = [];
    const reader = new PacketReader((type) => {
      got.push(type);
      reader.isStopped = true;
    });
    const bytes = Buffer.concat([res(6), res(10), res(6)]);
    reader.push(bytes, bytes.length);
    expect(got).toEqual([6]);
  });
});
