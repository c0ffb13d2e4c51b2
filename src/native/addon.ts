/**
 * All that the addon offers, typed: the reactor, a decoder without a socket, functions that belong to neither.
 * Rule: each throws what loading the addon throws; who does not know whether there is one asks load.ts.
 */
import { checked, unknownBlob } from './addon-errors.ts';
import { AddonReactor } from './addon-reactor.ts';
import { decoderSettings, shapeBytes } from './addon-settings.ts';
import { bindings } from './bindings.ts';
import type { CreateDecoder, NativeFunctions, Reactor, ReactorOptions } from './contract.ts';

/** The native reactor on the calling thread's loop. */
export function createReactor(options: ReactorOptions): Reactor {
  return new AddonReactor(bindings(), options);
}

/** One connection's decoding by the addon, without its socket. */
export const createDecoder: CreateDecoder = (hashSeed, packetBytesMax) => {
  const native = bindings();
  const { handle, arena, rows } = native.decoderCreate(
    decoderSettings(hashSeed, packetBytesMax),
    shapeBytes(),
  );
  return {
    arena,
    rows,
    feed: (bytes) => native.decoderFeed(handle, bytes),
    blobRead(id, offset, target, at, count) {
      if (!native.decoderBlobRead(handle, id, offset, target, at, count)) {
        throw new RangeError(`read blob ${id}: ${count} bytes from ${offset} to ${at}`);
      }
    },
    blobRelease(id) {
      if (!native.decoderBlobRelease(handle, id)) throw unknownBlob('release', id);
    },
    blobBytes(id) {
      const bytes = native.decoderBlobBytes(handle, id);
      if (bytes < 0) throw unknownBlob('measure', id);
      return bytes;
    },
  };
};

/** The addon's free functions. */
export const addonFunctions: NativeFunctions = {
  discard: (bytes) => bindings().discard(bytes),
  doorbellCreate: () => checked(bindings().doorbellCreate(), 'eventfd', 'for a doorbell'),
  doorbellRing: (fd) => bindings().doorbellRing(fd),
  doorbellClose: (fd) => bindings().doorbellClose(fd),
  closeDescriptor: (fd) => bindings().closeDescriptor(fd),
  socketPair() {
    const both = checked(bindings().socketPair(), 'socketpair', 'for a connection in the process');
    return [both % 2 ** 32, Math.floor(both / 2 ** 32)];
  },
  setFileLimit: (count) => checked(bindings().setFileLimit(count), 'setrlimit', `to ${count}`),
  syslogOpen: (ident) => bindings().syslogOpen(ident),
  syslog: (level, text) => bindings().syslog(level, text),
};
