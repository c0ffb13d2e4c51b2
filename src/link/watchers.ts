/** Waits for conditions that events change. Rule: code that changes one calls the check; a wait has no other cost. */

export class Watchers {
  readonly #watchers = new Set<() => void>();

  /** Resolves when `isSo` returns true, called now and at every check; rejects with its error. */
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
