/** Kicks dead jobs of a function in steps, so that no turn stalls. For text commands and the JSON API. */
import { latin1 } from '../base/bytes.ts';
import { DeadResult, MORE } from '../broker/dead-queries.ts';
import type { ThreadQuery, ThreadResult } from '../session/thread-queries.ts';

export interface Kicked {
  readonly kicked: number;
  /** Dead jobs whose unique is in use. */
  readonly left: number;
  /** A DeadResult: why it ended; `done` when there was no other reason. */
  readonly reason: number;
}

/** Asks the owner of the function, in a turn. */
export type AskOwner = (query: ThreadQuery, done: (result: ThreadResult) => void) => void;

/** Kicks at most `countMax` jobs, the oldest first. Each step but the first is asked in a turn of its own by `later`. */
export function kickDead(
  ask: AskOwner,
  later: (work: () => void) => void,
  name: string,
  countMax: number,
  done: (kicked: Kicked) => void,
): void {
  let kicked = 0;
  let left = 0;
  let deadAtFirst = Number.POSITIVE_INFINITY;
  const step = (cursor: number): void => {
    const count = Math.min(countMax, deadAtFirst - left) - kicked;
    ask({ kind: 'kickSome', name, cursor, count }, take);
  };
  const take = ({ result, bytes, cursor }: ThreadResult): void => {
    const [more = 0, others = 0, dead = 0] = latin1(bytes, 0, bytes.length).split(' ').map(Number);
    kicked += more;
    left += others;
    if (deadAtFirst === Number.POSITIVE_INFINITY) deadAtFirst = dead;
    // Those that die again meanwhile are not kicked again.
    if (result === MORE && kicked + left < deadAtFirst) later(() => step(cursor));
    else done({ kicked, left, reason: result === MORE ? DeadResult.done : result });
  };
  step(0);
}
