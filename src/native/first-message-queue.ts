/**
 * The addon's first-message queue of the contract: turns its rows into events and its ids into peers. Rule: a closed
 * queue reports nothing more, even if an event closed it.
 */
import { getSystemErrorName } from 'node:util';
import { latin1 } from '../base/bytes.ts';
import { checked } from './addon-errors.ts';
import { firstMessageNumbers } from './addon-settings.ts';
import { type Bindings, bindings, NativeFirstMessageQueue } from './bindings.ts';
import type {
  FirstMessageEvents,
  FirstMessageOptions,
  FirstMessagePeer,
  FirstMessageQueue,
} from './contract.ts';
import { ipOf } from './ip-of.ts';

/** As in native/first-message/first-message-queue.h. */
const ROW_INTS = 4;
const TEXT_BYTES = 64;
const Row = { PEER: 0, EVENT: 1, VALUE: 2, DETAIL: 3 } as const;
const Event = { ENTERED: 1, WHOLE: 2, ENDED: 3 } as const;
const End = { WRONG: 1, LEFT: 2, LATE: 3 } as const;

const SAID_MS = 1_000;

/** Binds and listens. Rejects with SystemError. */
export async function openFirstMessageQueue(
  options: FirstMessageOptions,
  events: FirstMessageEvents,
): Promise<FirstMessageQueue> {
  return new AddonFirstMessageQueue(bindings(), options, await ipOf(options.host), events);
}

class AddonFirstMessageQueue extends NativeFirstMessageQueue implements FirstMessageQueue {
  readonly host: string;
  readonly port: number;
  readonly #events: FirstMessageEvents;
  readonly #rows: Int32Array;
  readonly #texts: Uint8Array;
  readonly #closed: Promise<void>;
  /** Waiting peers, by id. */
  readonly #peers = new Map<number, FirstMessagePeer>();
  #isClosed = false;
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    native: Bindings,
    options: FirstMessageOptions,
    ip: string,
    events: FirstMessageEvents,
  ) {
    super();
    let onClosed = (): void => {};
    this.#closed = new Promise((resolve) => {
      onClosed = resolve;
    });
    this.host = ip;
    this.#events = events;
    const parts = native.openFirstMessageQueue(
      firstMessageNumbers(options),
      ip,
      (rowCount) => this.#onRows(rowCount),
      (errno) => this.#onAcceptError(errno),
      onClosed,
    );
    if (typeof parts === 'number') {
      checked(parts, 'listen', `${options.host} port ${options.port}`);
      throw new Error(`openFirstMessageQueue: ${parts}`);
    }
    this.handle = parts.handle;
    this.#rows = parts.rows;
    this.#texts = parts.texts;
    this.port = this.boundPort();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#peers.clear();
    this.startClose();
    return this.#closed;
  }

  #onRows(rowCount: number): void {
    for (let row = 0; row < rowCount; row++) {
      const at = row * ROW_INTS;
      const id = this.#int(at + Row.PEER);
      const event = this.#int(at + Row.EVENT);
      if (event === Event.ENTERED) this.#enter(id, at, row * TEXT_BYTES);
      else this.#leave(id, event, at);
    }
  }

  #enter(id: number, at: number, textAt: number): void {
    if (this.#isClosed) return;
    const textBytes = this.#int(at + Row.DETAIL);
    const address = latin1(this.#texts, textAt, textAt + textBytes);
    const peer = { address, port: this.#int(at + Row.VALUE) };
    if (this.#events.entered(peer)) this.#peers.set(id, peer);
    else this.refuse(id);
  }

  #leave(id: number, event: number, at: number): void {
    const value = this.#int(at + Row.VALUE);
    const peer = this.#peers.get(id);
    this.#peers.delete(id);
    if (event === Event.WHOLE) {
      if (peer === undefined) bindings().functions.closeDescriptor(value);
      else this.#events.whole(peer, value);
      return;
    }
    if (peer === undefined) return;
    const detail = this.#int(at + Row.DETAIL);
    if (value === End.WRONG)
      this.#events.ended(peer, { kind: 'wrong', code: detail & 0xff, detail: detail >> 8 });
    else if (value === End.LEFT) this.#events.ended(peer, { kind: 'left' });
    else this.#events.ended(peer, { kind: value === End.LATE ? 'late' : 'pushedOut' });
  }

  #onAcceptError(errno: number): void {
    const nowMs = performance.now();
    if (nowMs - this.#saidAtMs < SAID_MS) return;
    this.#saidAtMs = nowMs;
    this.#events.acceptFailed(getSystemErrorName(errno));
  }

  #int(at: number): number {
    return this.#rows[at] as number;
  }
}
