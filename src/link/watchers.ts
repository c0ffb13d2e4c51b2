/** Waits for facts that events change. Rule: whoever changes something looks; a wait costs nothing else. */

export class Watchers {
  readonly #watchers = new Set<() => void>();

  /** Resolves as soon as `isSo`, asked now and at every look; rejects with what it throws. */
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
