/**
 * Cuts the bytes of a job server into packets, however they are segmented. A packet that spans reads is copied once,
 * into memory that grows with the bytes received and not with the announced size. Errors: ConnectionError
 * `ERR_GEARMAN_PROTOCOL` when the bytes are not packets. A connection that gives text commands gets text between packets
 * too: it ends at the NUL of the next packet, because no text of a job server contains one.
 */
import { HEADER_BYTES } from '../protocol/limits.ts';
import { PACKET_TYPE_MAX } from '../protocol/packets.ts';
import { ConnectionError } from './errors.ts';

/**
 * Takes one packet with the payload `bytes[start, end)`. `isOwn` false: the bytes are valid until the call returns.
 * `isOwn` true: they belong to this packet alone and may be kept.
 */
export type OnPacket = (
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  isOwn: boolean,
) => void;

/** Takes a part of the text between two packets, `bytes[start, end)`, which is valid until the call returns. */
export type OnText = (bytes: Uint8Array, start: number, end: number) => void;

const MAGIC_RES = 0x00524553;
/** Memory for a packet that is announced larger than this grows as its bytes arrive. */
const TRUSTED_BYTES = 1024 * 1024;

export class PacketReader {
  readonly #onPacket: OnPacket;
  readonly #onText: OnText | null;
  /** An incomplete header. */
  readonly #head = new Uint8Array(HEADER_BYTES);
  #headBytes = 0;
  /** An incomplete payload, or null. */
  #payload: Uint8Array | null = null;
  #payloadBytes = 0;
  #type = 0;
  #wanted = 0;
  /** True: no more packets are passed on. */
  isStopped = false;

  /** Without `onText` there may be packets only. */
  constructor(onPacket: OnPacket, onText: OnText | null = null) {
    this.#onPacket = onPacket;
    this.#onText = onText;
  }

  /** Takes the received `bytes[0, count)` and passes on the packets that they complete. */
  push(bytes: Uint8Array, count: number): void {
    let at = 0;
    if (this.#payload !== null) at = this.#gather(bytes, 0, count);
    else if (this.#headBytes > 0) at = this.#gatherHead(bytes, count);
    for (;;) {
      if (this.#onText !== null) at = this.#passText(this.#onText, bytes, at, count);
      if (count - at < HEADER_BYTES || this.isStopped) break;
      this.#open(bytes, at);
      at += HEADER_BYTES;
      const end = at + this.#wanted;
      if (end > count) {
        this.#begin();
        at = this.#gather(bytes, at, count);
      } else {
        this.#onPacket(this.#type, bytes, at, end, false);
        at = end;
      }
    }
    if (at < count && !this.isStopped) {
      for (; at < count; at++) this.#head[this.#headBytes++] = bytes[at] as number;
    }
  }

  /** Bytes of the incomplete packet. */
  get unfinishedBytes(): number {
    return this.#payload === null ? this.#headBytes : HEADER_BYTES + this.#payloadBytes;
  }

  /** Returns where the text at `at` ends; `at` when there is none. */
  #passText(onText: OnText, bytes: Uint8Array, at: number, count: number): number {
    if (at >= count || bytes[at] === 0) return at;
    const nul = bytes.indexOf(0, at);
    const end = nul < 0 ? count : Math.min(nul, count);
    onText(bytes, at, end);
    return end;
  }

  #open(bytes: Uint8Array, at: number): void {
    if (wordAt(bytes, at) !== MAGIC_RES) throw protocolError('magic is not \\0RES');
    const type = wordAt(bytes, at + 4);
    if (type < 1 || type > PACKET_TYPE_MAX) throw protocolError(`type is ${type}`);
    this.#type = type;
    this.#wanted = wordAt(bytes, at + 8);
  }

  #begin(): void {
    this.#payload = new Uint8Array(Math.min(this.#wanted, TRUSTED_BYTES));
    this.#payloadBytes = 0;
  }

  #gatherHead(bytes: Uint8Array, count: number): number {
    let at = 0;
    while (this.#headBytes < HEADER_BYTES && at < count)
      this.#head[this.#headBytes++] = bytes[at++] as number;
    if (this.#headBytes < HEADER_BYTES) return at;
    this.#headBytes = 0;
    this.#open(this.#head, 0);
    this.#begin();
    return this.#gather(bytes, at, count);
  }

  /** Adds to the incomplete payload; returns the offset after the bytes that it took. */
  #gather(bytes: Uint8Array, start: number, count: number): number {
    const take = Math.min(count - start, this.#wanted - this.#payloadBytes);
    const payload = this.#reserve(this.#payloadBytes + take);
    payload.set(bytes.subarray(start, start + take), this.#payloadBytes);
    this.#payloadBytes += take;
    if (this.#payloadBytes === this.#wanted) {
      this.#payload = null;
      this.#onPacket(this.#type, payload, 0, this.#wanted, true);
    }
    return start + take;
  }

  #reserve(byteCount: number): Uint8Array {
    const payload = this.#payload as Uint8Array;
    if (byteCount <= payload.length) return payload;
    const larger = new Uint8Array(Math.min(this.#wanted, Math.max(byteCount, payload.length * 2)));
    larger.set(payload.subarray(0, this.#payloadBytes));
    this.#payload = larger;
    return larger;
  }
}

/** An unsigned 32-bit number, big-endian. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

function protocolError(what: string): ConnectionError {
  return new ConnectionError('ERR_GEARMAN_PROTOCOL', `read packet: ${what}`);
}
