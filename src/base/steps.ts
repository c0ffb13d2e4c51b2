/**
 * Counts the work of a thread in steps. So the cost of one peer can be limited, and this can be tested without a clock.
 * A step is one byte read for a function, about a nanosecond; each row touched counts as ROW_STEPS.
 */

/** Steps for one row: a function, an ability, a job, a line of a listing. */
export const ROW_STEPS = 16;
/** Steps for adding a function: its queues, its statistics, its entries in two tables. */
export const FUNCTION_STEPS = 1024;

/** Steps of the current turn; set to 0 when a turn begins. */
export class Steps {
  count = 0;
}
