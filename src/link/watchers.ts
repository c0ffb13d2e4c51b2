/**
 * Waits for conditions. Rule: code that may change a condition calls the check; apart from that, a wait costs nothing.
 */

export class Watchers {
  readonly #watchers = new Set<() => void>();

  /** Resolves when `isSo` returns true; calls it now and at every check. Rejects with the error that it throws. */
  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        try {
          if (!isSo()) return;
          resolve();
        } catch (error) {
          reject(error);
        }
        this.#watchers.delete(look);
      };
      this.#watchers.add(look);
      look();
    });
  }

  look(): void {
    if (this.#watchers.size > 0) for (const watcher of [...this.#watchers]) watcher();
  }
}
