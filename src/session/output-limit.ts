/**
 * Whether a connection may get more output while some of it waits (`--output-limit`, `--max-memory`). Rule: one packet
 * of any size may wait, but not a second one after it. A connection that exceeds its limit is ended in the next turn,
 * not at once, because the caller may be in the middle of an event of the broker.
 */
import type { Account } from '../base/account.ts';
import { type ReplyHost, waitingBytes } from './replies.ts';
import type { Session } from './session.ts';

/** The parts of the session table that the limit needs. */
export interface OutputLimitHost extends ReplyHost {
  readonly account: Account;
  dropUnread(session: Session): void;
}

export class OutputLimit {
  readonly #bytesMax: number;
  /** Bytes copied in this turn, not yet counted by the account. */
  #copiedBytes = 0;

  /** `bytesMax`: waiting output of one connection at most. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  beginTurn(): void {
    this.#copiedBytes = 0;
  }

  /**
   * Whether a connection gets no more output: because too much waits; or because some waits, memory is full, and
   * `bytes` are to be added that are not a reply (0: a reply).
   */
  exceeds(host: OutputLimitHost, session: Session, bytes: number): boolean {
    const waiting = waitingBytes(host, session);
    this.#copiedBytes += bytes;
    const isOver = waiting > this.#bytesMax;
    if (!isOver && (bytes === 0 || waiting === 0 || host.account.fits(this.#copiedBytes)))
      return false;
    this.#copiedBytes -= bytes;
    if (!session.isOverLimit) {
      session.isOverLimit = true;
      host.later(() => {
        if (host.live(session.conn) === session) host.dropUnread(session);
      });
    }
    return true;
  }
}
