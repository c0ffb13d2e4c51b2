/**
 * What a worker may say about the job that it fails: the first line of the data of WORK_EXCEPTION. A server without
 * policies passes it on as text.
 *
 *   geartrain:retry=DELAY_MS      the next run after this time instead of the policy's
 *   geartrain:dead                no further run
 */

/** `dead`, or milliseconds until the next run. */
export type FailureOrder = 'dead' | number;

const ORDER = /^geartrain:(?:(dead)|retry=(0|[1-9]\d{0,9}))(?:\n|$)/;
/** The longest first line. */
export const ORDER_BYTES_MAX = 32;
export const DELAY_MS_MAX = 30 * 86_400_000;

/** The order at the beginning of `text` (Latin-1), or null. Longer delays count as 30 days. */
export function readOrder(text: string): FailureOrder | null {
  const match = ORDER.exec(text.slice(0, ORDER_BYTES_MAX));
  if (match === null) return null;
  return match[1] === undefined ? Math.min(DELAY_MS_MAX, Number(match[2])) : 'dead';
}

/** The text without its order. */
export function withoutOrder(text: string): string {
  return readOrder(text) === null ? text : text.slice(text.indexOf('\n') + 1 || text.length);
}

/** `text` with an order in front. */
export function writeOrder(order: FailureOrder, text: string): string {
  const line = order === 'dead' ? 'geartrain:dead' : `geartrain:retry=${order}`;
  return `${line}\n${text}`;
}
