/**
 * A stream (net.Socket, TLS socket, one end of a memory pair) as a wire: one write per turn, closing with and without
 * lingering. Rule: actions of a peer never make this code throw; failures come as the socket's events.
 */
import type { Duplex } from 'node:stream';
import type { Wire } from './turn/connection.ts';

export class SocketWire implements Wire {
  readonly #socket: Duplex;
  #lingerTimer: NodeJS.Timeout | null = null;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.once('close', () => {
      if (this.#lingerTimer !== null) clearTimeout(this.#lingerTimer);
    });
  }

  send(pieces: readonly Uint8Array[], done: () => void): void {
    const socket = this.#socket;
    if (socket.destroyed || !socket.writable) {
      done();
      return;
    }
    const last = pieces.length - 1;
    if (last > 0) socket.cork(); // one writev instead of a write for each piece
    for (let i = 0; i < last; i++) socket.write(pieces[i]!);
    socket.write(pieces[last]!, () => done());
    if (last > 0) socket.uncork();
  }

  unsentBytes(): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength;
  }

  setReading(isReading: boolean): void {
    if (isReading) this.#socket.resume();
    else this.#socket.pause();
  }

  /**
   * Ends the output. The socket closes when both directions have ended; until then the peer's bytes are read and
   * dropped.
   */
  finish(lingerMs: number): void {
    const socket = this.#socket;
    socket.end();
    socket.resume(); // closing with unread bytes would reset the connection and lose the last reply
    this.#lingerTimer = setTimeout(() => socket.destroy(), lingerMs);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
