/** Job handles as the threads of tests write them. */

/** Boot number and prefix of the threads that tests run by hand (near-thread.ts). */
export const BOOT = 46655;
export const HANDLE_PREFIX = 'H:t';

const digits = (n: number, count: number) => String(n).padStart(count, '0');

/** `PREFIX:` and the digits of boot, shard, slot and serial. */
export function handleOf(
  shard: number,
  slot: number,
  serial: number,
  { prefix = HANDLE_PREFIX, boot = BOOT } = {},
): string {
  return `${prefix}:${digits(boot, 10)}${digits(shard, 2)}${digits(slot, 8)}${serial}`;
}

/** Shard, slot and serial of a handle. */
export function numbersOf(handle: string): { shard: number; slot: number; serial: number } {
  const match = /:\d{10}(\d\d)(\d{8})(\d{1,14})$/.exec(handle);
  if (match === null) throw new Error(`${handle} is no handle`);
  const [shard, slot, serial] = match.slice(1).map(Number) as [number, number, number];
  return { shard, slot, serial };
}
