/** Identity of this server and this run: version, handle prefix, boot number, hash seed. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { BOOTS, BOOTS_PER_RUN, HANDLE_PREFIX_BYTES_MAX } from '../protocol/handle.ts';

/** The gearmand release whose behaviour we follow; `version` begins with it, for tools that compare it. */
const GEARMAND_VERSION = '2.0.0';
/** At most so many bytes of the node name are used in a handle, so that there is room for `H:` and the digits. */
const NODE_NAME_BYTES_MAX = HANDLE_PREFIX_BYTES_MAX - 2;
/** Boot numbers count tenths of a second since 2020: ten digits until 2051. */
const BOOT_UNIT_MS = 100;
const BOOT_EPOCH = Date.UTC(2020) / BOOT_UNIT_MS;

let packageVersion: string | null = null;

/** This package's version. Read at first use: a bundle of clients has no package.json. */
export function version(): string {
  packageVersion ??= (
    JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    }
  ).version;
  return packageVersion;
}

/** Answer to the text command `version`. */
export const protocolVersion = (): string => `${GEARMAND_VERSION}+geartrain.${version()}`;

/** Default prefix of job handles. Pods have long names, so the node name is cut. */
export function defaultHandlePrefix(): string {
  return `H:${hostname()
    .replace(/[^\x21-\x7e]/g, '-')
    .slice(0, NODE_NAME_BYTES_MAX)}`;
}

let lastBoot = 0;

/**
 * A boot number that is greater than that of earlier servers of this process, that of earlier processes on this node
 * (because it counts from the start time), and all numbers that the last run in the state directory may have used; that
 * run began with `usedBoot`.
 */
export function nextBoot(usedBoot = -BOOTS_PER_RUN): number {
  // Earlier versions counted from 1970 and wrote other handles.
  const used = usedBoot >= BOOTS ? usedBoot - BOOT_EPOCH : usedBoot;
  const now = Math.floor(Date.now() / BOOT_UNIT_MS) - BOOT_EPOCH;
  lastBoot = Math.max(lastBoot + 1, used + BOOTS_PER_RUN, now) % BOOTS;
  return lastBoot;
}

/** Seed of the hash of names; random, because clients choose the names. */
export function newHashSeed(): number {
  return randomInt(0, 2 ** 31) | 0;
}
