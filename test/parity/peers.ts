/**
 * The implementations that a parity suite runs over: the TypeScript core always, the addon when it was built.
 * With GEARTRAIN_REQUIRE_PEERS=1 a missing addon fails instead of being skipped; GEARTRAIN_NATIVE=0 leaves it out.
 */

import { createDecoder as createAddonDecoder } from '../../src/native/addon.ts';
import type { CreateDecoder, Reactor, ReactorOptions } from '../../src/native/contract.ts';
import { loadNative } from '../../src/native/load.ts';
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

export interface Carrier {
  readonly label: string;
  readonly createReactor: (options: ReactorOptions) => Reactor;
  /**
   * How peers connect: by a socket of the reactor, inside the process, or by one of Node's sockets that is attached to the
   * reactor, as those of TLS peers are.
   */
  readonly way: 'socket' | 'in process' | 'stream';
}

/** All that are here; the TypeScript core first. */
export const implementations: readonly Implementation[] =
  addon === null ? [typescriptCore] : [typescriptCore, addon];

/** Reactors with what carries the bytes of their peers. With the TypeScript core every socket is a stream. */
export const carriers: readonly Carrier[] = implementations.flatMap(({ kind, createReactor }) => {
  const mixed =
    kind === 'twin' ? createReactor : (options: ReactorOptions) => new MixedReactor(options);
  const ways: Carrier[] = [
    { label: `${kind}, sockets`, createReactor, way: 'socket' },
    { label: `${kind}, in process`, createReactor: mixed, way: 'in process' },
  ];
  if (kind === 'addon') ways.push({ label: 'addon, streams', createReactor: mixed, way: 'stream' });
  return ways;
});
