/**
 * Two streams that are the ends of one connection inside the process: what one writes the other reads, in order.
 * Rule: a write counts as done when the other side has taken it, so neither end is flooded.
 */
import { Duplex } from 'node:stream';

class PairEnd extends Duplex {
  other: PairEnd | null = null;
  /** Goes on with the other end's write that waits for this end to read. */
  #resume: (() => void) | null = null;

  override _read(): void {
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const { other } = this;
    // The other end is gone, and so this one soon is: its bytes reach nobody, as with a socket.
    if (other === null || other.destroyed) done();
    else other.#take(bytes, done);
  }

  override _final(done: (error?: Error) => void): void {
    if (this.other !== null && !this.other.destroyed) this.other.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this;
    this.other = null;
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
    // What it wrote before can still be read.
    if (other !== null && !other.destroyed && !other.readableEnded) other.push(null);
    done(error);
  }

  #take(bytes: Buffer, done: () => void): void {
    // The giver may use its memory again as soon as the write is done.
    if (this.push(Buffer.from(bytes))) done();
    else this.#resume = done;
  }
}

/** The server's end, which may go on sending when the peer has ended, and the peer's, which ends with the server's. */
export function createMemoryPair(): [ours: Duplex, theirs: Duplex] {
  const ours = new PairEnd({ allowHalfOpen: true });
  const theirs = new PairEnd({ allowHalfOpen: false });
  ours.other = theirs;
  theirs.other = ours;
  return [ours, theirs];
}
