/** What is taken for a ClientHello, and what is not. */
import { expect, it } from 'vitest';
import { lookAtHello, Wrong, wordsOf } from '../../../src/transport/tls/client-hello.ts';
import { helloOf } from '../../support/hello.ts';

it.each([
  ['of TLS 1.3', {}],
  ['without a session', { sessionId: Buffer.alloc(0) }],
  ['of TLS 1.2 without extensions', { extensions: null }],
  ['with extensions of no length', { extensions: Buffer.alloc(0) }],
  ['of the first TLS', { version: 0x0301 }],
  ['that is large', { extensions: Buffer.alloc(12_000) }],
])('takes a ClientHello %s, and waits for its last byte', (_what, fields) => {
  const bytes = helloOf(fields);
  expect(lookAtHello(bytes)).toBe('whole');
  for (let count = 0; count < bytes.length; count += bytes.length > 1_000 ? 97 : 1)
    expect(lookAtHello(bytes.subarray(0, count))).toBe('more');
});

it.each([
  ['another version', { version: 0x0203 }],
  ['a session id of 33 bytes', { sessionId: Buffer.alloc(33) }],
  ['no cipher suites', { suites: Buffer.alloc(0) }],
  ['half a cipher suite', { suites: Buffer.alloc(3) }],
  ['no compression method', { methods: Buffer.alloc(0) }],
  ['bytes behind its extensions', { rest: Buffer.of(0) }],
  ['half a length of extensions', { extensions: null, rest: Buffer.of(0) }],
  ['extensions that are cut', { extensions: null, rest: Buffer.of(0, 3, 1, 2) }],
])('refuses a ClientHello with %s', (_what, fields) => {
  expect(lookAtHello(helloOf(fields))).toEqual({ wrong: Wrong.LENGTHS, detail: 0 });
});

it('refuses one that is cut anywhere, in a record of its length', () => {
  const bytes = helloOf();
  // Up to the end of its random, and behind: never out of its bounds.
  for (let count = 9; count < bytes.length; count++) {
    const cut = Buffer.from(bytes.subarray(0, count));
    cut.writeUInt16BE(count - 5, 3);
    cut.writeUIntBE(count - 9, 6, 3);
    const withoutExtensions = count === bytes.length - 9;
    expect(lookAtHello(cut)).toEqual(
      withoutExtensions ? 'whole' : { wrong: Wrong.LENGTHS, detail: 0 },
    );
  }
});

it('says in words what is wrong', () => {
  for (const wrong of Object.values(Wrong)) expect(wordsOf(wrong, 5)).toMatch(/\w+ \w+/);
  expect(wordsOf(Wrong.RECORD_BYTES, 5)).toBe('a TLS record of 5 bytes');
});
