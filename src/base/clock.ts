/**
 * The source of time. Pure folders never read a clock: they get `nowMs` and `wallMs` as arguments from a caller that
 * has one of these, real or simulated.
 */

/** Two clocks that must not be mixed: the server's own deadlines use `nowMs`, instants given by peers use `wallMs`. */
export interface Clock {
  /** Milliseconds since an arbitrary fixed instant; never goes back, may have a fraction. */
  nowMs(): number;
  /** Milliseconds since 1970 by the machine's clock; may jump both ways. */
  wallMs(): number;
}
