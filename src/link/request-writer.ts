/**
 * Writes requests into pieces that are sent with one system call a turn. Each piece of memory is filled once and never
 * reused, because the system may still read it; large data is not copied but becomes a piece of its own.
 */
import { copyBytes } from '../base/bytes.ts';
import { HEADER_BYTES } from '../protocol/limits.ts';
import { Packet } from '../protocol/packets.ts';

const PIECE_BYTES = 65_536;
/** Data of at least this size is sent without a copy. */
export const ATTACH_BYTES = 32_768;

/** Longer arrays are copied by `set`, which is faster for them. */
const LOOP_BYTES_MAX = 24;

/** Bytes ready to be sent. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** Number of requests that are complete with this piece, counted from the connection's start. */
  readonly requestCount: number;
}

export class RequestWriter {
  /** Requests written so far. */
  requestCount = 0;
  /** Bytes written and not taken yet. */
  pendingBytes = 0;
  #bytes = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #start = 0;
  #at = 0;
  #pieces: Piece[] = [];
  /** Offset of the header of the open request. */
  #header = 0;

  /** A request without arguments and data. */
  bare(type: number): void {
    this.open(type, 0);
    this.close();
  }

  /** A line of the text protocol with its end. It does not count as a request. */
  line(line: Uint8Array): void {
    if (this.#bytes.length - this.#at < line.length) this.#renew(line.length);
    this.put(line);
    this.pendingBytes += line.length;
  }

  /** Begins a request whose arguments and copied data take at most `bytesMax` bytes. */
  open(type: number, bytesMax: number): void {
    if (this.#bytes.length - this.#at < HEADER_BYTES + bytesMax) this.#renew(bytesMax);
    const bytes = this.#bytes;
    const at = this.#at;
    this.#header = at;
    bytes[at] = 0;
    bytes[at + 1] = 0x52;
    bytes[at + 2] = 0x45;
    bytes[at + 3] = 0x51;
    bytes[at + 4] = 0;
    bytes[at + 5] = 0;
    bytes[at + 6] = 0;
    bytes[at + 7] = type;
    this.#at = at + HEADER_BYTES;
  }

  put(source: Uint8Array): void {
    if (source.length > LOOP_BYTES_MAX) {
      this.#bytes.set(source, this.#at);
      this.#at += source.length;
    } else this.#at = copyBytes(this.#bytes, this.#at, source, 0, source.length);
  }

  nul(): void {
    this.#bytes[this.#at++] = 0;
  }

  /** Text as UTF-8; at most three bytes a character. */
  text(text: string): void {
    const bytes = this.#bytes;
    const start = this.#at;
    if (text.length <= 64) {
      let i = 0;
      for (; i < text.length; i++) {
        const code = text.charCodeAt(i);
        if (code > 0x7f) break;
        bytes[start + i] = code;
      }
      if (i === text.length) {
        this.#at = start + i;
        return;
      }
    }
    this.#at = start + bytes.write(text, start);
  }

  /** Text as Latin-1, one byte a character: the form of handles. */
  latin1(text: string): void {
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#at = at;
  }

  /** Ends the open request. */
  close(): void {
    this.#finish(this.#at - this.#header - HEADER_BYTES);
    this.requestCount++;
  }

  /**
   * Ends the open request with `data`, which is copied when short; otherwise it must not change until it has been
   * sent.
   */
  closeWith(data: Uint8Array): void {
    if (data.length < ATTACH_BYTES) {
      this.put(data);
      this.close();
      return;
    }
    this.#finish(this.#at - this.#header - HEADER_BYTES + data.length);
    this.#cut();
    this.requestCount++;
    this.#pieces.push({ bytes: data, requestCount: this.requestCount });
    this.pendingBytes += data.length;
  }

  /** Everything written so far. */
  take(): Piece[] {
    this.#cut();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.pendingBytes = 0;
    return pieces;
  }

  #finish(payloadBytes: number): void {
    const bytes = this.#bytes;
    const at = this.#header;
    bytes[at + 8] = payloadBytes >>> 24;
    bytes[at + 9] = payloadBytes >>> 16;
    bytes[at + 10] = payloadBytes >>> 8;
    bytes[at + 11] = payloadBytes;
    this.pendingBytes += this.#at - at;
  }

  /** Makes a piece of the data written into the current memory. */
  #cut(): void {
    if (this.#at === this.#start) return;
    const bytes = this.#bytes.subarray(this.#start, this.#at);
    this.#pieces.push({ bytes, requestCount: this.requestCount });
    this.#start = this.#at;
  }

  #renew(bytesMax: number): void {
    this.#cut();
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, HEADER_BYTES + bytesMax));
    this.#start = 0;
    this.#at = 0;
  }
}

/** SET_CLIENT_ID, unless `id` is null. */
export function writeClientId(writer: RequestWriter, id: string | null): void {
  if (id === null) return;
  writer.open(Packet.SET_CLIENT_ID, textBytesMax(id));
  writer.text(id);
  writer.close();
}

/** OPTION_REQ. Servers that do not know the option answer ERROR, or nothing; in a greeting all answers are right. */
export function writeOption(writer: RequestWriter, option: string): void {
  writer.open(Packet.OPTION_REQ, textBytesMax(option));
  writer.text(option);
  writer.close();
}

/** Upper bound of the UTF-8 bytes of `text`. */
export function textBytesMax(text: string): number {
  return text.length * 3;
}
