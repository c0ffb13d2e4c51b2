/**
 * Cleans up files, terminals and commands when a tool ends, by itself or by a signal. Rule: a signal has its usual
 * effect after the clean-up; a second signal has it at once.
 */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** One step of the clean-up. At a signal its promise is awaited. */
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

  /** Gives the signals back to the process. */
  forgetSignals(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  /** No clean-up is needed any more. */
  close(): void {
    this.forgetSignals();
    process.off('exit', this.#onExit);
  }
}
