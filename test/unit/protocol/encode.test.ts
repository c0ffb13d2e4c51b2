import { describe, expect, it } from 'vitest';
import { decimalBytes, packetOf, writeDecimal, writeHeader } from '../../../src/protocol/encode.ts';
import { Errors, packetTooLarge, workErrorFor } from '../../../src/protocol/errors.ts';
import { Packet } from '../../../src/protocol/packets.ts';
import { rawPacket } from '../../support/packet-text.ts';

describe('writeHeader', () => {
  it.each([
    [Packet.NOOP, 0],
    [Packet.JOB_CREATED, 255],
    [Packet.STATUS_RES_UNIQUE, 0x01020304],
    [Packet.ECHO_RES, 0x7fffffff],
  ])('writes type %i and length %i, big-endian, and nothing else', (type, payloadBytes) => {
    const bytes = Buffer.alloc(16, 0xaa);
    expect(writeHeader(bytes, 2, type, payloadBytes)).toBe(14);
    const wanted = rawPacket(type, '', { magic: '\0RES', size: payloadBytes });
    expect(bytes.subarray(2, 14).equals(wanted)).toBe(true);
    expect([bytes[0], bytes[1], bytes[14], bytes[15]]).toEqual([0xaa, 0xaa, 0xaa, 0xaa]);
  });
});

describe('writeDecimal', () => {
  it.each([0, 1, 9, 10, 99, 100, 12345, 2147483647, 2147483648, 4294967295])(
    'writes %i as it is spelled',
    (n) => {
      const bytes = Buffer.alloc(14, 0x78);
      const end = writeDecimal(bytes, 2, n);
      expect(bytes.toString('latin1', 2, end)).toBe(String(n));
      expect(decimalBytes(n)).toBe(String(n).length);
      expect(bytes.toString('latin1', end)).toBe('x'.repeat(14 - end));
    },
  );
});

describe('packetOf', () => {
  it('makes a packet to a peer, byte by byte of its text', () => {
    const packet = Buffer.from(packetOf(Packet.ERROR, 'CODE\0caf\xe9'));
    expect(packet.equals(rawPacket(19, 'CODE\0caf\xe9', { magic: '\0RES' }))).toBe(true);
  });
});

describe('errors', () => {
  it.each([
    ['invalidMagic', 'INVALID_MAGIC\0Request magic expected'],
    ['invalidCommand', 'INVALID_COMMAND\0Command not expected'],
    ['unknownOption', 'UNKNOWN_OPTION\0Server does not recognize given option'],
    ['uniqueTooLarge', 'ARGUMENT_TOO_LARGE\0Unique value too large'],
    [
      'handleTooLarge',
      'ARGUMENT_TOO_LARGE\0Error occurred due to GEARMAND_JOB_HANDLE_SIZE being too small from snprintf',
    ],
    ['queueFull', 'QUEUE_ERROR\0Job queue is full'],
    ['queueError', 'QUEUE_ERROR\0QUEUE_ERROR'],
    ['resultJobNotFound', 'JOB_NOT_FOUND\0Job given in work result not found'],
    ['jobNotFound', 'JOB_NOT_FOUND\0Job does not exist on server'],
    [
      'exceptionJobNotFound',
      'JOB_NOT_FOUND\0An exception was received for a job that does not exist',
    ],
  ] as const)('%s is spelled as gearmand does', (name, payload) => {
    expect(Buffer.from(Errors[name]).equals(rawPacket(19, payload, { magic: '\0RES' }))).toBe(true);
  });

  it('name the size of a packet and the limit', () => {
    const packet = Buffer.from(packetTooLarge(300, 200));
    const payload = 'ARGUMENT_TOO_LARGE\0packet is 300 bytes, limit 200';
    expect(packet.equals(rawPacket(19, payload, { magic: '\0RES' }))).toBe(true);
  });

  it('fit the packet that they answer', () => {
    const { resultJobNotFound, jobNotFound, exceptionJobNotFound } = Errors;
    expect(workErrorFor(Packet.WORK_COMPLETE)).toBe(resultJobNotFound);
    expect(workErrorFor(Packet.WORK_FAIL)).toBe(resultJobNotFound);
    expect(workErrorFor(Packet.WORK_STATUS)).toBe(resultJobNotFound);
    expect(workErrorFor(Packet.WORK_DATA)).toBe(jobNotFound);
    expect(workErrorFor(Packet.WORK_WARNING)).toBe(jobNotFound);
    expect(workErrorFor(Packet.WORK_EXCEPTION)).toBe(exceptionJobNotFound);
  });
});
