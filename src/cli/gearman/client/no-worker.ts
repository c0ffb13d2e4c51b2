/** Reports, once for each function, that no worker offers it, when a job of it gets no answer for a while. */
import { type Servers, show } from '../servers.ts';

/** Long enough for an existing worker to have answered. */
const PATIENCE_MS = 2000;

export class NoWorkerHint {
  readonly #servers: Servers;
  readonly #say: (text: string) => void;
  readonly #asked = new Set<string>();

  constructor(servers: Servers, say: (text: string) => void) {
    this.#servers = servers;
    this.#say = say;
  }

  /** A job of the function starts to wait; call the returned function at its first answer. */
  watch(functionName: string): () => void {
    if (this.#asked.has(functionName)) return () => {};
    let isOver = false;
    const timer = setTimeout(() => {
      if (this.#asked.has(functionName)) return;
      this.#asked.add(functionName);
      void this.#workersOf(functionName).then((count) => {
        if (count === 0 && !isOver) this.#say(`${this.sentence(functionName)}, still waiting`);
      });
    }, PATIENCE_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }

  /** Why there may have been no answer, as the end of a sentence; empty when there are workers. */
  async reason(functionName: string): Promise<string> {
    const count = await this.#workersOf(functionName);
    return count === 0 ? `, ${this.sentence(functionName)}` : '';
  }

  /** Loaded on demand: most runs never need it. */
  async #workersOf(functionName: string): Promise<number | null> {
    const { workersOf } = await import('./workers-of.ts');
    return workersOf(functionName, this.#servers);
  }

  private sentence(functionName: string): string {
    const where = this.#servers.all.map(show).join(', ');
    return `no worker offers ${JSON.stringify(functionName)} at ${where}`;
  }
}
