/**
 * Where time comes from. Pure folders never ask for it, they get it as `nowMs` and `wallMs` arguments; whoever
 * drives them has one of these, real or simulated.
 */

/** Two clocks that must not be mixed: deadlines of our own use `nowMs`, instants given by peers use `wallMs`. */
export interface Clock {
  /** Milliseconds since some fixed instant, never going back; may have a fraction. */
  nowMs(): number;
  /** Milliseconds since 1970 as the machine believes now; may jump both ways. */
  wallMs(): number;
}
