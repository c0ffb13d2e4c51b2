/**
 * What one peer offers of one function: its registrations, and its links among the function's workers.
 * Rule: a peer that goes is taken out of `offered`, so that all its abilities lose it at once.
 */
import type { AbilityLink, FunctionQueue, LinkedPeer } from './functions.ts';

export class Ability implements AbilityLink {
  /** All that the peer offers (Abilities). */
  readonly offered: { readonly peer: LinkedPeer | null };
  readonly fn: FunctionQueue;
  /** CAN_DO_TIMEOUT of the newest registration in milliseconds; 0 = none. */
  timeoutMs = 0;
  /** Registered twice is listed and counted twice, up to REGISTRATIONS_MAX. */
  registrations = 0;
  previous: AbilityLink | null = null;
  next: AbilityLink | null = null;
  isListed = false;
  sleptAs = 0;
  manyFunctionAt = 0;
  /** Its place among those of its peer. */
  at = 0;
  /** Number of its first registration, and of the others in falling order; null when there was never another. */
  order = 0;
  older: number[] | null = null;
  /** Heap in which it is, 0 = none, and its place there (ready-functions.ts). */
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
