/**
 * Samples the functions of a server. Our own server reports them with `functions`; others with `status`, which has
 * neither ages nor totals.
 */
import { functionRow, readRows, type StatusFigures, statusRow } from '../../../link/listings.ts';
import { isRefusal, isUnknownCommand, refusalOf } from '../../../link/text-reply.ts';
import type { AdminConnection } from '../../tool/admin-connection.ts';

export interface FunctionFigures {
  readonly name: string;
  readonly queued: number;
  readonly running: number;
  readonly workers: number;
  /** Jobs created since the server knows the function; null when unknown. */
  readonly created: number | null;
  /** Age of the oldest queued job; null when unknown. */
  readonly oldestMs: number | null;
  /** State of the gate; null without one, or when unknown. */
  readonly gate: 'open' | 'paused' | 'concurrency' | 'rate' | null;
  /** New jobs are refused. */
  readonly isDraining: boolean;
  /** Jobs that wait for their next run, and dead jobs; null when unknown. */
  readonly retrying: number | null;
  readonly dead: number | null;
}

/** One sample of all functions. */
export interface Look {
  /** Time of a monotonic clock. */
  readonly atMs: number;
  readonly functions: readonly FunctionFigures[];
}

function figuresOf({ name, total, running, workers }: StatusFigures): FunctionFigures {
  return {
    name,
    queued: total - running,
    running,
    workers,
    created: null,
    oldestMs: null,
    gate: null,
    isDraining: false,
    retrying: null,
    dead: null,
  };
}

/** Whether this is the answer of a server that does not know the command. */
function isUnknown(answer: string): boolean {
  const reply = Buffer.from(answer);
  return isRefusal(reply, true) && isUnknownCommand(refusalOf(reply));
}

/** Samples a server repeatedly over one connection; detects which listing the server has. */
export class Looker {
  readonly #connection: AdminConnection;
  #isOurs = true;

  constructor(connection: AdminConnection) {
    this.#connection = connection;
  }

  /** Rejects when the connection is lost or the reply is not a listing. */
  async look(): Promise<Look> {
    if (this.#isOurs) {
      const text = await this.#connection.askText('functions');
      if (!isUnknown(text))
        return { atMs: performance.now(), functions: readRows(text, functionRow) };
      this.#isOurs = false;
    }
    const text = await this.#connection.askText('status');
    return { atMs: performance.now(), functions: readRows(text, statusRow).map(figuresOf) };
  }
}
