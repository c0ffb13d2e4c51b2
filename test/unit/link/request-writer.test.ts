/** Requests become pieces; memory that was given away is never written again. */
import { describe, expect, it } from 'vitest';
import { ATTACH_BYTES, RequestWriter } from '../../../src/link/request-writer.ts';
import { request } from '../../support/packet-text.ts';

const joined = (writer: RequestWriter): Buffer =>
  Buffer.concat(writer.take().map((piece) => piece.bytes));

function submit(writer: RequestWriter, data: Uint8Array): void {
  writer.open(7, 100 + (data.length < ATTACH_BYTES ? data.length : 0));
  writer.text('f');
  writer.nul();
  writer.text('u');
  writer.nul();
  writer.closeWith(data);
}

describe('the request writer', () => {
  it('writes what the protocol asks for', () => {
    const writer = new RequestWriter();
    writer.bare(4);
    submit(writer, Buffer.from('data\0more'));
    writer.open(22, 30);
    writer.text('wörker');
    writer.close();
    expect(joined(writer)).toEqual(
      Buffer.concat([
        request('PRE_SLEEP'),
        request('SUBMIT_JOB', 'f', 'u', 'data\0more'),
        request('SET_CLIENT_ID', Buffer.from('wörker')),
      ]),
    );
  });

  it('makes one piece of the small requests of a turn', () => {
    const writer = new RequestWriter();
    for (let i = 0; i < 100; i++) submit(writer, Buffer.from(String(i)));
    const pieces = writer.take();
    expect(pieces.length).toBe(1);
    expect(pieces[0]?.requestCount).toBe(100);
    expect(writer.pendingBytes).toBe(0);
    expect(writer.take()).toEqual([]);
  });

  it('sends large data from where it lies, and counts the request with it', () => {
    const writer = new RequestWriter();
    const data = new Uint8Array(ATTACH_BYTES).fill(7);
    submit(writer, data);
    submit(writer, Buffer.from('small'));
    expect(writer.pendingBytes).toBe(12 + 4 + ATTACH_BYTES + 12 + 4 + 5);
    const pieces = writer.take();
    expect(pieces.map((piece) => piece.requestCount)).toEqual([0, 1, 2]);
    expect(pieces[1]?.bytes).toBe(data);
  });

  it('leaves given pieces alone', () => {
    const writer = new RequestWriter();
    submit(writer, Buffer.from('first'));
    const [first] = writer.take();
    const copy = Buffer.from(first?.bytes as Uint8Array);
    for (let i = 0; i < 5000; i++) submit(writer, Buffer.from('another one'));
    expect(Buffer.from(first?.bytes as Uint8Array)).toEqual(copy);
    expect(joined(writer).length).toBe(5000 * (12 + 4 + 11));
  });

  it('takes a single request that is larger than a piece of memory', () => {
    const writer = new RequestWriter();
    writer.open(26, 200_000);
    writer.text('x'.repeat(200_000));
    writer.close();
    expect(joined(writer)).toEqual(request('OPTION_REQ', 'x'.repeat(200_000)));
  });

  it.each(['', 'a', 'é', '\u{1f600}', 'x'.repeat(64), `${'x'.repeat(63)}é`, 'é'.repeat(65)])(
    'writes %j as UTF-8',
    (text) => {
      const writer = new RequestWriter();
      writer.open(26, text.length * 3);
      writer.text(text);
      writer.close();
      expect(joined(writer)).toEqual(request('OPTION_REQ', Buffer.from(text)));
    },
  );
});
