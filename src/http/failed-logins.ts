/**
 * Counts failed logins by address, so that nobody tries many tokens. Rule: after ten within a minute an address must wait
 * for the end of that minute, also with a good token; the table is bounded.
 */
import { isIPv6 } from 'node:net';

const FAILED_MAX = 10;
const WINDOW_MS = 60_000;
const ADDRESSES_MAX = 10_000;

interface Window {
  readonly endsMs: number;
  failed: number;
}

export class FailedLogins {
  /** The oldest window first. */
  readonly #windows = new Map<string, Window>();
  readonly #nowMs: () => number;

  /** `nowMs`: a clock that never goes back. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Whole seconds until the address may try again; 0 = now. */
  waitS(address: string): number {
    const window = this.#windows.get(networkOf(address));
    if (window === undefined || window.failed < FAILED_MAX) return 0;
    return Math.max(0, Math.ceil((window.endsMs - this.#nowMs()) / 1_000));
  }

  failed(address: string): void {
    const now = this.#nowMs();
    const network = networkOf(address);
    for (const [key, { endsMs }] of this.#windows) {
      if (endsMs > now && this.#windows.size < ADDRESSES_MAX) break;
      this.#windows.delete(key);
    }
    const window = this.#windows.get(network);
    if (window === undefined) this.#windows.set(network, { endsMs: now + WINDOW_MS, failed: 1 });
    else window.failed++;
  }
}

/** One owner has at least a whole /64 of IPv6. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.replace(/%.*/, '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  return [...groups, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':');
}
