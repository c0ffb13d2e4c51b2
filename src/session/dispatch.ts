/**
 * Passes the rows of one turn, in order of arrival, each to the handler of its packet or event. Rule: rights, rates
 * and the cost of a frame are checked here, so that no handler can forget them.
 */
import { SLOT_MASK } from '../protocol/batch.ts';
import { Frame } from '../protocol/frame.ts';
import { admitsFrame } from './authorization.ts';
import { onEvent } from './events.ts';
import { onFrame } from './handlers/frames.ts';
import { bytesOfFrame } from './rate-limiter.ts';
import { relieve } from './relief.ts';
import { limitOutput } from './replies.ts';
import type { SessionTable } from './session-table.ts';
import { FREE_STEPS } from './turn-budget.ts';

export class Dispatch {
  readonly #table: SessionTable;
  readonly #frame = new Frame();

  constructor(table: SessionTable) {
    this.#table = table;
  }

  /** Handles the rows of one turn. */
  onRows(rowCount: number): void {
    const table = this.#table;
    table.beginTurn();
    const { rows, arena } = table.reactor;
    const { access, account, rateLimiter, pauseBytes, steps } = table;
    const frame = this.#frame;
    for (let row = 0; row < rowCount; row++) {
      frame.load(rows, arena, row);
      if (account.held > account.granted) relieve(table);
      if (frame.type > 0) {
        const session = table.atSlot(frame.conn & SLOT_MASK);
        if (session === null || session.conn !== frame.conn || session.heldTurn === table.turn) {
          // A held frame comes again with its blob; a frame of a closed connection does not.
          if (frame.blob > 0 && session?.conn !== frame.conn) table.reactor.blobRelease(frame.blob);
        } else if (!session.isEnding) {
          const bytes = rateLimiter === null ? 0 : bytesOfFrame(frame);
          const before = steps.count;
          if (access === null || admitsFrame(table, access, session, frame))
            onFrame(table, session, frame);
          const cost = steps.count - before;
          if (cost > FREE_STEPS) table.budget.charge(table, session, cost, frame.end);
          if (table.output.waiting(frame.conn) > pauseBytes) limitOutput(table, session, frame.end);
          if (rateLimiter !== null) rateLimiter.spend(table, session, bytes, frame.end);
        } else if (frame.blob > 0) table.reactor.blobRelease(frame.blob);
      } else onEvent(table, frame);
    }
  }
}
