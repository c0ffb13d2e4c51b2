/**
 * Limits what peers may cost in one turn, in steps (base/steps.ts), so that no peer waits long because of another. All
 * listings and searches of the thread share one budget; when it is spent, the remaining queries are answered in later
 * turns, in the order of their requests. A listing asks for its next piece after the queries that already wait. A
 * connection whose frames have cost too much in a turn is paused; each turn resumes some of these, the longest waiting
 * first.
 */

import type { Steps } from '../base/steps.ts';
import { hold, type ReplyHost, unhold } from './replies.ts';
import { Hold, type Session } from './session.ts';

/**
 * Steps of a turn for queries over many rows: some milliseconds. After the piece that exceeds them, no other is made in
 * this turn.
 */
const ANSWER_STEPS = 64_000;
/**
 * Limit of the steps of one connection's frames in a turn. When all frames together have cost TURN_STEPS, a tenth of
 * it.
 */
const SESSION_STEPS = 200_000;
const TURN_STEPS = 800_000;
/** Cheaper frames are not counted. */
export const FREE_STEPS = 256;
/** Connections over their budget that one turn resumes. */
const RESUMED_MAX = 4;

/** The parts of the session table that the budget needs. */
interface BudgetHost extends ReplyHost {
  readonly steps: Steps;
}

export class TurnBudget {
  #answers: (() => void)[] = [];
  #answerSteps = 0;
  /** Paused connections, by id. */
  readonly #held: number[] = [];

  /** Begins a turn: continues waiting queries and connections within its budget. */
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

  /** Calls `answer`, which reads many rows: now, or in a later turn if the budget is spent. */
  answer(table: BudgetHost, answer: () => void): void {
    if (this.#answers.length === 0 && this.#answerSteps < ANSWER_STEPS) {
      this.#run(table, answer);
      return;
    }
    this.#answers.push(answer);
    table.reactor.requestTurn();
  }

  /** Charges `steps` for a frame of `session` that ends at byte `end` of the arena. */
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
    // One answer may have triggered the next, which has counted itself.
    this.#answerSteps = before + table.steps.count - count;
  }
}
