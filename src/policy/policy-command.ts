/** An operator's command about the policy or the state of a function: plain data that crosses threads. */
export interface PolicyCommand {
  readonly kind: 'show' | 'set' | 'reset' | 'pause' | 'resume' | 'drain';
  /** Name of the function, Latin-1, one character a byte; empty for a list of all with `show`. */
  readonly name: string;
  /** Where that list continues; 0 = from the start. */
  readonly cursor?: number;
  /** With `set`: the policy, as `key:value` with commas. */
  readonly policy?: string;
  /** With `set` and `reset`: what `show` answered; another policy is not changed. */
  readonly expected?: string;
  /** With `pause`: when it ends by itself; 0 = never. */
  readonly seconds?: number;
}

/** The policy and state of a function before and after a change, in one line each. */
export type PolicyChange = readonly [before: string, after: string];

/**
 * Takes the lines of an answer, for a list where it continues (0 = it is complete), and for a change what it changed.
 */
export type PolicyAnswer = (answer: string, cursor?: number, change?: PolicyChange) => void;

/** Limits of `seconds`. */
export const PAUSE_SECONDS_MAX = 30 * 86_400;
