/**
 * One suite for the decoder of the addon and its twin: what a connection's bytes become, however they were cut.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FaultReason } from '../../src/protocol/batch.ts';
import { READ_BYTES } from '../../src/protocol/limits.ts';
import { Packet } from '../../src/protocol/packets.ts';
import {
  CORPUS,
  type Frame,
  line,
  noise,
  rawPacket,
  type Sample,
  sample,
  short,
} from './corpus.ts';
import { DecodedStream, fault } from './decoders.ts';
import { implementations } from './peers.ts';

const bytesOf = (samples: readonly Sample[]): Buffer => Buffer.concat(samples.map((s) => s.bytes));
const framesOf = (samples: readonly Sample[]): Frame[] => samples.map((s) => s.frame);
const text = (count: number): string => 'x'.repeat(count);
const EMPTY = Buffer.alloc(0);

describe.each(implementations)('the decoder of the $kind', ({ createDecoder }) => {
  const decode = (...chunks: Uint8Array[]) => {
    const stream = new DecodedStream(createDecoder);
    for (const chunk of chunks) stream.feed(chunk);
    return stream.decoded;
  };

  test.each(CORPUS)('decodes $name', ({ bytes, frame }) => {
    expect(decode(bytes)).toEqual([frame]);
  });

  test('decodes the whole corpus from one read', () => {
    expect(decode(bytesOf(CORPUS))).toEqual(framesOf(CORPUS));
  });

  test('decodes the corpus cut in two at every place', () => {
    const bytes = bytesOf(CORPUS);
    const expected = JSON.stringify(framesOf(CORPUS));
    const stream = new DecodedStream(createDecoder); // the corpus ends with a frame's end, so one serves all
    for (let cut = 0; cut <= bytes.length; cut++) {
      stream.decoded.length = 0;
      stream.feed(bytes.subarray(0, cut)).feed(bytes.subarray(cut));
      expect(JSON.stringify(stream.decoded) === expected, `cut at ${cut}`).toBe(true);
    }
  });

  test('decodes the corpus byte by byte', () => {
    const bytes = bytesOf(CORPUS);
    const stream = new DecodedStream(createDecoder);
    for (let i = 0; i < bytes.length; i++) stream.feed(bytes.subarray(i, i + 1));
    expect(stream.decoded).toEqual(framesOf(CORPUS));
  });

  test('gives a frame as soon as its last byte is there', () => {
    for (const { bytes, frame } of CORPUS) {
      const stream = new DecodedStream(createDecoder);
      expect(stream.feed(bytes.subarray(0, -1)).decoded).toEqual([]);
      expect(stream.feed(bytes.subarray(-1)).decoded).toEqual([frame]);
    }
  });

  const LARGE = [
    ['a frame of the greatest carried size', sample(7, ['f', 'u'], noise(16384 - 12 - 4))],
    ['a frame one byte above it', sample(7, ['f', 'u'], noise(16384 - 12 - 4 + 1))],
    ['a frame of exactly one read', sample(7, ['f', 'u'], noise(65536 - 12 - 4))],
    ['a frame one byte below a read', sample(13, ['H:1'], noise(65535 - 12 - 4))],
    ['a frame one byte above a read', sample(18, ['f', 'u'], noise(65537 - 12 - 4))],
    ['an echo of several reads', sample(16, [], noise(200_001))],
    ['a reduce job with long names', sample(37, [text(4000), text(64), 'r', ''], noise(131_072))],
    ['a result with the magic of a server', sample(13, ['H:1'], noise(70_000), '\0RES')],
  ] as const;

  test.each(LARGE)('decodes %s cut around every border', (_name, large) => {
    const all = [line('before'), large, line('behind')];
    const bytes = bytesOf(all);
    const borders = [7, 19, 23, 8192, 8199, 16384, 16391, 65536, 65543, 131072, bytes.length - 7];
    const cuts = new Set(
      borders.flatMap((border) => [-13, -12, -2, -1, 0, 1, 2].map((d) => border + d)),
    );
    for (const cut of cuts) {
      if (cut < 0 || cut > bytes.length) continue;
      const stream = new DecodedStream(createDecoder);
      stream.feed(bytes.subarray(0, cut)).feed(bytes.subarray(cut));
      expect(stream.decoded, `cut at ${cut}`).toEqual(framesOf(all));
    }
  });

  test('decodes large frames one behind the other, cut at odd places', () => {
    const all = [...LARGE.map(([, large]) => large), ...CORPUS];
    const bytes = bytesOf(all);
    const stream = new DecodedStream(createDecoder);
    for (let at = 0; at < bytes.length; at += 4099) stream.feed(bytes.subarray(at, at + 4099));
    expect(stream.decoded).toEqual(framesOf(all));
    expect(stream.blobCount).toBe(LARGE.length - 1);
  });

  test('keeps a frame that is whole inside one read out of blobs', () => {
    const whole = sample(7, ['f', 'u'], noise(60_000));
    const stream = new DecodedStream(createDecoder).feed(whole.bytes);
    expect(stream.decoded).toEqual([whole.frame]);
    expect(stream.blobCount).toBe(0);
  });

  test('carries an incomplete frame of 16 KiB and gathers a greater one in a blob', () => {
    const carried = sample(16, [], noise(16384 - 12));
    const gathered = sample(16, [], noise(16384 - 11));
    const stream = new DecodedStream(createDecoder);
    stream.feed(carried.bytes.subarray(0, 9000)).feed(carried.bytes.subarray(9000));
    expect(stream.blobCount).toBe(0);
    stream.feed(gathered.bytes.subarray(0, 9000)).feed(gathered.bytes.subarray(9000));
    expect(stream.blobCount).toBe(1);
    expect(stream.decoded).toEqual([carried.frame, gathered.frame]);
  });

  test('gives what found no row with the next reads of nothing', () => {
    const stream = new DecodedStream(createDecoder);
    const first = stream.feedOnce(Buffer.alloc(READ_BYTES, '\n'));
    expect(first).toBe(4096);
    for (let count = first; count > 0; ) count = stream.feedOnce(EMPTY);
    expect(stream.decoded.length).toBe(READ_BYTES);
    expect(stream.feed(line('last').bytes).decoded.at(-1)).toEqual(line('last').frame);
  });

  describe('limits', () => {
    const MAX_ARGUMENT = 8192 - 12;
    const FITTING: readonly (readonly [string, Sample])[] = [
      ['a name that fills the head', sample(1, [text(MAX_ARGUMENT)])],
      [
        'arguments with NULs that fill the head',
        sample(7, [text(MAX_ARGUMENT - 3), 'u'], noise(99)),
      ],
      ['a payload on GRAB_JOB that fills the head', short(14, text(MAX_ARGUMENT))],
      ['a line of 8191 bytes', line(text(8191))],
      ['a line of 8190 bytes and CR', line(text(8190), '\r\n')],
      ['a short result that fills the head', short(13, text(MAX_ARGUMENT))],
    ];
    test.each(FITTING)('decodes %s', (_name, fitting) => {
      const { bytes } = fitting;
      const flags = fitting.frame.type === Packet.WORK_FAIL ? 0 : fitting.frame.flags;
      const frame = { ...fitting.frame, flags };
      expect(decode(bytes)).toEqual([frame]);
      expect(decode(bytes.subarray(0, 8191), bytes.subarray(8191))).toEqual([frame]);
    });
  });

  describe('faults', () => {
    const REQ = '\0REQ';
    const FAULTS: readonly (readonly [string, keyof typeof FaultReason, Buffer, number])[] = [
      ['a magic that is none', 'BAD_MAGIC', rawPacket('\0RER', 1, 1, Buffer.from('f')), 0],
      ['a NUL before text', 'BAD_MAGIC', Buffer.from('\0status\nstatus\n'), 0],
      ['type 0', 'BAD_TYPE', rawPacket(REQ, 0, 0, EMPTY), 0],
      ['type 43', 'BAD_TYPE', rawPacket(REQ, 43, 0, EMPTY), 0],
      ['type 0x80000000', 'BAD_TYPE', rawPacket(REQ, 0x80000000, 0, EMPTY), 0],
      ['type 0xffffffff', 'BAD_TYPE', rawPacket('\0RES', 0xffffffff, 0, EMPTY), 0],
      ['a name that does not end in the head', 'HEAD_TOO_LONG', rawPacket(REQ, 1, 8181, EMPTY), 0],
      ['a long payload on PRE_SLEEP', 'HEAD_TOO_LONG', rawPacket(REQ, 4, 8181, EMPTY), 0],
      ['a long handle in WORK_FAIL', 'HEAD_TOO_LONG', rawPacket(REQ, 14, 9000, EMPTY), 0],
      [
        'a submit whose function does not end',
        'HEAD_TOO_LONG',
        rawPacket(REQ, 7, 99_000, Buffer.alloc(8180, 'f')),
        0,
      ],
      [
        'a submit whose unique ends too late',
        'HEAD_TOO_LONG',
        rawPacket(REQ, 7, 8181, Buffer.from(`f\0${text(8178)}\0`)),
        0,
      ],
      [
        'a result whose handle does not end',
        'HEAD_TOO_LONG',
        rawPacket(REQ, 13, 8181, Buffer.alloc(8181, 'h')),
        0,
      ],
      ['a submit without NULs', 'TOO_FEW_ARGUMENTS', rawPacket(REQ, 7, 3, Buffer.from('abc')), 0],
      [
        'a submit with one NUL',
        'TOO_FEW_ARGUMENTS',
        rawPacket(REQ, 18, 4, Buffer.from('abc\0')),
        0,
      ],
      ['an empty submit', 'TOO_FEW_ARGUMENTS', rawPacket(REQ, 21, 0, EMPTY), 0],
      [
        'a reduce job with three NULs',
        'TOO_FEW_ARGUMENTS',
        rawPacket(REQ, 37, 6, Buffer.from('f\0u\0r\0')),
        0,
      ],
      ['a timeout without NUL', 'TOO_FEW_ARGUMENTS', rawPacket(REQ, 23, 1, Buffer.from('f')), 0],
      ['a line of 8192 bytes', 'LINE_TOO_LONG', Buffer.from(`${text(8192)}\n`), 0],
      ['a line of 8191 bytes and CR', 'LINE_TOO_LONG', Buffer.from(`${text(8191)}\r\n`), 0],
      ['a line that does not end', 'LINE_TOO_LONG', Buffer.alloc(8192, 'x'), 0],
      [
        'a packet one byte too large',
        'PACKET_TOO_LARGE',
        rawPacket(REQ, 7, 268_435_457, EMPTY),
        268_435_457,
      ],
      [
        'a packet of 2 GiB',
        'PACKET_TOO_LARGE',
        rawPacket(REQ, 7, 0x80000000, EMPTY),
        0x80000000 | 0,
      ],
      ['a packet of 4 GiB - 1', 'PACKET_TOO_LARGE', rawPacket(REQ, 1, 0xffffffff, EMPTY), -1],
    ];

    test.each(FAULTS)('finds %s', (_name, reason, bytes, announced) => {
      const before = line('before');
      const expected = [before.frame, fault(reason, announced)];
      expect(decode(bytesOf([before]), bytes)).toEqual(expected);
      expect(decode(Buffer.concat([before.bytes, bytes, line('behind').bytes]))).toEqual(expected);
      const stream = new DecodedStream(createDecoder).feed(before.bytes);
      for (const byte of bytes) stream.feed(Buffer.of(byte));
      expect(stream.decoded).toEqual(expected);
    });

    test.each(FAULTS)('decodes nothing behind %s', (_name, reason, bytes, announced) => {
      const stream = new DecodedStream(createDecoder).feed(bytes).feed(bytesOf(CORPUS));
      expect(stream.decoded).toEqual([fault(reason, announced)]);
    });

    test('waits for 12 bytes before it looks at the magic', () => {
      const stream = new DecodedStream(createDecoder).feed(Buffer.from('\0nonsense!!'));
      expect(stream.decoded).toEqual([]);
      expect(stream.feed(Buffer.from('!')).decoded).toEqual([fault('BAD_MAGIC')]);
    });

    test('measures packets against the limit given', () => {
      const stream = new DecodedStream(createDecoder, 10);
      stream.feed(sample(16, [], noise(10)).bytes).feed(sample(16, [], noise(11)).bytes);
      expect(stream.decoded).toEqual([
        sample(16, [], noise(10)).frame,
        fault('PACKET_TOO_LARGE', 11),
      ]);
    });

    test('every reason is found by one of the cases', () => {
      expect(new Set(FAULTS.map(([, reason]) => reason))).toEqual(
        new Set(Object.keys(FaultReason)),
      );
    });
  });

  test('gives equal frames for any chunks of any frames', () => {
    const name = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'é', ' ', '-') });
    const data = fc.oneof(
      { weight: 5, arbitrary: fc.nat({ max: 300 }) },
      { weight: 1, arbitrary: fc.integer({ min: 16_000, max: 140_000 }) },
    );
    const frame = fc.oneof(
      fc.constantFrom(...CORPUS),
      fc.tuple(name, name, data).map(([f, u, n]) => sample(7, [f, u], noise(n))),
      fc.tuple(name, data).map(([h, n]) => sample(28, [h], noise(n))),
      name.map((words) => line(words)),
    );
    const cuts = fc.array(fc.nat({ max: 70_000 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), cuts, (frames, sizes) => {
        const bytes = bytesOf(frames);
        const stream = new DecodedStream(createDecoder);
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = 1 + sizes[i % sizes.length]!;
          stream.feed(bytes.subarray(at, at + size));
          at += size;
        }
        expect(stream.decoded).toEqual(framesOf(frames));
      }),
      { numRuns: 200 },
    );
  });
});
