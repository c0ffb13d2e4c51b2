/**
 * Joins the decrypted stream of a peer with a plain socket whose other end a reactor owns, so that there is one decoder,
 * one session and one way out for all peers. Rule: each side ends with the other, and neither is read faster than the
 * other takes.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** The server has ended; the peer may take its last bytes for so long. */
const LINGER_MS = 2_000;

export class Bridge {
  readonly #secure: TLSSocket;
  readonly #plain: Socket;
  #onClosed: () => void = () => {};
  #timer: NodeJS.Timeout | null = null;

  /** `onClosed` is called once, when nothing of it is left. */
  constructor(secure: TLSSocket, plain: Socket, onClosed: () => void) {
    this.#secure = secure;
    this.#plain = plain;
    let open = 2;
    const closed = () => {
      open--;
      if (open > 0) return;
      if (this.#timer !== null) clearTimeout(this.#timer);
      onClosed();
      this.#onClosed();
    };
    // What failed closes by itself, and the other side with it.
    secure.on('error', () => {});
    plain.on('error', () => {});
    secure.once('close', () => {
      plain.destroy();
      closed();
    });
    plain.once('close', () => {
      // After an orderly end the peer still takes what was piped.
      if (!secure.writableEnded) secure.destroy();
      closed();
    });
    plain.once('end', () => this.#linger());
    secure.pipe(plain);
    plain.pipe(secure);
  }

  /** Resolves when what the server had sent has left, at the latest when the peer was patient for `lingerMs`. */
  finish(lingerMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#secure.closed && this.#plain.closed) {
        resolve();
        return;
      }
      this.#onClosed = resolve;
      if (this.#secure.writableFinished) this.destroy();
      else this.#secure.once('finish', () => this.destroy());
      setTimeout(() => this.destroy(), lingerMs).unref();
    });
  }

  destroy(): void {
    this.#secure.destroy();
    this.#plain.destroy();
  }

  #linger(): void {
    this.#timer = setTimeout(() => this.#secure.destroy(), LINGER_MS);
  }
}
