/** An operator's command about the policy or the state of a function: plain data that crosses threads. */
export interface PolicyCommand {
  readonly kind: 'show' | 'set' | 'reset' | 'pause' | 'resume' | 'drain';
  /** Name of the function, Latin-1, one character a byte; empty for a list of all with `show`. */
  readonly name: string;
  /** Where that list continues; 0 = from the start. */
  readonly cursor?: number;
  /** With `set`: the policy, as `key:value` with commas. */
  readonly policy?: string;
  /** With `pause`: when it ends by itself; 0 = never. */
  readonly seconds?: number;
}

/** Takes the lines of an answer, and for a list where it continues; 0 = it is complete. */
export type PolicyAnswer = (answer: string, cursor?: number) => void;

/** Limits of `seconds`. */
export const PAUSE_SECONDS_MAX = 30 * 86_400;
