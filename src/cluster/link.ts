/**
 * The link between this server and one incarnation of another: records arrive once and in order over messages that may
 * be lost, repeated and reordered. Pure: `step` takes an event and returns effects.
 *
 * Rule: both directions share one generation. A side that must begin anew raises it by one; a side that sees a greater
 * one adopts it. Either way all records under way in both directions are gone and both sides get the effect `reset`, so what
 * they hold of each other has to be announced again. Messages of a smaller generation are answered with the present one.
 *
 * Rule: nothing is taken from a server that is dead for this one until it is alive again; it sends again. Otherwise it
 * could be given a job and die unnoticed, because it dies only once.
 *
 * Numbers count the messages of a generation. The receiver takes the next number only and acknowledges all up to it;
 * the sender sends again everything from the first unacknowledged number on. At most WINDOW_BYTES are unacknowledged;
 * the other records wait in order. Source: docs/design.md, section 16.
 */
import { assert } from '../base/assert.ts';
import {
  encodeLinkMessage,
  LINK_HEAD_BYTES_MAX,
  LINK_MESSAGE_BYTES_MAX,
  type LinkMessage,
  PIECE_HEAD_BYTES,
  type Piece,
} from './link-message.ts';

export const WINDOW_BYTES = 4 * 1024 * 1024;
/** Unacknowledged messages are sent again after the first time, and after twice as long each time up to the second. */
export const RESEND_MS_MIN = 200;
export const RESEND_MS_MAX = 2000;

export type LinkEvent =
  /** A record for the other server. The link owns its bytes from here on. */
  | { readonly type: 'send'; readonly record: Uint8Array }
  /** A message of the other server has arrived. */
  | { readonly type: 'message'; readonly message: LinkMessage; readonly nowMs: number }
  /** The end of a turn: what waits is sent, and what is due is sent again. */
  | { readonly type: 'turn'; readonly nowMs: number }
  /** The states of the two do not fit. */
  | { readonly type: 'reset' }
  /** The other server is dead for this one. */
  | { readonly type: 'dead' }
  /** The other server is alive again. */
  | { readonly type: 'alive' };

export type LinkEffect =
  /** Send these bytes to the inbox of the other server. */
  | { readonly type: 'message'; readonly bytes: Uint8Array }
  /** The next record of the other server. */
  | { readonly type: 'record'; readonly record: Uint8Array }
  /** All records under way are gone in both directions. */
  | { readonly type: 'reset' }
  /** A record of the other server was too large and has been dropped. */
  | { readonly type: 'dropped'; readonly byteCount: number };

export interface LinkOptions {
  /** Incarnation of this server, at most 64 characters. */
  readonly incarnation: string;
  /** Bytes that a message of NATS may have; at least 1024. */
  readonly messageBytesMax: number;
  /** Bytes of a record that is taken, at most. */
  readonly recordBytesMax: number;
}

interface Sent {
  readonly number: number;
  readonly pieces: readonly Piece[];
  readonly byteCount: number;
  /** NaN once it has been sent twice: then an acknowledgement may belong to either. */
  sentMs: number;
}

export class Link {
  readonly #incarnation: string;
  readonly #bodyBytesMax: number;
  readonly #recordBytesMax: number;
  #generation = 1;
  /** Records that have no number yet; of the first one, `#cut` bytes have been sent. */
  #waiting: Uint8Array[] = [];
  #cut = 0;
  #waitingBytes = 0;
  #sent: Sent[] = [];
  #sentBytes = 0;
  #lastNumber = 0;
  #resendAtMs = Number.POSITIVE_INFINITY;
  #resendMs = RESEND_MS_MIN;
  #mustGreet = false;
  #isDead = false;
  #received = 0;
  #mustAcknowledge = false;
  #begun: Uint8Array[] = [];
  #begunBytes = 0;
  #roundTripMs = 0;

  constructor({ incarnation, messageBytesMax, recordBytesMax }: LinkOptions) {
    assert(messageBytesMax >= 1024, 'make a link: a message has at least 1024 bytes');
    this.#incarnation = incarnation;
    this.#bodyBytesMax = Math.min(LINK_MESSAGE_BYTES_MAX, messageBytesMax) - LINK_HEAD_BYTES_MAX;
    this.#recordBytesMax = recordBytesMax;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Bytes of records that the other server has not acknowledged, sent or not. */
  get pendingBytes(): number {
    return this.#waitingBytes + this.#sentBytes;
  }

  /** Smoothed time between a message and its acknowledgement, in ms; 0 before the first. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  step(event: LinkEvent): LinkEffect[] {
    const effects: LinkEffect[] = [];
    switch (event.type) {
      case 'send':
        this.#waiting.push(event.record);
        this.#waitingBytes += event.record.length;
        break;
      case 'message':
        if (!this.#isDead) this.#receive(event.message, event.nowMs, effects);
        break;
      case 'turn':
        this.#turn(event.nowMs, effects);
        break;
      case 'alive':
        this.#isDead = false;
        break;
      case 'dead':
      case 'reset':
        this.#isDead ||= event.type === 'dead';
        this.#begin(this.#generation + 1, effects);
        // An empty message, so that the other side notices even if there is nothing to send.
        this.#mustGreet = true;
        break;
    }
    return effects;
  }

  #begin(generation: number, effects: LinkEffect[]): void {
    this.#generation = generation;
    this.#waiting = [];
    this.#cut = 0;
    this.#waitingBytes = 0;
    this.#sent = [];
    this.#sentBytes = 0;
    this.#lastNumber = 0;
    this.#resendAtMs = Number.POSITIVE_INFINITY;
    this.#resendMs = RESEND_MS_MIN;
    this.#mustGreet = false;
    this.#received = 0;
    this.#mustAcknowledge = false;
    this.#begun = [];
    this.#begunBytes = 0;
    effects.push({ type: 'reset' });
  }

  #receive(message: LinkMessage, nowMs: number, effects: LinkEffect[]): void {
    if (message.generation < this.#generation) {
      this.#mustAcknowledge = true;
      return;
    }
    if (message.generation > this.#generation) this.#begin(message.generation, effects);
    this.#acknowledge(message.acknowledged, nowMs);
    if (message.number === 0) return;
    this.#mustAcknowledge = true;
    if (message.number !== this.#received + 1) return;
    this.#received++;
    for (const piece of message.pieces) this.#take(piece, effects);
  }

  #acknowledge(number: number, nowMs: number): void {
    let count = 0;
    for (const sent of this.#sent) {
      if (sent.number > number) break;
      count++;
      this.#sentBytes -= sent.byteCount;
      if (Number.isNaN(sent.sentMs)) continue;
      const tookMs = Math.max(0, nowMs - sent.sentMs);
      this.#roundTripMs += this.#roundTripMs === 0 ? tookMs : (tookMs - this.#roundTripMs) / 8;
    }
    if (count === 0) return;
    this.#sent.splice(0, count);
    this.#resendMs = RESEND_MS_MIN;
    this.#resendAtMs = this.#sent.length === 0 ? Number.POSITIVE_INFINITY : nowMs + this.#resendMs;
  }

  #take({ bytes, isContinued }: Piece, effects: LinkEffect[]): void {
    this.#begunBytes += bytes.length;
    if (this.#begunBytes <= this.#recordBytesMax) this.#begun.push(bytes);
    else this.#begun = [];
    if (isContinued) return;
    const byteCount = this.#begunBytes;
    if (byteCount > this.#recordBytesMax) effects.push({ type: 'dropped', byteCount });
    else effects.push({ type: 'record', record: joined(this.#begun, byteCount) });
    this.#begun = [];
    this.#begunBytes = 0;
  }

  #turn(nowMs: number, effects: LinkEffect[]): void {
    if (nowMs >= this.#resendAtMs) {
      for (const sent of this.#sent) {
        sent.sentMs = Number.NaN;
        this.#emit(sent.number, sent.pieces, effects);
      }
      this.#resendMs = Math.min(2 * this.#resendMs, RESEND_MS_MAX);
      this.#resendAtMs = nowMs + this.#resendMs;
    }
    while (this.#mustGreet || (this.#waiting.length > 0 && this.#sentBytes < WINDOW_BYTES)) {
      const pieces = this.#mustGreet ? [] : this.#cutPieces();
      this.#mustGreet = false;
      const byteCount = pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
      const number = ++this.#lastNumber;
      if (this.#sent.length === 0) this.#resendAtMs = nowMs + this.#resendMs;
      this.#sent.push({ number, pieces, byteCount, sentMs: nowMs });
      this.#sentBytes += byteCount;
      this.#emit(number, pieces, effects);
    }
    if (this.#mustAcknowledge) this.#emit(0, [], effects);
  }

  /** Takes what fits into one message and into the window; at least one piece. */
  #cutPieces(): Piece[] {
    const pieces: Piece[] = [];
    let room = Math.min(this.#bodyBytesMax, WINDOW_BYTES - this.#sentBytes + PIECE_HEAD_BYTES);
    let count = 0;
    while (count < this.#waiting.length && room > PIECE_HEAD_BYTES) {
      const record = this.#waiting[count] as Uint8Array;
      room -= PIECE_HEAD_BYTES;
      const end = Math.min(record.length, this.#cut + room);
      const isContinued = end < record.length;
      pieces.push({ bytes: record.subarray(this.#cut, end), isContinued });
      this.#waitingBytes -= end - this.#cut;
      room -= end - this.#cut;
      this.#cut = isContinued ? end : 0;
      if (isContinued) break;
      count++;
    }
    this.#waiting.splice(0, count);
    return pieces;
  }

  #emit(number: number, pieces: readonly Piece[], effects: LinkEffect[]): void {
    this.#mustAcknowledge = false;
    const bytes = encodeLinkMessage({
      from: this.#incarnation,
      generation: this.#generation,
      number,
      acknowledged: this.#received,
      pieces,
    });
    effects.push({ type: 'message', bytes });
  }
}

/** The pieces as one record of its own. */
function joined(pieces: readonly Uint8Array[], byteCount: number): Uint8Array {
  const record = new Uint8Array(byteCount);
  let at = 0;
  for (const piece of pieces) {
    record.set(piece, at);
    at += piece.length;
  }
  return record;
}
