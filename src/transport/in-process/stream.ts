/**
 * The peer's end of a connection inside the process: a stream whose other end is a session, with no system in between.
 * Rule: a write completes when the session's thread has read it, so that no side gets more than it can take and no
 * chunk is copied.
 */
import { Duplex } from 'node:stream';
import { READ_BYTES } from '../../protocol/limits.ts';

/** The session's end. */
export interface ServerEnd {
  /** Takes bytes; `done` is called once when their memory is no longer used. */
  write(chunks: readonly Uint8Array[], done: () => void): void;
  /** The peer writes nothing more. */
  end(): void;
  /** The peer takes bytes again. */
  resume(): void;
  /** The peer is gone. */
  leave(): void;
}

export class InProcessStream extends Duplex {
  #server: ServerEnd | null = null;
  #isRefused = false;
  /** The operation that waits for the server's end. There is at most one, because a stream does one thing at a time. */
  #waiting: (() => void) | null = null;

  constructor() {
    super({ allowHalfOpen: false, highWaterMark: READ_BYTES });
  }

  /** Connects its other end. */
  attach(server: ServerEnd): void {
    this.#server = server;
    this.#goOn();
  }

  /** There is no other end: the peer sees the end of the connection. */
  refuse(): void {
    this.#isRefused = true;
    this.#goOn();
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {
    this.#server?.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#give([chunk], done);
  }

  override _writev(parts: { chunk: Buffer }[], done: () => void): void {
    this.#give(
      parts.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: () => void): void {
    if (this.#server === null && !this.#isRefused) {
      this.#waiting = () => this._final(done);
      return;
    }
    this.#server?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#server?.leave();
    this.#isRefused = true;
    this.#goOn();
    done(error);
  }

  #give(chunks: readonly Uint8Array[], done: () => void): void {
    if (this.#server !== null) this.#server.write(chunks, done);
    // Its bytes are dropped, as with a closed socket.
    else if (this.#isRefused) done();
    else this.#waiting = () => this.#give(chunks, done);
  }

  #goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }
}
