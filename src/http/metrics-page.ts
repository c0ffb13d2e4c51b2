/**
 * The page of `/metrics`, in Prometheus's text format. prom-client writes the short part, from table rows that read
 * one snapshot, and adds metrics of the process; metrics of functions follow piece by piece. Rule: after each piece
 * the event loop is free for a millisecond, and nothing is written before the reader takes it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import type { ThreadStats } from '../session/thread-queries.ts';
import { functionMetrics } from './function-metrics.ts';
import type { FunctionRows } from './function-rows.ts';
import {
  histogramValues,
  type MetricRow,
  type MetricValue,
  type Prepared,
} from './metric-values.ts';
import { PAUSE_MS, type Snapshot } from './snapshot.ts';
import { STORE_METRICS } from './store-metrics.ts';

const MS = 0.001;
const US = 0.000001;
/** Pages that are written at a time; further requests wait. */
const PAGES_MAX = 2;

function ofThreads(
  name: string,
  help: string,
  type: 'gauge' | 'counter',
  read: (stats: ThreadStats) => number,
): MetricRow {
  const values = ({ running }: Prepared): MetricValue[] =>
    running.map((stats) => ({ value: read(stats), labels: { thread: stats.thread } }));
  return { name, help, type, values };
}

const METRICS: readonly MetricRow[] = [
  {
    name: 'geartrain_thread_up',
    help: 'Whether the thread runs; thread 0 is the acceptor.',
    type: 'gauge',
    values: ({ threads }) =>
      threads.map((stats, thread) => ({ value: stats === null ? 0 : 1, labels: { thread } })),
  },
  ofThreads('geartrain_connections', 'Connections.', 'gauge', (stats) => stats.connections),
  ofThreads('geartrain_functions', 'Functions known.', 'gauge', (stats) => stats.functions),
  ofThreads(
    'geartrain_queue_bytes',
    'Memory of job rows, workloads in the slab and indexes.',
    'gauge',
    (stats) => stats.queueBytes,
  ),
  ofThreads(
    'geartrain_memory_bytes',
    'Bytes that peers make the thread keep; limited by --max-memory.',
    'gauge',
    (stats) => stats.memoryBytes,
  ),
  {
    name: 'geartrain_memory_limit_bytes',
    help: '--max-memory, for all threads together; 0 = no limit.',
    type: 'gauge',
    values: ({ memoryLimitBytes }) => [{ value: memoryLimitBytes, labels: {} }],
  },
  ofThreads(
    'geartrain_submits_coalesced_total',
    'Submits that joined a job of the same unique.',
    'counter',
    (stats) => stats.coalesced,
  ),
  ofThreads(
    'geartrain_submits_refused_total',
    'Submits answered with QUEUE_ERROR.',
    'counter',
    (stats) => stats.refused,
  ),
  ofThreads(
    'geartrain_ring_records_sent_total',
    'Records sent to other threads.',
    'counter',
    (stats) => stats.recordsSent,
  ),
  {
    name: 'geartrain_turn_seconds',
    help: 'Duration of one turn of a thread.',
    type: 'histogram',
    values: ({ running }) =>
      running.flatMap(({ thread, turns }) =>
        histogramValues('geartrain_turn_seconds', { thread }, turns.buckets, turns.sumUs, US),
      ),
  },
  {
    name: 'geartrain_event_loop_delay_seconds',
    help: 'How late timers of the thread were since the last scrape.',
    type: 'gauge',
    values: ({ running }) =>
      running.flatMap(({ thread, loopDelay }) =>
        Object.entries(loopDelay ?? {}).map(([name, ms]) => ({
          value: (ms as number) * MS,
          labels: { thread, stat: name.replace('Ms', '') },
        })),
      ),
  },
  {
    name: 'geartrain_ring_bytes',
    help: 'Bytes of records that wait in the ring between two threads.',
    type: 'gauge',
    values: ({ rings }) =>
      rings.map(({ from, to, bytes }) => ({ value: bytes, labels: { from, to } })),
  },
  {
    name: 'geartrain_incidents_total',
    help: 'Connections and requests that were refused or dropped, by reason.',
    type: 'counter',
    values: ({ incidents }) =>
      [...incidents].map(([reason, value]) => ({ value, labels: { reason } })),
  },
];

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
    const about: MetricRow = {
      name: 'geartrain_info',
      help: 'Version and core of this server.',
      type: 'gauge',
      values: () => [{ value: 1, labels: info }],
    };
    for (const row of [about, ...METRICS, ...STORE_METRICS]) this.#register(row);
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
