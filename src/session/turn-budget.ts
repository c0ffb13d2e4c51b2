/**
 * What peers may cost in one turn, in steps (base/steps.ts), so that nobody waits long for what others ask for. All
 * listings and searches of the thread share one budget; those that find it spent are answered in the turns after, in
 * the order in which they asked, and each asks for its next piece behind the others. A connection whose own frames have
 * cost too much in a turn is not read until a later one; some of these go on in each turn, the longest waiting first.
 */

import type { Steps } from '../base/steps.ts';
import { hold, type ReplyHost, unhold } from './replies.ts';
import { Hold, type Session } from './session.ts';

/** Steps of a turn for answers that go over many rows; the piece that passes it is the last one: some milliseconds. */
const ANSWER_STEPS = 64_000;
/** Steps of one connection's frames in a turn; when all together have cost TURN_STEPS only a tenth of it. */
const SESSION_STEPS = 200_000;
const TURN_STEPS = 800_000;
/** A frame below it is not counted. */
export const FREE_STEPS = 256;
/** Connections that had used up their steps and go on, in one turn. */
const RESUMED_MAX = 4;

/** What the budget needs of the session table. */
interface BudgetHost extends ReplyHost {
  readonly steps: Steps;
}

export class TurnBudget {
  #answers: (() => void)[] = [];
  #answerSteps = 0;
  /** Connections that wait, by id. */
  readonly #held: number[] = [];

  /** A turn begins: gives what waits its share of it. */
  begin(table: BudgetHost): void {
    table.steps.count = 0;
    this.#answerSteps = 0;
    if (this.#answers.length === 0 && this.#held.length === 0) return;
    while (this.#answers.length > 0 && this.#answerSteps < ANSWER_STEPS)
      this.#run(table, this.#answers.shift() as () => void);
    for (const conn of this.#held.splice(0, RESUMED_MAX)) {
      const session = table.live(conn);
      if (session !== null) unhold(table, session, Hold.steps);
    }
    if (this.#answers.length > 0 || this.#held.length > 0) table.reactor.requestTurn();
  }

  /** Calls `answer`, which goes over many rows: now, or in a later turn when others have spent this one. */
  answer(table: BudgetHost, answer: () => void): void {
    if (this.#answers.length === 0 && this.#answerSteps < ANSWER_STEPS) {
      this.#run(table, answer);
      return;
    }
    this.#answers.push(answer);
    table.reactor.requestTurn();
  }

  /** A frame of `session`, which ends at byte `end` of the arena, has cost `steps`. */
  charge(table: BudgetHost, session: Session, steps: number, end: number): void {
    if (session.stepsTurn !== table.turn) session.steps = 0;
    session.stepsTurn = table.turn;
    session.steps += steps;
    const stepsMax = table.steps.count < TURN_STEPS ? SESSION_STEPS : SESSION_STEPS / 10;
    if (session.steps < stepsMax || (session.holds & Hold.steps) !== 0) return;
    if (table.live(session.conn) !== session) return;
    hold(table, session, Hold.steps, end);
    this.#held.push(session.conn);
    table.reactor.requestTurn();
  }

  #run(table: BudgetHost, answer: () => void): void {
    const { count } = table.steps;
    const before = this.#answerSteps;
    answer();
    // One answer may have called for the next, which has counted itself.
    this.#answerSteps = before + table.steps.count - count;
  }
}
