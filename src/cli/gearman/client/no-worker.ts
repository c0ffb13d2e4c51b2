/** Tells once for each function that nobody offers it, when a job of it hears nothing for a while. */
import { type Servers, show } from '../servers.ts';

/** Long enough that a worker which is there has answered. */
const PATIENCE_MS = 2000;

export class NoWorkerHint {
  readonly #servers: Servers;
  readonly #say: (text: string) => void;
  readonly #asked = new Set<string>();

  constructor(servers: Servers, say: (text: string) => void) {
    this.#servers = servers;
    this.#say = say;
  }

  /** A job of the function waits from now on; call what is returned when it heard something. */
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

  /** Most runs never ask. */
  async #workersOf(functionName: string): Promise<number | null> {
    const { workersOf } = await import('./workers-of.ts');
    return workersOf(functionName, this.#servers);
  }

  private sentence(functionName: string): string {
    const where = this.#servers.all.map(show).join(', ');
    return `no worker offers ${JSON.stringify(functionName)} at ${where}`;
  }
}
