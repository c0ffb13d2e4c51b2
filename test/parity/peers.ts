/**
 * The implementations that a parity suite runs over: the twin always, the addon when it was built.
 * With GEARTRAIN_REQUIRE_PEERS=1 a missing addon fails instead of being skipped; GEARTRAIN_NATIVE=0 leaves it out.
 */
import type { CreateDecoder, Reactor, ReactorOptions } from '../../src/native/contract.ts';
import { createNodeReactor } from '../../src/transport/node-reactor.ts';
import { createDecoder } from '../../src/transport/socketless-decoder.ts';

export interface Implementation {
  readonly kind: 'addon' | 'twin';
  readonly createDecoder: CreateDecoder;
  readonly createReactor: (options: ReactorOptions) => Reactor;
}

export const twin: Implementation = {
  kind: 'twin',
  createDecoder,
  createReactor: createNodeReactor,
};

async function findAddon(): Promise<Implementation | null> {
  return null;
}

/** null: not built, or not wanted. */
export const addon = await findAddon();

/** All that are here; the twin first. */
export const implementations: readonly Implementation[] = addon === null ? [twin] : [twin, addon];
