/** Listings of strangers' names on a terminal and in a pipe. */
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { RowWriter } from '../../../src/cli/tool/streams.ts';

/** A stream that keeps what it is given. */
function kept(isTTY: boolean): { stream: Writable; bytes: () => Buffer } {
  const parts: Buffer[] = [];
  const stream = new Writable({
    write(part, _encoding, done) {
      parts.push(Buffer.from(part));
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY }), bytes: () => Buffer.concat(parts) };
}

const LISTING = Buffer.from('a\x1b[2J\u009b31m\u202eé\t1\t0\n\xff\n.\n', 'utf8');

async function written(isTTY: boolean): Promise<Buffer> {
  const { stream, bytes } = kept(isTTY);
  const rows = new RowWriter(stream);
  for (let i = 0; i < LISTING.length; i++) await rows.write(LISTING.subarray(i, i + 1));
  await rows.write(Buffer.from('OK\r\n'));
  return bytes();
}

test('a pipe gets every byte', async () => {
  expect(await written(false)).toEqual(Buffer.concat([LISTING, Buffer.from('OK\r\n')]));
});

test('a terminal gets columns and lines, and nothing else that it obeys', async () => {
  expect((await written(true)).toString()).toBe('a\\x1b[2J\\x9b31m\\u{202e}é\t1\t0\nÿ\n.\nOK\r\n');
});
