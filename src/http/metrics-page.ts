/**
 * The page of `/metrics`, in Prometheus's text format. prom-client writes the short part, from table rows that read
 * one snapshot, and adds metrics of the process; metrics of functions follow piece by piece. Rule: after each piece
 * the event loop is free for a millisecond, and nothing is written before the reader takes it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { functionMetrics } from './function-metrics.ts';
import type { FunctionRows } from './function-rows.ts';
import type { MetricRow, Prepared } from './metric-values.ts';
import { PAUSE_MS, type Snapshot } from './snapshot.ts';
import { STORE_METRICS } from './store-metrics.ts';
import { INFO, THREAD_METRICS } from './thread-metrics.ts';

/** Pages that are written at a time; further requests wait. */
const PAGES_MAX = 2;

/** A page whose first part is written. */
interface Begun {
  readonly text: string;
  readonly functions: FunctionRows;
}

export class MetricsPage {
  readonly #registry = new Registry();
  readonly #take: () => Promise<Snapshot>;
  #snapshot: Prepared | null = null;
  #beginning: Promise<Begun> | null = null;
  #pageCount = 0;
  /** Requests that wait for a page to end. */
  readonly #waiting: (() => void)[] = [];

  /** `info` are labels of the metric `geartrain_info`. */
  constructor(take: () => Promise<Snapshot>, info: Readonly<Record<string, string>>) {
    this.#take = take;
    const about = { ...INFO, values: () => [{ value: 1, labels: info }] };
    for (const row of [about, ...THREAD_METRICS, ...STORE_METRICS]) this.#register(row);
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /**
   * Writes the page piece by piece. `send` resolves when the piece has been sent and its memory may be reused; its
   * rejection ends the page. Concurrent requests share one snapshot.
   */
  async write(send: (piece: string | Uint8Array) => Promise<void>): Promise<void> {
    if (this.#pageCount === PAGES_MAX)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#pageCount++;
    try {
      this.#beginning ??= this.#begin();
      const { text, functions } = await this.#beginning;
      await send(text);
      for (const piece of functionMetrics(functions)) {
        await send(piece);
        await pause(PAUSE_MS);
      }
    } finally {
      // The next request gets the free place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#pageCount--;
      else next();
    }
  }

  #register({ name, help, type, values }: MetricRow): void {
    const metric = {
      name,
      get: async () => ({
        name,
        help,
        type,
        aggregator: 'sum',
        values: this.#snapshot === null ? [] : values(this.#snapshot),
      }),
    };
    this.#registry.registerMetric(metric as unknown as Metric);
  }

  async #begin(): Promise<Begun> {
    try {
      const snapshot = await this.#take();
      const running = snapshot.threads.filter((stats) => stats !== null);
      this.#snapshot = { ...snapshot, running };
      return { text: await this.#registry.metrics(), functions: snapshot.functions };
    } finally {
      this.#snapshot = null;
      this.#beginning = null;
    }
  }
}
