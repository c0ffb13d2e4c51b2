/** What tells this server and this run from others: version, handle prefix, boot number, hash seed. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** gearmand release whose behaviour we follow; `version` begins with it so that tools which compare go on working. */
const GEARMAND_VERSION = '2.0.0';
/** `H:` and so much of the node name leave room for the numbers of a handle. */
const NODE_NAME_BYTES_MAX = 33;
/** Unit of boot numbers in milliseconds: seven digits in base 36. */
const BOOT_UNIT_MS = 100;

/** This package's version. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  }
).version;

/** Answer to the text command `version`. */
export const PROTOCOL_VERSION = `${GEARMAND_VERSION}+geartrain.${VERSION}`;

/** Default prefix of job handles. Pods have long names, so the node name is cut. */
export function defaultHandlePrefix(): string {
  return `H:${hostname()
    .replace(/[^\x21-\x7e]/g, '-')
    .slice(0, NODE_NAME_BYTES_MAX)}`;
}

let lastBoot = 0;

/**
 * A number that no earlier server of this process has had, and no earlier process on this node (its start time); above
 * `usedBoot`, the last one in the server's state directory.
 */
export function nextBoot(usedBoot = 0): number {
  lastBoot = Math.max(lastBoot + 1, usedBoot + 1, Math.floor(Date.now() / BOOT_UNIT_MS));
  return lastBoot;
}

/** Seed of the hash of names, which come from strangers. */
export function newHashSeed(): number {
  return randomInt(0, 2 ** 31) | 0;
}
