/** Shows the progress of an export or import on standard error: a bar on a terminal, otherwise an occasional line. */

const BAR_MS = 100;
const LINE_MS = 5_000;
const BAR_CHARS = 24;
const LOOK_EVERY = 256;

export class TransferProgress {
  readonly #what: string;
  readonly #startMs = performance.now();
  readonly #isTerminal = process.stderr.isTTY === true;
  #shownMs = this.#startMs;
  #count = 0;
  #hasBar = false;

  /** `what`: such as `exported`. */
  constructor(what: string) {
    this.#what = what;
  }

  /** Adds so many jobs, of about `total`. */
  add(jobs: number, total: number): void {
    this.addOf(jobs, this.#count + jobs, total);
  }

  /** Adds so many jobs; progress is `done` of `total`, in any unit. */
  addOf(jobs: number, done: number, total: number): void {
    this.#count += jobs;
    if (this.#count % LOOK_EVERY !== 0) return;
    const nowMs = performance.now();
    if (nowMs - this.#shownMs < (this.#isTerminal ? BAR_MS : LINE_MS)) return;
    this.#shownMs = nowMs;
    const part = total === 0 ? 1 : Math.min(1, done / total);
    const seconds = (nowMs - this.#startMs) / 1000;
    const leftSeconds = Math.ceil((seconds / Math.max(part, 0.001)) * (1 - part));
    const rate = Math.round(this.#count / seconds);
    const text = `${this.#count} jobs ${this.#what}, ${rate} jobs/s, ${leftSeconds} s left`;
    if (!this.#isTerminal) {
      process.stderr.write(`${text}\n`);
      return;
    }
    const filled = '#'.repeat(Math.round(part * BAR_CHARS)).padEnd(BAR_CHARS);
    const percent = `${Math.floor(part * 100)}`.padStart(3);
    process.stderr.write(`\r\u001b[K[${filled}] ${percent}% ${text}`);
    this.#hasBar = true;
  }

  end(count: number): void {
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(2);
    const lead = this.#hasBar ? '\r\u001b[K' : '';
    process.stderr.write(`${lead}${count} jobs ${this.#what} in ${seconds} s\n`);
  }
}
