/**
 * Takes over a terminal and restores it: a screen of its own, no cursor, keys read at once. Rule: however the program
 * ends, the terminal is restored.
 */
import { Tidying } from '../../tool/tidying.ts';

/**
 * Switches to the alternate screen, hides the cursor, and makes the terminal cut long lines instead of wrapping them.
 */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const CTRL_C = '\u0003';

export class Terminal {
  readonly #tidying = new Tidying();
  readonly #onKey: (bytes: Buffer) => void;
  readonly #onResize: () => void;
  #isTaken = true;

  /** `onQuit` is called for q and Ctrl-C, `onSort` for s, `onResize` when the size has changed. */
  constructor(handlers: { onQuit(): void; onSort(): void; onResize(): void }) {
    this.#onKey = (bytes) => {
      const text = bytes.toString('latin1');
      if (text.includes('q') || text.includes('Q') || text.includes(CTRL_C)) handlers.onQuit();
      else if (text.includes('s') || text.includes('S')) handlers.onSort();
    };
    this.#onResize = handlers.onResize;
    this.#tidying.add(() => this.#leave());
    process.stdout.on('resize', this.#onResize);
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(true);
      process.stdin.on('data', this.#onKey);
    }
    process.stdout.write(ENTER);
  }

  get size(): { columns: number; rows: number } {
    return { columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 };
  }

  /** Replaces the screen by overwriting, so that it does not flicker. */
  show(lines: readonly string[]): void {
    const rows = lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n');
    process.stdout.write(`${HOME}${rows}${CLEAR_BELOW}`);
  }

  /** Restores the terminal; may be called more than once. */
  close(): void {
    this.#leave();
    this.#tidying.close();
  }

  #leave(): void {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    process.stdout.write(LEAVE);
    process.stdout.off('resize', this.#onResize);
    if (process.stdin.isTTY) {
      process.stdin.off('data', this.#onKey);
      process.stdin.setRawMode(false);
      process.stdin.pause();
    }
  }
}
