/**
 * The addon's free functions without the addon. Those that Node can replace work; the others fail with a code. Rule: no
 * call pretends to succeed; a caller that needs the effect gets ERR_GEARTRAIN_NO_ADDON and reports it.
 */
import { closeSync } from 'node:fs';
import type { NativeFunctions } from './contract.ts';

/** A function that only the addon has was called. `code` is `ERR_GEARTRAIN_NO_ADDON`. */
export class NoAddonError extends Error {
  readonly code = 'ERR_GEARTRAIN_NO_ADDON';
  override readonly name = 'NoAddonError';

  constructor(what: string) {
    super(`${what}: needs the native addon`);
  }
}

function refuse(what: string): () => never {
  return () => {
    throw new NoAddonError(what);
  };
}

/**
 * `discard` does nothing, because the slab drops whole chunks instead. Doorbells are message ports of the shard host,
 * so there is no descriptor to make, ring or close.
 */
export const typescriptFunctions: NativeFunctions = {
  discard: () => {},
  trimHeap: () => {},
  doorbellCreate: refuse('create a doorbell'),
  doorbellRing: refuse('ring a doorbell'),
  doorbellClose: refuse('close a doorbell'),
  closeDescriptor: (fd) => closeSync(fd),
  socketPair: refuse('make a socket pair'),
  setFileLimit: refuse('set the file limit'),
  syslogOpen: refuse('open syslog'),
  syslog: refuse('write to syslog'),
};
