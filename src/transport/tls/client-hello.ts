/**
 * Checks the first bytes of a peer on a TLS port before TLS gets them: other protocols are recognized, and a handshake
 * begins only when its first message is complete, so that the expensive part is done in one step. Source: RFC 8446,
 * sections 4.1.2 and 5.1 (as in TLS 1.2). The native first-message queue has the same rules (first-message.cc).
 *
 *   | 22 | 3 | minor | record bytes (2) | 1 = ClientHello | message bytes (3) | message ... |
 */

const HANDSHAKE = 22;
const MAJOR = 3;
const CLIENT_HELLO = 1;
const RECORD_HEAD_BYTES = 5;
const MESSAGE_HEAD_BYTES = 4;
const RECORD_BYTES_MAX = 16_384;
const RANDOM_BYTES = 32;
const SESSION_ID_BYTES_MAX = 32;

/** Kinds of wrong bytes, with the addon's numbers. */
export const Wrong = {
  RECORD_BYTES: 1,
  MESSAGE: 2,
  IN_PIECES: 3,
  LENGTHS: 4,
  GEARMAN: 5,
  TEXT: 6,
  NOISE: 7,
} as const;
export type Wrong = (typeof Wrong)[keyof typeof Wrong];

/** `more`: incomplete; `whole`: a handshake may begin; otherwise the kind of wrong bytes. */
export type Look = 'more' | 'whole' | { readonly wrong: Wrong; readonly detail: number };

const WORDS: Readonly<Record<Wrong, string>> = {
  [Wrong.RECORD_BYTES]: 'a TLS record of a wrong length',
  [Wrong.MESSAGE]: 'a handshake that does not begin with a ClientHello',
  [Wrong.IN_PIECES]: 'a ClientHello in several records',
  [Wrong.LENGTHS]: 'a ClientHello that is nonsense (length mismatch)',
  [Wrong.GEARMAN]: 'Gearman in clear text',
  [Wrong.TEXT]: 'a text command or HTTP in clear text',
  [Wrong.NOISE]: 'bytes that are no TLS',
};

/** A kind of wrong bytes in words; `detail` is the length of a record. */
export function wordsOf(wrong: number, detail: number): string {
  if (wrong === Wrong.RECORD_BYTES) return `a TLS record of ${detail} bytes`;
  return WORDS[wrong as Wrong];
}

/** Checks all bytes received so far. */
export function lookAtHello(bytes: Uint8Array): Look {
  if (bytes.length === 0) return 'more';
  if (bytes[0] !== HANDSHAKE || (bytes.length > 1 && bytes[1] !== MAJOR))
    return wrongly(kindOf(bytes[0] as number));
  if (bytes.length < RECORD_HEAD_BYTES) return 'more';
  const recordBytes = number(bytes, 3, 5);
  if (recordBytes < MESSAGE_HEAD_BYTES || recordBytes > RECORD_BYTES_MAX)
    return wrongly(Wrong.RECORD_BYTES, recordBytes);
  if (bytes.length > RECORD_HEAD_BYTES && bytes[5] !== CLIENT_HELLO) return wrongly(Wrong.MESSAGE);
  const start = RECORD_HEAD_BYTES + MESSAGE_HEAD_BYTES;
  if (bytes.length < start) return 'more';
  const messageBytes = number(bytes, 6, 9);
  if (messageBytes + MESSAGE_HEAD_BYTES > recordBytes) return wrongly(Wrong.IN_PIECES);
  if (bytes.length < RECORD_HEAD_BYTES + recordBytes) return 'more';
  return fieldsFit(bytes.subarray(start, start + messageBytes)) ? 'whole' : wrongly(Wrong.LENGTHS);
}

/**
 * Whether the lengths inside a ClientHello are consistent and its version is one of TLS. This keeps random bytes away
 * from OpenSSL.
 */
function fieldsFit(hello: Uint8Array): boolean {
  let at = 2 + RANDOM_BYTES;
  const sessionIdBytes = hello[at];
  if (sessionIdBytes === undefined || hello[0] !== MAJOR) return false;
  if (sessionIdBytes > SESSION_ID_BYTES_MAX) return false;
  at += 1 + sessionIdBytes;
  if (hello.length < at + 2) return false;
  const suitesBytes = number(hello, at, at + 2);
  if (suitesBytes === 0 || suitesBytes % 2 !== 0) return false;
  at += 2 + suitesBytes;
  const methods = hello[at];
  if (methods === undefined || methods === 0) return false;
  at += 1 + methods;
  // TLS 1.2 may do without extensions.
  if (hello.length === at) return true;
  return hello.length >= at + 2 && number(hello, at, at + 2) === hello.length - at - 2;
}

function wrongly(wrong: Wrong, detail = 0): Look {
  return { wrong, detail };
}

/** The protocol that a peer without TLS speaks. */
function kindOf(first: number): Wrong {
  if (first === 0) return Wrong.GEARMAN;
  const isText = (first >= 0x20 && first < 0x7f) || first === 0x0a || first === 0x0d;
  return isText ? Wrong.TEXT : Wrong.NOISE;
}

function number(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 256 + (bytes[at] as number);
  return value;
}
