/**
 * The packet table by column, indexed by type: for the decoder, which asks for each frame.
 * Rule: derived from PACKETS; nothing is said here.
 */
import { PACKETS } from './packets.ts';

/** NUL-separated arguments. */
export const ARG_COUNT: Uint8Array = Uint8Array.from(PACKETS, ({ argCount }) => argCount);
/** 1: data follows the arguments. */
export const HAS_DATA: Uint8Array = Uint8Array.from(PACKETS, ({ hasData }) => Number(hasData));
/** How many of the first arguments are hashed; values of `Names`. */
export const NAMES: Uint8Array = Uint8Array.from(PACKETS, ({ names }) => names);
/** 1: too few NULs are no fault. */
export const MAY_BE_SHORT: Uint8Array = Uint8Array.from(PACKETS, ({ mayBeShort }) =>
  Number(mayBeShort),
);
