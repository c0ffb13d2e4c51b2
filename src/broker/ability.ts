/**
 * One peer's offer of one function: its registrations, and its links among the function's workers. Rule: when a peer
 * goes, it is removed from `offered`, so that all its abilities lose it at once.
 */
import type { AbilityLink, FunctionQueue, LinkedPeer } from './functions.ts';

export class Ability implements AbilityLink {
  /** All offers of the peer (Abilities). */
  readonly offered: { readonly peer: LinkedPeer | null };
  readonly fn: FunctionQueue;
  /** CAN_DO_TIMEOUT of the newest registration in milliseconds; 0 = none. */
  timeoutMs = 0;
  /** A function registered twice is listed and counted twice, up to REGISTRATIONS_MAX. */
  registrations = 0;
  previous: AbilityLink | null = null;
  next: AbilityLink | null = null;
  isListed = false;
  sleptAs = 0;
  manyFunctionAt = 0;
  /** Its position among the abilities of its peer. */
  at = 0;
  /** Number of its first registration. `older` has the numbers of the others, falling; null when there was only one. */
  order = 0;
  older: number[] | null = null;
  /** Number of the heap that contains it (0 = none), and its position there (ready-functions.ts). */
  readyLevel = 0;
  readyAt = 0;

  constructor(offered: Ability['offered'], fn: FunctionQueue) {
    this.offered = offered;
    this.fn = fn;
  }

  get peer(): LinkedPeer | null {
    return this.offered.peer;
  }
}
