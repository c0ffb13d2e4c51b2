/**
 * Reading paused for all connections: nothing is given, nothing is lost, and peers are not read without end.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { READ_BYTES } from '../../../src/protocol/limits.ts';
import { Host } from '../../parity/host.ts';
import { createMemoryReactor, type MemoryReactor } from '../../support/memory-reactor.ts';

let host: Host<MemoryReactor>;
let reactor: MemoryReactor;
beforeEach(() => {
  host = new Host((options) => createMemoryReactor(options));
  reactor = host.reactor;
});

const runAll = (): void => {
  while (reactor.runTurn());
};
const line = (text: string): Buffer => Buffer.from(`${text}\n`);

describe('a reactor whose reading is paused', () => {
  test('gives what had been read before only afterwards', () => {
    const conn = reactor.connect();
    runAll();
    reactor.push(conn, Buffer.alloc(3 * READ_BYTES, line('x'.repeat(1023))));
    reactor.runTurn();
    const before = host.events.length;
    reactor.pauseReading(true);
    runAll();
    expect(host.events.length).toBe(before);
    reactor.pauseReading(false);
    runAll();
    expect(host.said(conn).length).toBe(1 + (3 * READ_BYTES) / 1024);
  });

  test('reads no further', () => {
    const conn = reactor.connect();
    runAll();
    reactor.pauseReading(true);
    reactor.push(conn, Buffer.alloc(100 * READ_BYTES, line('x'.repeat(1023))));
    runAll();
    expect(reactor.socketOf(conn).inbound.bytes).toBe(100 * READ_BYTES);
  });

  test('reads little of a connection that opens meanwhile', () => {
    reactor.pauseReading(true);
    const conn = reactor.connect();
    reactor.push(conn, Buffer.alloc(100 * READ_BYTES, line('x'.repeat(1023))));
    runAll();
    expect(host.said(conn)).toEqual(['OPEN 127.0.0.1']);
    expect(reactor.socketOf(conn).inbound.bytes).toBe(99 * READ_BYTES);
    reactor.pauseReading(false);
    runAll();
    expect(host.said(conn).length).toBe(1 + (100 * READ_BYTES) / 1024);
  });

  test('gives the end of a peer behind what it sent', () => {
    const conn = reactor.connect();
    runAll();
    reactor.pauseReading(true);
    reactor.push(conn, line('a'));
    reactor.end(conn);
    runAll();
    reactor.pauseReading(false);
    runAll();
    expect(host.said(conn).slice(1)).toEqual(['LINE a', 'GONE']);
  });

  test('changes nothing when it is told the same again', () => {
    const conn = reactor.connect();
    runAll();
    reactor.pauseReading(true);
    reactor.pauseReading(true);
    reactor.pauseReading(false);
    reactor.push(conn, line('a'));
    runAll();
    expect(host.said(conn).slice(1)).toEqual(['LINE a']);
  });
});
