/**
 * The addon's free functions where there is no addon: what Node can do is done, the rest fails with a code.
 * Rule: nothing here pretends; a caller that needs the effect sees ERR_GEARTRAIN_NO_ADDON and says so.
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
 * `discard` leaves the pages (the slab drops whole chunks instead); doorbells are message ports owned by the shard
 * host, so there is no descriptor to make, ring or close.
 */
export const typescriptFunctions: NativeFunctions = {
  discard: () => {},
  doorbellCreate: refuse('create a doorbell'),
  doorbellRing: refuse('ring a doorbell'),
  doorbellClose: refuse('close a doorbell'),
  closeDescriptor: (fd) => closeSync(fd),
  socketPair: refuse('make a socket pair'),
  setFileLimit: refuse('set the file limit'),
  syslogOpen: refuse('open syslog'),
  syslog: refuse('write to syslog'),
};
