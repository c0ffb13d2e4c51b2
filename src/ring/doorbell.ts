/**
 * How a thread is woken, and how it goes to sleep. A ringing that nobody waits for is kept until somebody does; several
 * may count as one. Rule of sleeping: set `asleep`, then look at every incoming ring once more.
 */

/** Wakes one thread. */
export interface Doorbell {
  ring(): void;
}

/** Doorbell over an eventfd: `ringDescriptor` is the addon's doorbellRing. The descriptor stays the main thread's. */
export function descriptorDoorbell(ringDescriptor: (fd: number) => void, fd: number): Doorbell {
  return { ring: () => ringDescriptor(fd) };
}

/** Doorbell without the addon: a message to a port on which the thread listens; its content means nothing. */
export function portDoorbell(port: { postMessage(value: unknown): void }): Doorbell {
  return { ring: () => port.postMessage(0) };
}

/**
 * The last step before a thread may sleep, for hosts without the addon (the addon does the same in uv_prepare): true
 * when it may, `asleep` is then set; false when a ring has something, `asleep` is then clear.
 * `writeWords` and `readWords` are word offsets of the incoming rings, pair by pair.
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
