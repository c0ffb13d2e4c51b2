/** The routes of the made-up API: the least that makes the screens and actions of the dashboard work. */
import type { BulkTask, FunctionRow, JobView } from '../../../src/http/api/schemas.ts';
import { addJob, jobView, type MockData, type RIGHTS } from './data.ts';

export interface MockAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly etag?: string;
  readonly type?: string;
}

const ok = (body: unknown): MockAnswer => ({ status: 200, body });
const refused = (status: number, code: string, detail: string): MockAnswer => ({
  status,
  body: { type: 'about:blank', title: code, status, code, detail },
});
const STARTED_MS = Date.now() - 7_200_000;

/** Rows from `cursor` on, as a page. */
function pageOf<T>(rows: readonly T[], query: URLSearchParams): { rows: T[]; next: string | null } {
  const at = Number(query.get('cursor') ?? 0);
  const limit = Number(query.get('limit') ?? 100);
  const isLast = at + limit >= rows.length;
  return { rows: rows.slice(at, at + limit), next: isLast ? null : String(at + limit) };
}

export class MockRoutes {
  readonly #data: MockData;
  readonly #rights: typeof RIGHTS;
  readonly #capabilities: readonly string[];
  #level = 'INFO';
  #serial = 1000;

  constructor(data: MockData, rights: typeof RIGHTS, capabilities: readonly string[]) {
    this.#data = data;
    this.#rights = rights;
    this.#capabilities = capabilities;
  }

  answer(method: string, target: string, body: unknown): MockAnswer {
    const [path = '', words = ''] = target.split('?');
    const query = new URLSearchParams(words);
    const segments = path.split('/').slice(1);
    if (segments.length === 0) return ok(this.#server());
    const [kind = '', rest = '', part = ''] = segments;
    const given = (body ?? {}) as Record<string, unknown>;
    switch (kind) {
      case 'functions':
        return rest === '' ? this.#functions(query) : this.#function(method, rest, given);
      case 'jobs':
        if (rest !== '') return this.#job(method, decodeURIComponent(rest), part, query);
        return method === 'POST' ? this.#submit(given) : this.#jobs(query);
      case 'connections':
        if (method === 'DELETE') return ok({ id: this.#data.connections.delete(rest) });
        return ok({ connections: [...this.#data.connections.values()], next: null });
      case 'bulk':
        return this.#bulk(method, rest, given);
      case 'log-level':
        if (method === 'PUT') this.#level = String(given.level);
        return ok({ level: this.#level });
      case 'audit':
        return ok({ entries: this.#data.audit, next: null });
      default:
        return this.#figures(kind);
    }
  }

  #server() {
    return {
      ...{ version: '0.1.0', core: 'native', threads: 2, nowMs: Date.now(), startedMs: STARTED_MS },
      ...{ notReady: null, caller: 'token ops', rights: this.#rights },
      capabilities: this.#capabilities,
    };
  }

  #functions(query: URLSearchParams): MockAnswer {
    const match = query.get('match') ?? '';
    for (const row of this.#data.functions.values()) move(row);
    const all = [...this.#data.functions.values()].filter(({ name }) => name.includes(match));
    const { rows, next } = pageOf(all, query);
    return ok({ functions: rows, next });
  }

  #function(method: string, segment: string, body: Record<string, unknown>): MockAnswer {
    const [, escaped = '', verb] = /^(.*?)(?::(\w+))?$/.exec(segment) ?? [];
    const name = decodeURIComponent(escaped);
    const row = this.#data.functions.get(name);
    if (row === undefined) return refused(404, 'functionUnknown', `no function ${name}`);
    if (verb === 'pause') row.gate = 'paused';
    if (verb === 'resume') Object.assign(row, { gate: 'open', isDraining: false });
    if (verb === 'drain') row.isDraining = true;
    if (method === 'PATCH') {
      const keys = this.#data.policies.get(name) ?? new Map<string, string>();
      if (body.policy === null) keys.clear();
      for (const [key, value] of Object.entries(body.policy ?? {})) {
        if (String(value).includes('!'))
          return refused(422, 'policyInvalid', `${key} is no number`);
        keys.set(key, String(value));
      }
      this.#data.policies.set(name, keys);
    }
    const policy = this.#policyOf(name, row);
    const etag = `"${JSON.stringify(policy).length}"`;
    if (method !== 'GET') return ok({ policy, isKept: true });
    move(row);
    return { ...ok({ ...row, policy, rights: this.#rights }), etag };
  }

  #policyOf(name: string, row: FunctionRow) {
    const keys = [...(this.#data.policies.get(name) ?? [])];
    const state = row.gate === 'paused' ? 'paused:540' : row.isDraining ? 'draining' : 'open';
    return { keys: keys.map(([key, value]) => ({ key, value, origin: 'command' })), state };
  }

  #jobs(query: URLSearchParams): MockAnswer {
    const [name, state] = [query.get('function'), query.get('state')];
    const [unique, error] = [query.get('unique') ?? '', query.get('error') ?? ''];
    const isExact = query.get('isExact') === '1';
    const jobs = [...this.#data.jobs.values()].filter(
      (job) =>
        (name === null || job.function === name) &&
        (state === null || job.state === state) &&
        (isExact ? job.unique === unique : (job.unique ?? '').includes(unique)) &&
        (job.lastError?.text ?? '').includes(error),
    );
    const { rows, next } = pageOf(jobs, query);
    return ok({ jobs: rows, next, scanned: this.#data.jobs.size, isIncomplete: false });
  }

  #job(method: string, segment: string, part: string, query: URLSearchParams): MockAnswer {
    const [, handle = '', verb] = /^(.*?\d)(?::([a-z]+))?$/.exec(segment) ?? [];
    const job = this.#data.jobs.get(handle);
    if (job === undefined) return refused(404, 'jobUnknown', `no job ${handle}`);
    if (verb === 'retry') this.#change(job, { state: 'queued', attempts: 0 });
    if (verb === 'bury') this.#change(job, { state: 'dead' });
    if (verb === 'cancel' || method === 'DELETE') this.#data.jobs.delete(handle);
    if (part === 'attempts') {
      const errors = job.lastError === null ? [] : [job.lastError];
      return ok({ handle, attempts: job.attempts, errors });
    }
    if (part === 'workload') {
      const content = this.#data.workloads.get(handle) ?? '{"to":"anna@example.org"}';
      if (query.get('download') === '1')
        return { status: 200, body: content, type: 'application/octet-stream' };
      return ok({ bytes: content.length, isCut: false, kind: 'json', content });
    }
    return ok(method === 'GET' ? { ...job, rights: this.#rights } : { handle });
  }

  #change(job: JobView, change: Partial<JobView>): void {
    this.#data.jobs.set(job.handle, { ...job, ...change });
  }

  #submit(body: Record<string, unknown>): MockAnswer {
    const name = String(body.function);
    if (name === 'refused') return refused(409, 'draining', 'the function takes no new jobs');
    const job = addJob(this.#data, jobView(this.#serial++, name));
    const isBackground = body.isBackground === true;
    const state = isBackground ? 'queued' : 'complete';
    const data = isBackground ? null : String(body.workload);
    return { status: 201, body: { handle: job.handle, state, data } };
  }

  #bulk(method: string, id: string, body: Record<string, unknown>): MockAnswer {
    const { tasks } = this.#data;
    const known = tasks.get(id);
    if (method === 'DELETE' && known !== undefined) known.state = 'cancelled';
    if (method !== 'POST')
      return known === undefined ? ok({ tasks: [...tasks.values()] }) : ok(known);
    const { action, filter, perSecond = 100, isDryRun = false } = body as unknown as BulkTask;
    const dead = [...this.#data.jobs.values()].filter(
      (job) => job.state === 'dead' && job.function === filter.function,
    );
    const task: BulkTask = {
      ...{ id: String(tasks.size + 1), action, filter, perSecond, isDryRun },
      ...{ state: isDryRun ? 'done' : 'running', startedMs: Date.now(), endedMs: null },
      ...{ matched: dead.length, done: 0, left: 0, gone: 0 },
    };
    tasks.set(task.id, task);
    return { status: 202, body: task };
  }

  #figures(kind: string): MockAnswer {
    const sum = (of: (row: FunctionRow) => number): number =>
      [...this.#data.functions.values()].reduce((all, row) => all + of(row), 0);
    if (kind === 'shards')
      return ok({
        shards: [0, 1, 2].map((thread) => ({
          ...{ thread, isRunning: true, connections: 20, functions: 4, jobs: 300 },
          ...{ submitted: sum((row) => row.created), coalesced: 2, refused: 0, assigned: 0 },
          ...{
            completed: sum((row) => row.counts?.completed ?? 0),
            failed: sum((row) => row.counts?.failed ?? 0),
          },
          ...{ requeued: 0, deadDropped: 0, queueBytes: 40_000, memoryBytes: 9_000_000 },
          ...{ recordsSent: 0, recordsReceived: 0, turnBuckets: [], turnUs: Date.now() * 300 },
        })),
        memoryLimitBytes: 1_000_000_000,
        incidents: { unknownToken: 2 },
      });
    if (kind === 'stores')
      return ok({
        stores: [1, 2].map((thread) => ({
          ...{ thread, isAccepting: thread === 1, jobs: 120, uncommitted: 1, commits: 4000 },
          ...{ committed: 9000, commitMs: 8200, commitMsMax: 31, bytes: 8_400_000 },
        })),
      });
    if (kind === 'options')
      return ok({
        options: [
          { name: 'threads', value: '2', defaultValue: '0', origin: 'option', help: 'shards' },
          { name: 'port', value: '4730', defaultValue: '4730', origin: 'default', help: 'port' },
        ],
      });
    return refused(404, 'notFound', `there is no ${kind}`);
  }
}

/** Some traffic, so that rates and plots have something to show. */
function move(row: FunctionRow): void {
  if (row.counts === null || row.workers === 0 || row.gate === 'paused') return;
  const jobs = 3 + ((row.created * 7919) % 11);
  row.created += jobs;
  row.counts.completed += jobs - 1;
  row.counts.failed += row.created % 5 === 0 ? 1 : 0;
  row.counts.waitBuckets = row.counts.waitBuckets.map((n, b) => (b === 3 ? n + jobs : n));
}
