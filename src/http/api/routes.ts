/**
 * THE table of routes of the JSON API. To add a route, add a row: the router, the checks of requests, /openapi.json and
 * docs/http-api.md follow from it, and the compiler asks for the handler. Rule: a row says which right its caller
 * needs; the server enforces it before the handler runs, for the function of the path, else for at least one function.
 */
import type * as z from 'zod';
import type { ProblemCode } from './problems.ts';
import * as s from './schemas.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Route {
  readonly method: Method;
  /** `{function}` and `{handle}` are one segment each, %-escaped; `:word` at the end is a verb. */
  readonly path: string;
  readonly right: s.RightName | null;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Status of success. */
  readonly status: 200 | 201 | 202 | 204;
  /** Null: nothing, or not JSON. */
  readonly answer: z.ZodType | null;
  /** Media type of an answer that is not, or not always, JSON. */
  readonly otherType?: string;
  /** Codes of problems that only this route has (problems.ts). */
  readonly problems?: readonly ProblemCode[];
  /** Reading is written into the audit log too, as changes are. */
  readonly isAudited?: boolean;
}

const PAGE_PROBLEMS = ['cursorInvalid', 'cursorOld', 'shardDown'] as const;
const JOB_PROBLEMS = ['jobUnknown', 'shardDown'] as const;
const POLICY_PROBLEMS = ['policyInvalid', 'policyRefused', 'notKept', 'shardDown'] as const;
const KICK_PROBLEMS = ['uniqueInUse', 'queueFull', 'draining', 'noMemory', 'shardDown'] as const;
const TASK_ANSWER = { status: 200, answer: s.bulkTask } as const;

export const ROUTES = {
  server: {
    ...{ method: 'GET', path: '/v1', right: 'view', status: 200, answer: s.serverView },
    summary: 'the server, what this API has, and the rights of the caller',
  },
  functions: {
    ...{ method: 'GET', path: '/v1/functions', right: 'view', status: 200 },
    ...{ query: s.functionsQuery, answer: s.functionsPage, problems: PAGE_PROBLEMS },
    summary: 'functions that the caller may view, with their figures',
  },
  function: {
    ...{ method: 'GET', path: '/v1/functions/{function}', right: 'view', status: 200 },
    ...{ answer: s.functionView, problems: ['functionUnknown', 'shardDown'] },
    summary: 'one function and its policy, with an ETag of the policy',
  },
  jobs: {
    ...{ method: 'GET', path: '/v1/jobs', right: 'view', status: 200 },
    ...{ query: s.jobsQuery, answer: s.jobsPage, problems: PAGE_PROBLEMS },
    summary:
      'jobs that match, in no order; a job that lives throughout is on exactly one page; `unique` and `error` need `inspect`',
  },
  job: {
    ...{ method: 'GET', path: '/v1/jobs/{handle}', right: 'view', status: 200 },
    ...{ answer: s.jobView, problems: JOB_PROBLEMS },
    summary: 'one job',
  },
  attempts: {
    ...{ method: 'GET', path: '/v1/jobs/{handle}/attempts', right: 'view', status: 200 },
    ...{ answer: s.attemptsView, problems: JOB_PROBLEMS },
    summary: 'failed runs of a job',
  },
  workload: {
    ...{ method: 'GET', path: '/v1/jobs/{handle}/workload', right: 'inspect', status: 200 },
    ...{ query: s.workloadQuery, answer: s.workloadView, problems: JOB_PROBLEMS },
    ...{ otherType: 'application/octet-stream', isAudited: true },
    summary: 'the workload of a job; each reading is written into the audit log',
  },
  connections: {
    ...{ method: 'GET', path: '/v1/connections', right: 'inspect', status: 200 },
    ...{ query: s.connectionsQuery, answer: s.connectionsPage, problems: PAGE_PROBLEMS },
    summary: 'connections of clients and workers',
  },
  shards: {
    ...{ method: 'GET', path: '/v1/shards', right: 'view', status: 200, answer: s.shardsView },
    summary: 'figures of the threads; thread 0 accepts connections',
  },
  stores: {
    ...{ method: 'GET', path: '/v1/stores', right: 'view', status: 200, answer: s.storesView },
    summary: 'stores of background jobs, one for each shard; none while jobs are kept in memory',
  },
  options: {
    ...{ method: 'GET', path: '/v1/options', right: 'admin', status: 200, answer: s.optionsView },
    summary: 'options with their values; secrets are not shown',
  },
  logLevel: {
    ...{ method: 'GET', path: '/v1/log-level', right: 'view', status: 200, answer: s.logLevelView },
    summary: 'level of the log',
  },
  setPolicy: {
    ...{ method: 'PATCH', path: '/v1/functions/{function}', right: 'admin', status: 200 },
    ...{ body: s.policyPatch, answer: s.stateResult },
    problems: [...POLICY_PROBLEMS, 'etagNeeded', 'etagOld'],
    summary: 'changes the policy of a function; needs `If-Match` with the ETag of the function',
  },
  pause: {
    ...{ method: 'POST', path: '/v1/functions/{function}:pause', right: 'operate', status: 200 },
    ...{ body: s.pauseBody, answer: s.stateResult, problems: POLICY_PROBLEMS },
    summary: 'no job of the function starts any more',
  },
  resume: {
    ...{ method: 'POST', path: '/v1/functions/{function}:resume', right: 'operate', status: 200 },
    ...{ answer: s.stateResult, problems: POLICY_PROBLEMS },
    summary: 'ends pause and drain',
  },
  drain: {
    ...{ method: 'POST', path: '/v1/functions/{function}:drain', right: 'operate', status: 200 },
    ...{ answer: s.stateResult, problems: POLICY_PROBLEMS },
    summary: 'the function takes no new jobs; queued ones run',
  },
  kick: {
    ...{ method: 'POST', path: '/v1/functions/{function}:kick', right: 'operate', status: 200 },
    ...{ body: s.kickBody, answer: s.kickResult, problems: KICK_PROBLEMS },
    summary: 'queues dead jobs again, the oldest first',
  },
  submit: {
    ...{ method: 'POST', path: '/v1/jobs', right: 'operate', status: 201 },
    ...{ body: s.submitBody, answer: s.submitResult, problems: ['jobRefused'] },
    summary:
      'submits a job; with `Prefer: wait=N` it is a foreground job, and the answer has its result',
  },
  deleteJob: {
    ...{ method: 'DELETE', path: '/v1/jobs/{handle}', right: 'admin', status: 204, answer: null },
    problems: JOB_PROBLEMS,
    summary: 'removes a job: a dead one is forgotten, any other is cancelled',
  },
  retry: {
    ...{ method: 'POST', path: '/v1/jobs/{handle}:retry', right: 'operate', status: 204 },
    ...{ answer: null, problems: ['jobUnknown', 'notDead', ...KICK_PROBLEMS] },
    summary: 'queues a dead job again',
  },
  cancel: {
    ...{ method: 'POST', path: '/v1/jobs/{handle}:cancel', right: 'operate', status: 204 },
    ...{ answer: null, problems: [...JOB_PROBLEMS, 'dead'] },
    summary:
      'its clients get WORK_FAIL; a waiting job ends, the result of a running one is dropped',
  },
  bury: {
    ...{ method: 'POST', path: '/v1/jobs/{handle}:bury', right: 'operate', status: 204 },
    ...{ answer: null, problems: [...JOB_PROBLEMS, 'running', 'foreground'] },
    summary: 'a background job that waits becomes dead',
  },
  closeConnection: {
    ...{ method: 'DELETE', path: '/v1/connections/{connection}', right: 'admin', status: 204 },
    ...{ answer: null, problems: ['connectionUnknown', 'shardDown'] },
    summary: 'closes a connection; its jobs are queued again',
  },
  setLogLevel: {
    ...{ method: 'PUT', path: '/v1/log-level', right: 'admin', status: 200 },
    ...{ body: s.logLevelView, answer: s.logLevelView },
    summary: 'changes the level of the log in all threads',
  },
  audit: {
    ...{ method: 'GET', path: '/v1/audit', right: 'admin', status: 200 },
    ...{ query: s.auditQuery, answer: s.auditPage, problems: ['cursorInvalid'] },
    summary: 'who changed what, by this API and by text commands',
  },
  bulkTasks: {
    ...{ method: 'GET', path: '/v1/bulk', right: 'view', status: 200, answer: s.bulkPage },
    summary: 'tasks that run, and those that ended within the last hour',
  },
  startBulk: {
    ...{ method: 'POST', path: '/v1/bulk', right: 'operate', status: 202 },
    ...{ body: s.bulkBody, answer: s.bulkTask, problems: ['tooManyTasks', 'shardDown'] },
    summary:
      'begins a task over the dead jobs of a function that are dead now; `delete` needs the right `admin`, `error` the right `inspect`',
  },
  bulkTask: {
    ...{ method: 'GET', path: '/v1/bulk/{task}', right: 'view', ...TASK_ANSWER },
    problems: ['taskUnknown'],
    summary: 'progress of a task',
  },
  cancelBulk: {
    ...{ method: 'DELETE', path: '/v1/bulk/{task}', right: 'operate', ...TASK_ANSWER },
    problems: ['taskUnknown'],
    summary: 'ends a task; what it has changed stays',
  },
  events: {
    ...{ method: 'GET', path: '/v1/events', right: 'view', status: 200, answer: null },
    ...{ query: s.eventsQuery, otherType: 'text/event-stream', problems: ['tooManyReaders'] },
    summary: 'a stream of what changes of functions, once a second',
  },
  series: {
    ...{ method: 'GET', path: '/v1/series', right: 'view', status: 200 },
    ...{ query: s.seriesQuery, answer: s.seriesView, problems: ['notMeasured'] },
    summary: 'the last hour or day of all functions, or of one',
  },
  session: {
    ...{ method: 'POST', path: '/v1/session', right: null, status: 201 },
    ...{ body: s.noBody, answer: s.sessionView, problems: ['tooManyLogins'] },
    summary: 'swaps the bearer token for a session of a browser: a cookie and `half`',
  },
  endSession: {
    ...{ method: 'DELETE', path: '/v1/session', right: null, status: 204, answer: null },
    problems: ['sessionUnknown'],
    summary: 'ends the session of the request',
  },
  openapi: {
    ...{ method: 'GET', path: '/openapi.json', right: 'view', status: 200, answer: null },
    otherType: 'application/json',
    summary: 'this API as OpenAPI 3.1',
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;

type QueryOf<R> = R extends { readonly query: infer Q extends z.ZodType } ? z.infer<Q> : undefined;
type BodyOf<R> = R extends { readonly body: infer B extends z.ZodType } ? z.infer<B> : undefined;
type AnswerOf<R> = R extends { readonly answer: infer A extends z.ZodType } ? z.infer<A> : null;

/** What the handler of a route gets from the request. */
export type QueryOfRoute<N extends RouteName> = QueryOf<(typeof ROUTES)[N]>;
export type BodyOfRoute<N extends RouteName> = BodyOf<(typeof ROUTES)[N]>;
export type AnswerOfRoute<N extends RouteName> = AnswerOf<(typeof ROUTES)[N]>;
