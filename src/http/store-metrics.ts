/** Metrics of stores, one value for each thread with a store; none while background jobs are kept in memory. */
import type { StoreHealth } from '../store/store.ts';
import type { MetricRow, MetricValue } from './metric-values.ts';

const MS = 0.001;
const LABELS = ['thread'];

function ofStores(
  name: string,
  help: string,
  type: 'gauge' | 'counter',
  read: (store: StoreHealth) => number,
): MetricRow {
  const values: MetricRow['values'] = ({ running }) =>
    running.flatMap(({ thread, store }) =>
      store === null ? [] : [{ value: read(store), labels: { thread } }],
    );
  return { name, help, type, labels: LABELS, values };
}

/** A summary of all commits: their number and the sum of `read`. */
function ofCommits(name: string, help: string, read: (store: StoreHealth) => number): MetricRow {
  const values: MetricRow['values'] = ({ running }) =>
    running.flatMap(({ thread, store }): MetricValue[] => {
      if (store === null) return [];
      const labels = { thread };
      return [
        { value: read(store), labels, metricName: `${name}_sum` },
        { value: store.commits, labels, metricName: `${name}_count` },
      ];
    });
  return { name, help, type: 'summary', labels: LABELS, values };
}

export const STORE_METRICS: readonly MetricRow[] = [
  ofStores(
    'geartrain_store_accepting',
    'Whether the store takes new jobs; 0 while it refuses them.',
    'gauge',
    ({ isAccepting }) => (isAccepting ? 1 : 0),
  ),
  ofStores('geartrain_store_jobs', 'Jobs that the store keeps.', 'gauge', ({ jobs }) => jobs),
  ofStores(
    'geartrain_store_uncommitted',
    'Jobs appended or forgotten that are not durable yet.',
    'gauge',
    ({ uncommitted }) => uncommitted,
  ),
  ofStores(
    'geartrain_store_bytes',
    'Disk space of the store; 0 for databases.',
    'gauge',
    ({ bytes }) => bytes,
  ),
  ofCommits(
    'geartrain_store_commit_jobs',
    'Jobs appended or forgotten in one commit.',
    ({ committed }) => committed,
  ),
  ofCommits(
    'geartrain_store_commit_seconds',
    'Duration of one commit until it is durable.',
    ({ commitMs }) => commitMs * MS,
  ),
  ofStores(
    'geartrain_store_commit_seconds_max',
    'Duration of the longest commit.',
    'gauge',
    ({ commitMsMax }) => commitMsMax * MS,
  ),
];
