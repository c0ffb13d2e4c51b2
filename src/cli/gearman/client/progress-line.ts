/**
 * One line at the bottom of a terminal with the progress of jobs. Rule: it is cleared before other output and at the
 * end.
 */
import picocolors from 'picocolors';

const CLEAR = '\r\u001b[K';
const BAR_COLUMNS = 30;
/** Pause between two updates of the line. */
const REDRAW_MS = 100;

/** Progress of a run of many jobs. */
export interface RunProgress {
  /** Number of workloads, or null when unknown. */
  readonly total: number | null;
  readonly submitted: number;
  readonly done: number;
  readonly failed: number;
}

/** The parts of a terminal that are needed. */
export interface ProgressOutput {
  readonly columns?: number;
  write(text: string): unknown;
}

function bar(percent: number): string {
  const full = Math.round((Math.min(100, Math.max(0, percent)) / 100) * BAR_COLUMNS);
  return `[${'='.repeat(full)}${' '.repeat(BAR_COLUMNS - full)}]`;
}

/** A number with separated thousands. */
function counted(count: number): string {
  return count.toLocaleString('en-US');
}

/** The line about a job, without colours. */
export function jobLine(functionName: string, percent: number): string {
  return `${functionName} ${bar(percent)} ${percent}%`;
}

/** The line about a run, without colours. */
export function runLine(progress: RunProgress, seconds: number): string {
  const { total, submitted, done, failed } = progress;
  const ended = done + failed;
  const rate = seconds > 0 ? `, ${counted(Math.round(ended / seconds))}/s` : '';
  const failures = failed > 0 ? `, ${counted(failed)} failed` : '';
  const counts = `${counted(done)} done${failures}${rate}`;
  if (total === null) return `${counted(submitted)} submitted, ${counts}`;
  return `${bar((ended / total) * 100)} ${counted(ended)} of ${counted(total)}, ${counts}`;
}

export class ProgressLine {
  readonly #output: ProgressOutput | null;
  readonly #startMs = performance.now();
  #isShown = false;
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  /** `output` is the terminal, or null: then nothing is shown. */
  constructor(output: ProgressOutput | null) {
    this.#output = output;
  }

  /** Shows the progress of a job of that function; false when nothing is shown here. */
  job(functionName: string, percent: number): boolean {
    return this.#draw(jobLine(functionName, percent), true);
  }

  /** Shows the progress of a run of many jobs. */
  run(progress: RunProgress): void {
    if (this.#output === null) return;
    this.#draw(runLine(progress, (performance.now() - this.#startMs) / 1000), false);
  }

  /** Clears the line, before other output and at the end. */
  clear(): void {
    if (!this.#isShown) return;
    this.#output?.write(CLEAR);
    this.#isShown = false;
    // The next call may draw at once.
    this.#drawnAtMs = Number.NEGATIVE_INFINITY;
  }

  #draw(line: string, isUrgent: boolean): boolean {
    if (this.#output === null) return false;
    const nowMs = performance.now();
    if (!isUrgent && nowMs - this.#drawnAtMs < REDRAW_MS) return true;
    this.#drawnAtMs = nowMs;
    this.#isShown = true;
    const columns = this.#output.columns ?? 80;
    this.#output.write(`${CLEAR}${picocolors.cyan(line.slice(0, columns - 1))}`);
    return true;
  }
}
