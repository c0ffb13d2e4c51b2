/**
 * What the addon is told of our numbers: its C++ knows neither packets nor limits.
 * Rule: order and length are those that ReadSettings and ReadOptions in native/ read.
 */
import { CARRY_BYTES_MAX, HEAD_BYTES_MAX, LINE_BYTES_MAX, READ_BYTES } from '../protocol/limits.ts';
import { PACKETS } from '../protocol/packets.ts';
import type { ReactorOptions } from './contract.ts';

/** The packet table as bytes, four a type. */
export function shapeBytes(): Uint8Array {
  return Uint8Array.from(
    PACKETS.flatMap(({ argCount, hasData, names, mayBeShort }) => [
      argCount,
      hasData ? 1 : 0,
      names,
      mayBeShort ? 1 : 0,
    ]),
  );
}

/** What its decoder must know. */
export function decoderSettings(hashSeed: number, packetBytesMax: number): Float64Array {
  return Float64Array.of(
    hashSeed | 0,
    packetBytesMax,
    HEAD_BYTES_MAX,
    LINE_BYTES_MAX,
    CARRY_BYTES_MAX,
    READ_BYTES,
  );
}

/** What its sockets must know; -1: the system decides. */
export function optionNumbers(options: ReactorOptions): Float64Array {
  const { outputPauseBytes, outputBytesMax, keepalive, userTimeoutMs } = options;
  return Float64Array.of(
    outputPauseBytes,
    outputBytesMax,
    keepalive === null ? 0 : 1,
    keepalive?.idleSeconds ?? -1,
    keepalive?.intervalSeconds ?? -1,
    keepalive?.count ?? -1,
    userTimeoutMs ?? 0,
  );
}
