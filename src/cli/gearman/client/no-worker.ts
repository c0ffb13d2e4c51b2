/**
 * When a job gets no answer for some seconds, asks whether any worker offers its function. If none does, reports that,
 * once for each function.
 */
import { type Servers, show } from '../servers.ts';

/** If a worker exists, it has usually answered after this time. */
const PATIENCE_MS = 2000;

export class NoWorkerHint {
  readonly #servers: Servers;
  readonly #say: (text: string) => void;
  readonly #asked = new Set<string>();

  constructor(servers: Servers, say: (text: string) => void) {
    this.#servers = servers;
    this.#say = say;
  }

  /** Call it when a job of the function starts to wait; call the returned function at the first answer to the job. */
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

  /** The end of a sentence that says why there may be no answer; empty when there are workers. */
  async reason(functionName: string): Promise<string> {
    const count = await this.#workersOf(functionName);
    return count === 0 ? `, ${this.sentence(functionName)}` : '';
  }

  /** Asks the servers. The module is loaded on demand, because most runs never need it. */
  async #workersOf(functionName: string): Promise<number | null> {
    const { workersOf } = await import('./workers-of.ts');
    return workersOf(functionName, this.#servers);
  }

  private sentence(functionName: string): string {
    const where = this.#servers.all.map(show).join(', ');
    return `no worker offers ${JSON.stringify(functionName)} at ${where}`;
  }
}
