/**
 * How a thread is woken, and how it goes to sleep. If a doorbell is rung while its thread is awake, the thread notices
 * it when it next waits; several rings may be noticed as one. Rule for sleeping: set `asleep`, then check every
 * incoming ring once more.
 */

/** Wakes one thread. */
export interface Doorbell {
  ring(): void;
}

/**
 * Doorbell over an eventfd: `ringDescriptor` is the addon's doorbellRing. The main thread keeps ownership of the
 * descriptor.
 */
export function descriptorDoorbell(ringDescriptor: (fd: number) => void, fd: number): Doorbell {
  return { ring: () => ringDescriptor(fd) };
}

/** Doorbell without the addon: an arbitrary message to a port on which the thread listens. */
export function portDoorbell(port: { postMessage(value: unknown): void }): Doorbell {
  return { ring: () => port.postMessage(0) };
}

/**
 * The last step before a thread may sleep, for hosts without the addon (which does the same in uv_prepare). True when
 * it may sleep, with `asleep` set; false when a ring has records, with `asleep` clear. `writeWords` and `readWords`
 * are word offsets of the incoming rings, pair by pair.
 */
export function prepareSleep(
  words: Int32Array,
  asleep: number,
  writeWords: Int32Array,
  readWords: Int32Array,
): boolean {
  Atomics.store(words, asleep, 1);
  for (let i = 0; i < writeWords.length; i++) {
    const write = Atomics.load(words, writeWords[i] as number);
    if (write === Atomics.load(words, readWords[i] as number)) continue;
    Atomics.store(words, asleep, 0);
    return false;
  }
  return true;
}
