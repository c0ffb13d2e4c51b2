/**
 * The first bytes of a peer on a TLS port, looked at before TLS sees them: what is no TLS is told apart from it, and a
 * handshake begins only when its first message is whole, so that its dear part is one step.
 * Source: RFC 8446, sections 4 and 5.1 (as in TLS 1.2).
 *
 *   | 22 | 3 | minor | record bytes (2) | 1 = ClientHello | message bytes (3) | message ... |
 */

const HANDSHAKE = 22;
const MAJOR = 3;
const CLIENT_HELLO = 1;
const RECORD_HEAD_BYTES = 5;
const MESSAGE_HEAD_BYTES = 4;
const RECORD_BYTES_MAX = 16_384;

/** `more`: not whole yet; `whole`: a handshake may begin; else what is wrong, in words. */
export type Look = 'more' | 'whole' | { readonly wrong: string };

/** Looks at all bytes that came so far. */
export function lookAtHello(bytes: Uint8Array): Look {
  if (bytes.length === 0) return 'more';
  if (bytes[0] !== HANDSHAKE || (bytes.length > 1 && bytes[1] !== MAJOR))
    return { wrong: describe(bytes) };
  if (bytes.length < RECORD_HEAD_BYTES) return 'more';
  const recordBytes = number(bytes, 3, 5);
  if (recordBytes < MESSAGE_HEAD_BYTES || recordBytes > RECORD_BYTES_MAX)
    return { wrong: `a TLS record of ${recordBytes} bytes` };
  if (bytes.length > RECORD_HEAD_BYTES && bytes[5] !== CLIENT_HELLO)
    return { wrong: 'a handshake that does not begin with a ClientHello' };
  if (bytes.length < RECORD_HEAD_BYTES + MESSAGE_HEAD_BYTES) return 'more';
  if (number(bytes, 6, 9) + MESSAGE_HEAD_BYTES > recordBytes)
    return { wrong: 'a ClientHello in several records' };
  return bytes.length < RECORD_HEAD_BYTES + recordBytes ? 'more' : 'whole';
}

/** What a peer that does not speak TLS speaks instead. */
function describe(bytes: Uint8Array): string {
  if (bytes[0] === 0) return 'Gearman in clear text';
  const first = bytes[0] as number;
  const isText = (first >= 0x20 && first < 0x7f) || first === 0x0a || first === 0x0d;
  return isText ? 'a text command or HTTP in clear text' : 'bytes that are no TLS';
}

function number(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 256 + (bytes[at] as number);
  return value;
}
