/** Made-up functions, jobs and connections for tests of the dashboard, in the shapes of the API. */
import type {
  AuditEntry,
  BulkTask,
  ConnectionRow,
  FunctionRow,
  JobView,
} from '../../../src/http/api/schemas.ts';

export const RIGHTS = { view: true, inspect: true, operate: true, admin: true };
/** Of an error: how long the run took, and who ran it. */
export const RUN = { runMs: 1830, worker: 'worker-3 10.0.3.3:40003' };
const BUCKETS = 12;

export interface MockData {
  readonly functions: Map<string, FunctionRow>;
  /** Keys of policies by function. */
  readonly policies: Map<string, Map<string, string>>;
  readonly jobs: Map<string, JobView>;
  readonly workloads: Map<string, string>;
  readonly connections: Map<string, ConnectionRow>;
  readonly tasks: Map<string, BulkTask>;
  readonly audit: AuditEntry[];
}

export function noData(): MockData {
  return {
    functions: new Map(),
    policies: new Map(),
    jobs: new Map(),
    workloads: new Map(),
    connections: new Map(),
    tasks: new Map(),
    audit: [],
  };
}

const handleOf = (serial: number): string =>
  `H:jobs1:2182935099010${String(serial).padStart(8, '0')}`;

export function functionRow(name: string, change: Partial<FunctionRow> = {}): FunctionRow {
  const buckets = (most: number): number[] =>
    Array.from({ length: BUCKETS }, (_, bucket) =>
      Math.max(0, 900 - 160 * Math.abs(bucket - most)),
    );
  return {
    name,
    ...{ queued: 0, running: 0, retrying: 0, dead: 0, workers: 1, created: 5000, oldestMs: 0 },
    waiting: { high: 0, normal: 0, low: 0 },
    queueMax: { high: 0, normal: 0, low: 0 },
    gate: null,
    isDraining: false,
    counts: {
      ...{ completed: 4900, failed: 12, requeued: 0, retried: 0, waitMs: 9000, runMs: 80_000 },
      waitBuckets: buckets(3),
      runBuckets: buckets(5),
    },
    ...change,
  };
}

export function jobView(
  serial: number,
  functionName: string,
  change: Partial<JobView> = {},
): JobView {
  return {
    handle: handleOf(serial),
    function: functionName,
    state: 'queued',
    priority: 'normal',
    ...{ isBackground: true, isCancelled: false, sinceMs: Date.now() - serial * 1000 },
    ...{ attempts: 0, losses: 0, nextRunMs: null, workloadBytes: 120, unique: `order-${serial}` },
    ...{ lastError: null, progress: null, watchers: 0, worker: null, rights: RIGHTS },
    ...change,
  };
}

export function connectionRow(id: number, functions: readonly string[]): ConnectionRow {
  return {
    id: `1.${id}`,
    thread: 1,
    ...{ address: `10.0.3.${id}`, port: 40_000 + id, clientId: `worker-${id}` },
    ...{ certificate: null, token: null, functionCount: functions.length },
    running: 0,
    functions: functions.map((name) => ({ name })),
  };
}

export function addFunction(data: MockData, row: FunctionRow): void {
  data.functions.set(row.name, row);
}

export function addJob(data: MockData, job: JobView): JobView {
  data.jobs.set(job.handle, job);
  return job;
}

/** A small server in the middle of its day. */
export function dayData(): MockData {
  const data = noData();
  for (const row of [
    functionRow('mail', { queued: 812, workers: 0, oldestMs: 242_000, dead: 3 }),
    functionRow('resize', { queued: 12, running: 5, workers: 40, dead: 9, gate: 'concurrency' }),
    functionRow('invoice', { queued: 230, workers: 8, gate: 'paused' }),
    functionRow('geocode', { queued: 64, running: 2, workers: 4, gate: 'rate', retrying: 7 }),
    functionRow('thumbnail', { running: 3, workers: 12 }),
    functionRow('import', { workers: 2, isDraining: true, queued: 4 }),
    functionRow('report', { workers: 2 }),
  ])
    addFunction(data, row);
  data.policies.set(
    'resize',
    new Map([
      ['concurrency', '5'],
      ['attempts', '4'],
      ['backoff', 'exp:1s:1h'],
    ]),
  );
  data.policies.set('geocode', new Map([['rate', '20/s']]));
  const text = 'Error: the image has no size\n    at resize (worker.js:14:9)';
  for (let serial = 1; serial <= 9; serial++) {
    const error = {
      cause: 'exception',
      atMs: Date.now() - serial * 60_000,
      runMs: 1_200,
      worker: null,
      text,
    } as const;
    addJob(data, jobView(serial, 'resize', { state: 'dead', attempts: 4, lastError: error }));
  }
  for (let serial = 10; serial <= 12; serial++) {
    const error = {
      cause: 'fail',
      atMs: Date.now() - serial * 60_000,
      runMs: 0,
      worker: null,
      text: '',
    } as const;
    addJob(data, jobView(serial, 'mail', { state: 'dead', attempts: 1, lastError: error }));
  }
  for (let serial = 20; serial < 140; serial++) addJob(data, jobView(serial, 'mail'));
  addJob(
    data,
    jobView(200, 'thumbnail', {
      ...{ state: 'running', worker: '1.3', watchers: 1, isBackground: false },
      progress: { numerator: 40, denominator: 100 },
    }),
  );
  for (let id = 1; id <= 6; id++)
    data.connections.set(`1.${id}`, connectionRow(id, ['resize', 'thumbnail', 'report']));
  data.connections.set('1.9', connectionRow(9, []));
  return data;
}

/** Many functions and jobs. */
export function manyData(functions: number, jobs: number): MockData {
  const data = noData();
  for (let at = 0; at < functions; at++)
    addFunction(data, functionRow(`function_${String(at).padStart(6, '0')}`, { queued: at % 7 }));
  for (let serial = 1; serial <= jobs; serial++)
    addJob(data, jobView(serial, `function_${String(serial % functions).padStart(6, '0')}`));
  return data;
}
