/** What a worker is like: the good one, and what others do wrong now and then. */
import type { Random } from '../../support/random.ts';

export interface Temper {
  /** After a NOOP it does not grab for a long time. */
  readonly isStubborn: boolean;
  /** Answers NOOP with PRE_SLEEP now and then. */
  readonly sleepsAgain: boolean;
  /** Grabs again after NO_JOB instead of sleeping. */
  readonly polls: boolean;
  /** Sends GRAB and PRE_SLEEP without waiting for answers. */
  readonly isHasty: boolean;
  readonly isMortal: boolean;
  /** Sends WORK_ packets about jobs that it does not hold. */
  readonly isRogue: boolean;
  /** Withdraws functions and offers others. */
  readonly isFickle: boolean;
  /** Grabs or sleeps again while it sleeps. */
  readonly isRestless: boolean;
  /** Jobs that it submits itself. */
  readonly submitsMax: number;
  readonly heldMax: number;
  /** One in so many looks at its jobs ends one. */
  readonly slowness: number;
}

export const GOOD: Temper = {
  isStubborn: false,
  sleepsAgain: false,
  polls: false,
  isHasty: false,
  isMortal: false,
  isRogue: false,
  isFickle: false,
  isRestless: false,
  submitsMax: 0,
  heldMax: 1,
  slowness: 1,
};

/** A third of all workers is good. */
export function temperOf(random: Random): Temper {
  if (random.oneIn(3)) return GOOD;
  return {
    isStubborn: random.oneIn(5),
    sleepsAgain: random.oneIn(5),
    polls: random.oneIn(5),
    isHasty: random.oneIn(4),
    isMortal: random.oneIn(3),
    isRogue: random.oneIn(5),
    isFickle: random.oneIn(4),
    isRestless: random.oneIn(3),
    submitsMax: random.oneIn(5) ? 10 : 0,
    heldMax: random.pick([1, 1, 3, 8]),
    slowness: random.pick([1, 2, 6]),
  };
}
