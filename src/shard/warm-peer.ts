/** A peer of the warm-up: sends packets, waits for answers. Rule: it stops at the time limit, and never throws. */
import type { Duplex } from 'node:stream';
import { packetOf } from '../protocol/encode.ts';
import { HEADER_BYTES } from '../protocol/limits.ts';

/** Third letter of the magic of a request. */
const Q = 0x51;

export class WarmPeer {
  readonly #stream: Duplex;
  #unread: Buffer = Buffer.alloc(0);
  /** The type of the awaited packet, and how many of it are still to come. */
  #type = 0;
  #missing = 0;
  #settle: ((handle: string | null) => void) | null = null;
  #isOver = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (bytes: Buffer) => this.#take(bytes));
    stream.on('close', () => this.giveUp());
    stream.on('error', () => this.giveUp());
  }

  send(type: number, ...args: string[]): void {
    const packet = packetOf(type, args.join('\0'));
    packet[3] = Q;
    this.#stream.write(packet);
  }

  /** The first argument of the `count`th next packet of `type`; skips other packets. Null when the time is over. */
  answer(type: number, count = 1): Promise<string | null> {
    return new Promise((resolve) => {
      this.#type = type;
      this.#missing = count;
      this.#settle = resolve;
      if (this.#isOver) this.giveUp();
      else this.#look();
    });
  }

  /** No more answers will come. */
  giveUp(): void {
    this.#isOver = true;
    this.#settle?.(null);
    this.#settle = null;
  }

  leave(): void {
    this.giveUp();
    this.#stream.destroy();
  }

  #take(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    if (this.#settle !== null) this.#look();
  }

  #look(): void {
    let at = 0;
    const unread = this.#unread;
    while (this.#settle !== null && unread.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + unread.readUInt32BE(at + 8);
      if (end > unread.length) break;
      if (unread.readUInt32BE(at + 4) === this.#type && --this.#missing === 0) {
        const payload = unread.toString('latin1', at + HEADER_BYTES, end);
        this.#settle(payload.split('\0', 1)[0] as string);
        this.#settle = null;
      }
      at = end;
    }
    this.#unread = unread.subarray(at);
  }
}
