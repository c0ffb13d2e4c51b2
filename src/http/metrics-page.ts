/**
 * The page of `/metrics`, in the text format of Prometheus. Every metric is a row of a table that reads one snapshot;
 * prom-client writes the page and adds the metrics of the process.
 * Rule: the page is written metric by metric with a turn of the loop in between, and by one request at a time.
 */
import { setImmediate } from 'node:timers/promises';
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { BUCKET_COUNT, Count } from '../broker/tally.ts';
import { Gauge, type TallyRow } from '../broker/tally-rows.ts';
import type { ThreadStats } from '../session/questions.ts';
import {
  byLabel,
  histogramValues,
  type MetricRow,
  type MetricValue,
  type Prepared,
} from './metric-values.ts';
import type { Snapshot } from './snapshot.ts';
import { STORE_METRICS } from './store-metrics.ts';

const MS = 0.001;
const US = 0.000001;

function ofFunctions(read: (row: TallyRow) => number): MetricRow['values'] {
  return ({ functions }) =>
    [...functions].map(([label, row]) => ({ value: read(row), labels: { function: label } }));
}

function gauge(name: string, help: string, field: number, unit = 1): MetricRow {
  const values = ofFunctions((row) => (row.now[field] as number) * unit);
  return { name, help, type: 'gauge', values };
}

function counter(name: string, help: string, field: number): MetricRow {
  const values = ofFunctions((row) => row.counts[field] as number);
  return { name, help, type: 'counter', values };
}

function times(name: string, help: string, buckets: number, sum: number): MetricRow {
  const values = ({ functions }: Prepared): MetricValue[] =>
    [...functions].flatMap(([label, { counts }]) => {
      const own = counts.subarray(buckets, buckets + BUCKET_COUNT);
      return histogramValues(name, { function: label }, own, counts[sum] as number, MS);
    });
  return { name, help, type: 'histogram', values };
}

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
  gauge('geartrain_jobs_queued', 'Jobs that wait for a worker or for their time.', Gauge.QUEUED),
  gauge('geartrain_jobs_running', 'Jobs in the hands of workers.', Gauge.RUNNING),
  gauge('geartrain_workers', 'Registrations of workers for the function.', Gauge.WORKERS),
  gauge(
    'geartrain_oldest_job_age_seconds',
    'How long the job that waits longest has been in its queue; 0 without one.',
    Gauge.OLDEST_MS,
    MS,
  ),
  {
    name: 'geartrain_jobs_submitted_total',
    help: 'Jobs made by submits; those that joined a job of the same unique are not counted.',
    type: 'counter',
    values: ofFunctions((row) => row.now[Gauge.CREATED] as number),
  },
  counter('geartrain_jobs_completed_total', 'Jobs that ended with WORK_COMPLETE.', Count.COMPLETED),
  counter(
    'geartrain_jobs_failed_total',
    'Jobs that ended with WORK_FAIL, WORK_EXCEPTION or without attempts left.',
    Count.FAILED,
  ),
  counter(
    'geartrain_jobs_requeued_total',
    'Runs lost with their worker or timed out.',
    Count.REQUEUED,
  ),
  times(
    'geartrain_job_wait_seconds',
    'Time from the queue to a worker.',
    Count.WAIT_BUCKETS,
    Count.WAIT_MS,
  ),
  times(
    'geartrain_job_run_seconds',
    'Time from a worker to the end.',
    Count.RUN_BUCKETS,
    Count.RUN_MS,
  ),
  {
    name: 'geartrain_thread_up',
    help: 'Whether the thread runs; 0 is the acceptor.',
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
    help: 'Time of one turn of a thread: what was read is handled.',
    type: 'histogram',
    values: ({ running }) =>
      running.flatMap(({ thread, turns }) =>
        histogramValues('geartrain_turn_seconds', { thread }, turns.buckets, turns.sumUs, US),
      ),
  },
  {
    name: 'geartrain_event_loop_delay_seconds',
    help: 'By how much a timer of the thread was late since the last scrape.',
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

export class MetricsPage {
  readonly #registry = new Registry();
  readonly #take: () => Promise<Snapshot>;
  #snapshot: Prepared | null = null;
  #writing: Promise<string> | null = null;

  /** `info` are labels of the metric `geartrain_info`. */
  constructor(take: () => Promise<Snapshot>, info: Readonly<Record<string, string>>) {
    this.#take = take;
    const about: MetricRow = {
      name: 'geartrain_info',
      help: 'What runs here.',
      type: 'gauge',
      values: () => [{ value: 1, labels: info }],
    };
    for (const row of [about, ...METRICS, ...STORE_METRICS]) this.#register(row);
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The page. Who asks while one is written gets the same. */
  page(): Promise<string> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
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

  async #write(): Promise<string> {
    const snapshot = await this.#take();
    const running = snapshot.threads.filter((stats) => stats !== null);
    this.#snapshot = { ...snapshot, functions: byLabel(snapshot.rows), running };
    const parts: string[] = [];
    for (const { name } of this.#registry.getMetricsAsArray()) {
      parts.push(await this.#registry.getSingleMetricAsString(name));
      await setImmediate();
    }
    this.#snapshot = null;
    return `${parts.join('\n\n')}\n`;
  }
}
