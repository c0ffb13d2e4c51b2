/**
 * Constants that are passed to the addon, because its C++ code knows neither packets nor limits. Rule: order and length
 * match ReadSettings and ReadOptions in native/.
 */
import { CARRY_BYTES_MAX, HEAD_BYTES_MAX, LINE_BYTES_MAX, READ_BYTES } from '../protocol/limits.ts';
import { ARG_COUNT, HAS_DATA, MAY_BE_SHORT, NAMES } from '../protocol/packet-columns.ts';
import type { FirstMessageOptions, KeepaliveOptions, ReactorOptions } from './contract.ts';

/** The packet table as bytes, four for each type. */
export function shapeBytes(): Uint8Array {
  const columns = [ARG_COUNT, HAS_DATA, NAMES, MAY_BE_SHORT];
  return Uint8Array.from([...ARG_COUNT.keys()].flatMap((type) => columns.map((of) => of[type]!)));
}

/** Settings of the addon's decoder. */
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

/** Settings of the addon's sockets; -1: the system decides. */
export function optionNumbers(options: ReactorOptions): Float64Array {
  const { outputPauseBytes, outputBytesMax, keepalive, userTimeoutMs = 0 } = options;
  return Float64Array.of(
    outputPauseBytes,
    outputBytesMax,
    ...streamNumbers(keepalive, userTimeoutMs),
  );
}

/** Settings of a first-message queue. */
export function firstMessageNumbers(options: FirstMessageOptions): Float64Array {
  const { port, backlog, v6Only, awaits, timeoutMs, waitingMax, keepalive, userTimeoutMs } =
    options;
  return Float64Array.of(
    ...[port, backlog, v6Only ? 1 : 0, AWAITS[awaits], timeoutMs, waitingMax],
    ...streamNumbers(keepalive, userTimeoutMs),
  );
}

/** First messages by number. */
export const AWAITS = { tls: 0, http: 1 } as const;

function streamNumbers(keepalive: KeepaliveOptions | null, userTimeoutMs: number): number[] {
  const { idleSeconds = -1, intervalSeconds = -1, count = -1 } = keepalive ?? {};
  return [keepalive === null ? 0 : 1, idleSeconds, intervalSeconds, count, userTimeoutMs];
}
