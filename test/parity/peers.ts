/**
 * The implementations that a parity suite runs over: the TypeScript core always, the addon when it was built.
 * With GEARTRAIN_REQUIRE_PEERS=1 a missing addon fails instead of being skipped; GEARTRAIN_NATIVE=0 leaves it out.
 */

import { createDecoder as createAddonDecoder } from '../../src/native/addon.ts';
import type { CreateDecoder, Reactor, ReactorOptions } from '../../src/native/contract.ts';
import { loadNative } from '../../src/native/load.ts';
import type { InProcessStream } from '../../src/transport/in-process/stream.ts';
import { MixedReactor } from '../../src/transport/mixed-reactor.ts';
import { createNodeReactor } from '../../src/transport/node-reactor.ts';
import { createDecoder } from '../../src/transport/socketless-decoder.ts';
import { requireAddon } from '../support/peers.ts';

export interface Implementation {
  readonly kind: 'addon' | 'twin';
  readonly createDecoder: CreateDecoder;
  readonly createReactor: (options: ReactorOptions) => Reactor;
}

export const typescriptCore: Implementation = {
  kind: 'twin',
  createDecoder,
  createReactor: createNodeReactor,
};

const native = loadNative();

/** null: not built, or not wanted. */
export const addon: Implementation | null =
  native.createReactor === null
    ? null
    : { kind: 'addon', createDecoder: createAddonDecoder, createReactor: native.createReactor };

requireAddon();

/** A reactor that takes connections inside the process, too. */
export type InProcessReactor = Reactor & { attachInProcess(stream: InProcessStream): void };

export interface Carrier {
  readonly label: string;
  readonly createReactor: (options: ReactorOptions) => Reactor;
  /** Peers connect inside the process instead of by a socket. */
  readonly isInProcess: boolean;
}

/** All that are here; the TypeScript core first. */
export const implementations: readonly Implementation[] =
  addon === null ? [typescriptCore] : [typescriptCore, addon];

/** Reactors with what carries the bytes of their peers. */
export const carriers: readonly Carrier[] = implementations.flatMap(({ kind, createReactor }) => [
  { label: `${kind}, sockets`, createReactor, isInProcess: false },
  {
    label: `${kind}, in process`,
    createReactor:
      kind === 'twin' ? createReactor : (options: ReactorOptions) => new MixedReactor(options),
    isInProcess: true,
  },
]);
