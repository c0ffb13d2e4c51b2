/**
 * The session's end of a connection inside the process, as a wire of a turn engine. Rule: the peer gets bytes and ends
 * after the turn that sent them, never during it.
 */
import { GoneReason } from '../../protocol/batch.ts';
import { type Connection, Leaving, type Opened, type Wire } from '../turn/connection.ts';
import type { TurnEngine } from '../turn/turn-engine.ts';
import type { InProcessStream, ServerEnd } from './stream.ts';

/** Makes `stream` a connection of the engine. `onClosed` is called when it has ended. */
export function connectInProcess(
  engine: TurnEngine,
  stream: InProcessStream,
  opened: Opened | null,
  onClosed: () => void,
): Connection {
  const wire = new InProcessWire(engine, stream, opened, onClosed);
  stream.attach(wire);
  return wire.connection;
}

class InProcessWire implements Wire, ServerEnd {
  readonly keepsPieces = true;
  readonly connection: Connection;
  readonly #engine: TurnEngine;
  readonly #stream: InProcessStream;
  readonly #onClosed: () => void;
  /** Bytes that the peer has not taken completely. */
  #pieces: Uint8Array[] = [];
  #unsentBytes = 0;
  /** The peer takes bytes. */
  #isOpen = true;
  #isDeliveryDue = false;
  /** Call it when the memory of the peer's last write is no longer in use; null when no write is pending. */
  #taken: (() => void) | null = null;
  /** The connection ends after the peer has taken the pieces; with `isDropping`, only those that it takes at once. */
  #isEnding = false;
  #isDropping = false;
  #hasEnded = false;
  #isClosed = false;
  #lingerTimer: NodeJS.Timeout | null = null;

  constructor(
    engine: TurnEngine,
    stream: InProcessStream,
    opened: Opened | null,
    onClosed: () => void,
  ) {
    this.#engine = engine;
    this.#stream = stream;
    this.#onClosed = onClosed;
    this.connection = engine.open(this, opened);
  }

  write(chunks: readonly Uint8Array[], done: () => void): void {
    for (const chunk of chunks) this.#engine.received(this.connection, chunk);
    // A closing connection keeps none of them.
    if (this.connection.input.queue.bytes === 0) done();
    else this.#taken = done;
  }

  end(): void {
    this.#engine.ended(this.connection, GoneReason.END);
  }

  resume(): void {
    this.#isOpen = true;
    if (!this.#isDeliveryDue) this.#deliver();
  }

  leave(): void {
    this.#drop();
    if (this.#isClosed) return;
    if (this.connection.leaving !== Leaving.NO) this.#close();
    else this.#engine.ended(this.connection, GoneReason.RESET);
  }

  send(pieces: readonly Uint8Array[], done: () => void): void {
    if (!this.#stream.destroyed) {
      for (const piece of pieces) {
        this.#pieces.push(piece);
        this.#unsentBytes += piece.length;
      }
      this.#deliverSoon();
    }
    done();
  }

  unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Has nothing to do, because the peer's next write waits until this one is taken. */
  setReading(_isReading: boolean): void {}

  taken(): void {
    const taken = this.#taken;
    this.#taken = null;
    taken?.();
  }

  finish(lingerMs: number): void {
    this.#isEnding = true;
    this.taken();
    if (this.#stream.destroyed) {
      this.#close();
      return;
    }
    this.#deliverSoon();
    this.#lingerTimer = setTimeout(() => this.destroy(), lingerMs).unref();
  }

  destroy(): void {
    this.#isEnding = true;
    this.#isDropping = true;
    this.taken();
    if (!this.#stream.destroyed) this.#deliverSoon();
    this.#close();
  }

  #deliverSoon(): void {
    if (this.#isDeliveryDue) return;
    this.#isDeliveryDue = true;
    process.nextTick(() => {
      this.#isDeliveryDue = false;
      this.#deliver();
    });
  }

  /** Gives the peer as much as it takes. While it runs, the peer may call any method, even `leave`. */
  #deliver(): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    let count = 0;
    while (count < pieces.length && this.#isOpen && !this.#stream.destroyed) {
      const piece = pieces[count++] as Uint8Array;
      this.#unsentBytes -= piece.length;
      this.#isOpen = this.#stream.push(piece);
    }
    if (this.#stream.destroyed) return;
    if (count < pieces.length) this.#pieces = [...pieces.slice(count), ...this.#pieces];
    if (this.#isDropping) this.#drop();
    if (this.#isEnding && this.#unsentBytes === 0 && !this.#hasEnded) {
      this.#hasEnded = true;
      this.#stream.push(null);
    }
    if (count > 0 && !this.#isClosed) this.#engine.output.sent(this.connection);
  }

  #drop(): void {
    this.#pieces = [];
    this.#unsentBytes = 0;
    this.taken();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#lingerTimer !== null) clearTimeout(this.#lingerTimer);
    this.#engine.closed(this.connection);
    this.#onClosed();
  }
}
