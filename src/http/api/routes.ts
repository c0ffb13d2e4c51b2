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
}

const PAGE_PROBLEMS = ['cursorInvalid', 'cursorOld', 'shardDown'] as const;
const JOB_PROBLEMS = ['jobUnknown', 'shardDown'] as const;

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
    otherType: 'application/octet-stream',
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
