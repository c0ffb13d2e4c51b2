/** A dialogue as text: `worker1 < NOOP`. Shown when a test fails. */

const LINES_SHOWN = 100;

/** What was said, in the order in which this process saw it. */
export class Transcript {
  readonly lines: string[] = [];

  add(line: string): void {
    this.lines.push(line);
  }

  /** The last of it; a thousand connections say more than anybody reads. */
  toString(): string {
    const shown = this.lines.slice(-LINES_SHOWN).map((line) => `  ${line}`);
    const hidden = this.lines.length - shown.length;
    return (hidden > 0 ? [`  (${hidden} lines)`, ...shown] : shown).join('\n');
  }
}
