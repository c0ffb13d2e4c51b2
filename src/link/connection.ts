/**
 * One connection to a job server from open to end: greeting, writes merged per turn, liveness. It is ready when the
 * ECHO after the greeting was answered, so a server that accepts and stays silent gets no jobs. Rule: `onClosed` is
 * called once, as the last event.
 */

import type { Duplex } from 'node:stream';
import { bytesOf, equalBytes } from '../base/bytes.ts';
import { Packet } from '../protocol/packets.ts';
import { argumentEnd } from './arguments.ts';
import type { Endpoint } from './endpoint.ts';
import { ConnectionError } from './errors.ts';
import { type OnPacket, type OnText, PacketReader } from './packet-reader.ts';
import { type Piece, RequestWriter } from './request-writer.ts';
import type { ConnectionSettings } from './settings.ts';

/** From this size on, data is written at once and not at the end of the turn. */
const FLUSH_BYTES = 65_536;
/** Large data is written in steps, so that progress is visible. */
const STEP_BYTES = 262_144;
/** The connection is checked so many times within the shorter of `keepaliveMs` and `answerTimeoutMs`. */
const LOOKS = 4;
const GREETING = bytesOf('geartrain greets');
const NOT_ALLOWED = bytesOf('NOT_ALLOWED');
const KEEPALIVE = bytesOf('geartrain alive?');

/** Events of a connection. */
export interface ConnectionEvents {
  /** Writes the first requests; they are sent in one write with the ECHO after them. */
  greet(writer: RequestWriter): void;
  onReady(): void;
  onPacket: OnPacket;
  /** Text between packets, when the connection gives text commands. */
  readonly onText?: OnText | undefined;
  /** Some unsent bytes have been sent. */
  onDrained(): void;
  onClosed(error: ConnectionError): void;
}

export class Connection {
  readonly writer = new RequestWriter();
  isReady = false;
  /** Requests whose bytes have all been given to the system. */
  sentRequests = 0;
  readonly #endpoint: Endpoint;
  readonly #settings: ConnectionSettings;
  readonly #events: ConnectionEvents;
  readonly #reader: PacketReader;
  /** null when it could not be opened at all. */
  #stream: Duplex | null = null;
  /** The token has been sent and not answered yet. */
  #isTokenShown = false;
  #isOpen = false;
  #isClosed = false;
  #isEnding = false;
  #error: ConnectionError | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #connectTimer: NodeJS.Timeout;
  #lifeTimer: NodeJS.Timeout | null = null;
  /** Pieces that wait for the current write to end, and the offset in the first of them. */
  #pieces: Piece[] = [];
  #offset = 0;
  #isWriting = false;
  #queuedBytes = 0;
  /**
   * Number of checks since the last bytes came, and since an unanswered ECHO was sent; -1 = no such ECHO. Checks are
   * counted instead of time: if this process was suspended, bytes that came meanwhile are read before the next check.
   */
  #quietLooks = 0;
  #askedLooks = -1;

  constructor(endpoint: Endpoint, settings: ConnectionSettings, events: ConnectionEvents) {
    this.#endpoint = endpoint;
    this.#settings = settings;
    this.#events = events;
    this.#reader = new PacketReader(
      (type, bytes, start, end, isOwn) => this.#onPacket(type, bytes, start, end, isOwn),
      events.onText,
    );
    const { connectTimeoutMs } = settings;
    this.#connectTimer = setTimeout(() => {
      // After the reads of this turn: the answer may have arrived.
      setImmediate(() => {
        if (this.isReady) return;
        const what = this.#isOpen ? 'did not answer' : 'could not be reached';
        this.destroy('ERR_GEARMAN_SILENT', `${what} within ${connectTimeoutMs} ms`);
      });
    }, connectTimeoutMs);
    try {
      this.#stream = endpoint.open({
        onOpen: () => this.#opened(),
        onBytes: (bytes, count) => this.#received(bytes, count),
        onClosed: (error) => this.#closed(error),
      });
    } catch (error) {
      // A closed server in this process, or options that node:tls rejects.
      process.nextTick(() => this.#closed(error as Error));
    }
  }

  /** Bytes that have not been given to the system. */
  get unsentBytes(): number {
    return this.writer.pendingBytes + this.#queuedBytes;
  }

  /** Sends written data at the end of this turn, or now when it is large. */
  flushSoon(): void {
    if (this.writer.pendingBytes >= FLUSH_BYTES) this.#flush();
    else if (this.#immediate === null && this.writer.pendingBytes > 0)
      this.#immediate = setImmediate(() => this.#flush());
  }

  /** Ends the connection at once. */
  destroy(code: ConnectionError['code'], what: string, cause?: Error): void {
    if (this.#isClosed) return;
    this.#error ??= new ConnectionError(
      code,
      `job server ${this.#endpoint.label} ${what}`,
      cause === undefined ? {} : { cause },
    );
    this.#reader.isStopped = true;
    this.#stream?.destroy();
  }

  /** Sends written data, then ends the connection. Further calls do nothing. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#reader.isStopped = true;
    if (!this.#isOpen) {
      this.destroy('ERR_GEARMAN_CLOSED', 'was disconnected');
      return;
    }
    this.#flush();
    if (!this.#isWriting) this.#finish();
  }

  #opened(): void {
    this.#isOpen = true;
    this.#heard();
    if (this.#settings.token !== null) this.#showToken(this.#settings.token);
    this.#events.greet(this.writer);
    this.#echo(GREETING);
    this.#flush();
    const { keepaliveMs, answerTimeoutMs } = this.#settings;
    const stepMs = Math.max(1, Math.floor(Math.min(keepaliveMs, answerTimeoutMs) / LOOKS));
    this.#lifeTimer = setInterval(() => this.#lookForLife(stepMs), stepMs).unref();
  }

  #received(bytes: Uint8Array, count: number): void {
    if (this.#reader.isStopped) return;
    this.#heard();
    try {
      this.#reader.push(bytes, count);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.destroy(
        'ERR_GEARMAN_PROTOCOL',
        `sent bytes that are not a packet: ${error.message}`,
        error,
      );
    }
  }

  #onPacket(type: number, bytes: Uint8Array, start: number, end: number, isOwn: boolean): void {
    if (type === Packet.ECHO_RES) {
      if (!this.isReady && isText(GREETING, bytes, start, end)) {
        this.isReady = true;
        clearTimeout(this.#connectTimer);
        this.#events.onReady();
        return;
      }
      if (isText(KEEPALIVE, bytes, start, end)) return;
    }
    if (!this.isReady && (type === Packet.OPTION_RES || type === Packet.ERROR)) {
      const stop = argumentEnd(bytes, start, end);
      const isRefused = type === Packet.ERROR && isText(NOT_ALLOWED, bytes, start, stop);
      const isOfToken = this.#isTokenShown;
      this.#isTokenShown = false;
      if (isOfToken && isRefused) this.destroy('ERR_GEARMAN_ACCESS', 'does not know the token');
      // Other parts of the greeting are optional: an old server may not know the option.
      if (isOfToken || !isRefused) return;
    }
    this.#events.onPacket(type, bytes, start, end, isOwn);
  }

  #showToken(token: string): void {
    this.#isTokenShown = true;
    const option = bytesOf(`token:${token}`);
    this.writer.open(Packet.OPTION_REQ, option.length);
    this.writer.put(option);
    this.writer.close();
  }

  #heard(): void {
    this.#quietLooks = 0;
    this.#askedLooks = -1;
  }

  #lookForLife(stepMs: number): void {
    const { keepaliveMs, answerTimeoutMs } = this.#settings;
    this.#quietLooks++;
    if (this.#askedLooks >= 0) {
      this.#askedLooks++;
      if (this.#askedLooks * stepMs >= answerTimeoutMs)
        this.destroy('ERR_GEARMAN_SILENT', `sent nothing for ${this.#quietLooks * stepMs} ms`);
    } else if (this.#quietLooks * stepMs >= keepaliveMs) {
      this.#askedLooks = 0;
      this.#echo(KEEPALIVE);
      this.flushSoon();
    }
  }

  #echo(text: Uint8Array): void {
    this.writer.open(Packet.ECHO_REQ, text.length);
    this.writer.put(text);
    this.writer.close();
  }

  #flush(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#immediate = null;
    if (!this.#isOpen || this.#isClosed) return;
    this.#queuedBytes += this.writer.pendingBytes;
    for (const piece of this.writer.take()) this.#pieces.push(piece);
    if (!this.#isWriting) this.#write();
  }

  /** Gives waiting data to the system, at most one step; the rest follows when that has been sent. */
  #write(): void {
    if (this.#pieces.length === 0) return;
    this.#isWriting = true;
    const stream = this.#stream as Duplex;
    let room = STEP_BYTES;
    let taken = 0;
    const batch: Uint8Array[] = [];
    while (room > 0 && taken < this.#pieces.length) {
      const piece = this.#pieces[taken] as Piece;
      const count = Math.min(room, piece.bytes.length - this.#offset);
      batch.push(piece.bytes.subarray(this.#offset, this.#offset + count));
      room -= count;
      this.#offset += count;
      if (this.#offset < piece.bytes.length) break;
      this.#offset = 0;
      this.sentRequests = piece.requestCount;
      taken++;
    }
    if (taken === this.#pieces.length) this.#pieces = [];
    else if (taken > 0) this.#pieces.splice(0, taken);
    const byteCount = STEP_BYTES - room;
    const last = batch.length - 1;
    if (last > 0) stream.cork();
    for (const [i, bytes] of batch.entries())
      if (i < last) stream.write(bytes);
      else stream.write(bytes, (error) => this.#written(byteCount, error));
    if (last > 0) stream.uncork();
  }

  #written(byteCount: number, error: Error | null | undefined): void {
    // The connection is ending: the rest is not sent.
    if (error != null || this.#isClosed) return;
    this.#isWriting = false;
    this.#queuedBytes -= byteCount;
    // The other side takes bytes, so it is alive.
    if (this.#queuedBytes > 0) this.#heard();
    if (this.#pieces.length > 0) this.#write();
    else if (this.#isEnding) this.#finish();
    this.#events.onDrained();
  }

  #finish(): void {
    this.#error ??= new ConnectionError(
      'ERR_GEARMAN_CLOSED',
      `job server ${this.#endpoint.label} was disconnected`,
    );
    const stream = this.#stream as Duplex;
    stream.end();
    this.#connectTimer = setTimeout(() => stream.destroy(), this.#settings.answerTimeoutMs);
  }

  #closed(failure: Error | null): void {
    this.#isClosed = true;
    this.#reader.isStopped = true;
    clearTimeout(this.#connectTimer);
    if (this.#lifeTimer !== null) clearInterval(this.#lifeTimer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#pieces = [];
    this.#events.onClosed(this.#error ?? this.#endOf(failure));
  }

  #endOf(failure: Error | null): ConnectionError {
    const { label, expectation } = this.#endpoint;
    const code = this.#isOpen ? 'ERR_GEARMAN_LOST' : 'ERR_GEARMAN_CONNECT';
    const isUnanswered = this.#isOpen && !this.isReady;
    const hint = isUnanswered && expectation !== '' ? ` before it answered; ${expectation}` : '';
    if (failure === null)
      return new ConnectionError(code, `job server ${label} closed the connection${hint}`);
    const what = this.#isOpen ? 'connection lost' : 'cannot connect';
    const text = `job server ${label}: ${what}${hint}: ${describe(failure)}`;
    return new ConnectionError(code, text, { cause: failure });
  }
}

/** An AggregateError of several addresses has no text of its own. */
function describe(failure: Error): string {
  if (failure.message !== '') return failure.message;
  if (failure instanceof AggregateError) return failure.errors.map(String).join(', ');
  return (failure as NodeJS.ErrnoException).code ?? failure.name;
}

function isText(text: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === text.length && equalBytes(text, 0, bytes, start, text.length);
}
