/**
 * Work of one thread in steps, so that what a peer may cost can be limited and tested without a clock. A step is a byte
 * read for a function, about a nanosecond; a row touched counts for ROW_STEPS of them.
 */

/** Steps for a row touched: a function, an ability, a job, a line of a listing. */
export const ROW_STEPS = 16;

/** Steps of the turn at hand; set to 0 when a turn begins. */
export class Steps {
  count = 0;
}
