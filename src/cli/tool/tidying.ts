/**
 * What has to be put in order when a tool ends, by itself or by a signal: files, terminals, commands.
 * Rule: a signal does what it would have done without us, but behind that; a second one does it at once.
 */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Puts something in order. What it returns is waited for when there is time, that is at a signal. */
export type TidyStep = () => void | Promise<void>;

export class Tidying {
  readonly #steps: TidyStep[] = [];
  readonly #onExit = (): void => void this.run();
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.forgetSignals();
    void this.run().then(() => process.kill(process.pid, signal));
  };

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    process.once('exit', this.#onExit);
  }

  add(step: TidyStep): void {
    this.#steps.push(step);
  }

  /** Runs every step that has not run. */
  async run(): Promise<void> {
    await Promise.all(this.#steps.splice(0).map((step) => step()));
  }

  /** Signals are the process's own again. */
  forgetSignals(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  /** Nothing is left to be put in order. */
  close(): void {
    this.forgetSignals();
    process.off('exit', this.#onExit);
  }
}
