/**
 * Everything that the addon offers, typed: the reactor, a decoder without a socket, free functions. Rule: every
 * function throws if the addon does not load; load.ts decides whether the addon is used.
 */
import { AddonReactor } from './addon-reactor.ts';
import { decoderSettings, shapeBytes } from './addon-settings.ts';
import { type Bindings, bindings, NativeDecoder } from './bindings.ts';
import type {
  CreateDecoder,
  NativeFunctions,
  Reactor,
  ReactorOptions,
  SocketlessDecoder,
} from './contract.ts';

/** The native reactor on the calling thread's loop. */
export function createReactor(options: ReactorOptions): Reactor {
  return new AddonReactor(bindings(), options);
}

/** The addon's decoding of one connection, without its socket. */
export const createDecoder: CreateDecoder = (hashSeed, packetBytesMax) =>
  new AddonDecoder(bindings(), hashSeed, packetBytesMax);

class AddonDecoder extends NativeDecoder implements SocketlessDecoder {
  readonly arena: Uint8Array;
  readonly rows: Int32Array;

  constructor(native: Bindings, hashSeed: number, packetBytesMax: number) {
    super();
    const settings = decoderSettings(hashSeed, packetBytesMax);
    const { handle, arena, rows } = native.createDecoder(settings, shapeBytes());
    this.handle = handle;
    this.arena = arena;
    this.rows = rows;
  }
}

/** The addon's free functions. */
export function addonFunctions(): NativeFunctions {
  return bindings().functions;
}
