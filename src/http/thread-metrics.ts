/** Metrics of the server as a whole and of its threads. */
import type { ThreadStats } from '../session/thread-queries.ts';
import {
  histogramValues,
  type MetricFacts,
  type MetricRow,
  type MetricValue,
  type Prepared,
} from './metric-values.ts';

const MS = 0.001;
const US = 0.000001;

/** Its value is always 1. */
export const INFO: MetricFacts = {
  name: 'geartrain_info',
  help: 'Version and core of this server.',
  type: 'gauge',
  labels: ['version', 'core'],
};

function ofThreads(
  name: string,
  help: string,
  type: 'gauge' | 'counter',
  read: (stats: ThreadStats) => number,
): MetricRow {
  const values = ({ running }: Prepared): MetricValue[] =>
    running.map((stats) => ({ value: read(stats), labels: { thread: stats.thread } }));
  return { name, help, type, labels: ['thread'], values };
}

export const THREAD_METRICS: readonly MetricRow[] = [
  {
    name: 'geartrain_thread_up',
    help: 'Whether the thread runs; thread 0 is the acceptor.',
    type: 'gauge',
    labels: ['thread'],
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
    labels: [],
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
  {
    name: 'geartrain_dead_dropped_total',
    help: 'Dead jobs dropped, by the limit: number (dead), bytes (dead_bytes), age (dead_age), memory (--dead-memory).',
    type: 'counter',
    labels: ['thread', 'reason'],
    values: ({ running }) =>
      running.flatMap(({ thread, deadDropped }) =>
        Object.entries(deadDropped).map(([reason, value]) => ({
          value,
          labels: { thread, reason },
        })),
      ),
  },
  ofThreads(
    'geartrain_dead_bytes',
    'Bytes of dead jobs; limited by --dead-memory.',
    'gauge',
    (stats) => stats.deadBytes,
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
    labels: ['thread'],
    values: ({ running }) =>
      running.flatMap(({ thread, turns }) =>
        histogramValues('geartrain_turn_seconds', { thread }, turns.buckets, turns.sumUs, US),
      ),
  },
  {
    name: 'geartrain_event_loop_delay_seconds',
    help: 'How late timers of the thread were since the last scrape.',
    type: 'gauge',
    labels: ['thread', 'stat'],
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
    labels: ['from', 'to'],
    values: ({ rings }) =>
      rings.map(({ from, to, bytes }) => ({ value: bytes, labels: { from, to } })),
  },
  {
    name: 'geartrain_incidents_total',
    help: 'Connections and requests that were refused or dropped, by reason.',
    type: 'counter',
    labels: ['reason'],
    values: ({ incidents }) =>
      [...incidents].map(([reason, value]) => ({ value, labels: { reason } })),
  },
];
