/**
 * Finds the route of a request and carries it out: name in the path, right, query, body, handler, answer. Rule: every
 * refusal is a problem of the table, and nothing but a fault of ours is a 500.
 */
import type { IncomingMessage } from 'node:http';
import type * as z from 'zod';
import { escapeName } from '../../policy/function-name.ts';
import { type Caller, callerText, hasRight, hasServerRight, lackOf } from './caller.ts';
import { bytesOfEscaped } from './names.ts';
import { ApiProblem } from './problems.ts';
import { type Method, ROUTES, type Route, type RouteName } from './routes.ts';
import type { AuditFacts } from './schemas.ts';

/** One request, as a handler gets it. */
export interface Call<Q = unknown, B = unknown> {
  readonly caller: Caller;
  /** The function or the id that the path names: bytes, Latin-1; empty without one. */
  readonly name: string;
  readonly query: Q;
  readonly body: B;
  readonly request: IncomingMessage;
  /** What the audit log says of the change, besides the name of the path. */
  readonly noted: Noted;
}

/** Filled in by handlers. */
export interface Noted {
  target?: string;
  before?: string;
  after?: string;
}

/** What a handler returns if it does more than a JSON answer with the status of the route. */
export class Reply {
  readonly body: string | ReadableStream<Uint8Array> | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: number | null;

  constructor(
    body: string | ReadableStream<Uint8Array> | null,
    headers: Readonly<Record<string, string>> = {},
    status: number | null = null,
  ) {
    this.body = body;
    this.headers = headers;
    this.status = status;
  }
}

export type AnyHandler = (call: Call<never, never>) => Promise<unknown> | unknown;

interface Found {
  readonly name: RouteName;
  readonly route: Route;
  /** The raw segment in the braces; empty without one. */
  readonly raw: string;
}

const NAMES = Object.keys(ROUTES) as RouteName[];
/** Handles have colons, but none before their last word, as verbs have. */
const SEGMENT = '((?:(?!:[a-z]+$)[^/])+)';
const NAME_SEGMENT = '([^/:]+)';
const PATTERNS = NAMES.map((name) => {
  const { path } = ROUTES[name] as Route;
  const source = path
    .replace(/[.]/g, '\\.')
    .replace('{handle}', SEGMENT)
    .replace(/\{\w+\}/, NAME_SEGMENT);
  return { name, pattern: new RegExp(`^${source}$`) };
});

/** Throws ApiProblem `routeUnknown` and `methodUnknown`. */
function find(method: string, path: string): Found {
  const others: Method[] = [];
  for (const { name, pattern } of PATTERNS) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const route: Route = ROUTES[name];
    if (route.method === method || (route.method === 'GET' && method === 'HEAD'))
      return { name, route, raw: match[1] ?? '' };
    others.push(route.method);
  }
  if (others.length === 0) throw new ApiProblem('routeUnknown', 'see /openapi.json');
  const allowed = others.includes('GET') ? [...others, 'HEAD'] : others;
  throw new ApiProblem('methodUnknown', `allowed are ${allowed.join(', ')}`, {
    Allow: allowed.join(', '),
  });
}

/** Whether the braces of the path hold the name of a function, for which the right is checked. */
function isOfFunction({ path }: Route): boolean {
  return path.includes('{function}');
}

/** Routes about the server as a whole: a rule for some functions does not open them. */
function isOfServer({ path }: Route): boolean {
  return !/^\/v1(\/(functions|jobs|bulk|events|series)\b.*)?$|^\/openapi\.json$/.test(path);
}

/** Throws ApiProblem `notAllowed`, or `unauthenticated` for an anonymous caller. */
export function requireRight(caller: Caller, route: Route, name: string): void {
  const { right } = route;
  if (right === null) return;
  const isAllowed = isOfServer(route)
    ? hasServerRight(caller, right)
    : hasRight(caller, right, isOfFunction(route) ? name : undefined);
  if (!isAllowed) throw lackOf(caller, right);
}

/** Throws ApiProblem `invalid`: the first thing that is wrong, with its place. */
function checked(schema: z.ZodType, value: unknown, where: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  throw new ApiProblem('invalid', `${where}${path === '' ? '' : ` ${path}`}: ${issue?.message}`);
}

/** Query parameters by name, their values as bytes in Latin-1. Throws ApiProblem `invalid` for one given twice. */
function queryOf(search: string): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const part of search.split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const key = bytesOfEscaped(at < 0 ? part : part.slice(0, at));
    if (key in query)
      throw new ApiProblem('invalid', `query ${JSON.stringify(key)} is given twice`);
    query[key] = at < 0 ? '' : bytesOfEscaped(part.slice(at + 1).replaceAll('+', ' '));
  }
  return { ...query };
}

export interface RouterHooks {
  /** Reads the body of a request; `undefined` without one. Throws ApiProblem. */
  readBody(request: IncomingMessage): Promise<unknown>;
  /** Writes a line into the audit log. */
  audit(entry: AuditFacts): void;
}

/**
 * A page of another origin must not use what its browser may do here. Throws ApiProblem `originForeign`. A bearer token
 * is never sent by a browser on its own.
 */
export function refuseForeign(
  { headers }: Pick<IncomingMessage, 'headers'>,
  caller: Pick<Caller, 'isBearer' | 'session'>,
  isUnsafe: boolean,
): void {
  if (caller.isBearer) return;
  const { origin, host = '' } = headers;
  const site = headers['sec-fetch-site'];
  const isOwnOrigin = origin?.replace(/^https?:\/\//, '') === host;
  const isOwnSite = site === 'same-origin' || site === 'none';
  const isOfSession = caller.session !== undefined;
  // A browser says where a request of a session comes from: one that does not is none.
  const isOwn =
    isUnsafe && site !== undefined
      ? isOwnSite && (isOfSession || origin === undefined || isOwnOrigin)
      : isOwnOrigin || (origin === undefined && !(isUnsafe && isOfSession));
  if (!isOwn) throw new ApiProblem('originForeign');
}

export class Router {
  readonly #handlers: Readonly<Record<RouteName, AnyHandler>>;
  readonly #hooks: RouterHooks;

  constructor(handlers: Readonly<Record<RouteName, AnyHandler>>, hooks: RouterHooks) {
    this.#handlers = handlers;
    this.#hooks = hooks;
  }

  /** Answers a request; never rejects. `failed` gets what is a fault of ours. */
  async answer(
    request: IncomingMessage,
    caller: Caller,
    failed: (error: Error) => void,
  ): Promise<Response> {
    try {
      return await this.#answer(request, caller);
    } catch (error) {
      if (error instanceof ApiProblem) return problemResponse(error);
      failed(error as Error);
      return problemResponse(new ApiProblem('internal', 'see the log of the server'));
    }
  }

  async #answer(request: IncomingMessage, caller: Caller): Promise<Response> {
    const target = request.url ?? '/';
    const at = target.indexOf('?');
    const path = at < 0 ? target : target.slice(0, at);
    const { name: routeName, route, raw } = find(request.method ?? 'GET', path);
    const name = bytesOfEscaped(raw);
    const isUnsafe = route.method !== 'GET';
    refuseForeign(request, caller, isUnsafe);
    requireRight(caller, route, name);
    const search = queryOf(at < 0 ? '' : target.slice(at + 1));
    const unknown = Object.keys(search).find((key) => !(key in (route.query?.shape ?? {})));
    if (unknown !== undefined)
      throw new ApiProblem('invalid', `there is no query ${JSON.stringify(unknown)} here`);
    const query = route.query === undefined ? undefined : checked(route.query, search, 'query');
    const read = isUnsafe ? await this.#hooks.readBody(request) : undefined;
    const body = route.body === undefined ? undefined : checked(route.body, read ?? {}, 'body');
    const call = { caller, name, query, body, request, noted: {} };
    const handle = () => this.#handlers[routeName](call as Call<never, never>);
    const answer = await (isUnsafe || route.isAudited
      ? this.#audited(routeName, call, handle)
      : handle());
    return answer instanceof Reply ? responseOf(answer, route) : jsonResponse(answer, route.status);
  }

  /** Carries out what is written into the audit log, also when it is refused. */
  async #audited(action: RouteName, call: Call, handle: () => unknown): Promise<unknown> {
    const { caller, name, noted } = call;
    let result = 'internal';
    try {
      const answer = await handle();
      result = 'ok';
      return answer;
    } catch (error) {
      if (error instanceof ApiProblem) result = error.code;
      throw error;
    } finally {
      const who = callerText(caller);
      const { target = escapeName(name), before = null, after = null } = noted;
      this.#hooks.audit({ who, via: 'api', action, target, before, after, result });
    }
  }
}

/** No answer is kept by a browser or a proxy, and none is taken for another type. */
const HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } as const;

function jsonResponse(value: unknown, status: number): Response {
  const headers = { ...HEADERS, 'Content-Type': 'application/json' };
  return new Response(status === 204 ? null : JSON.stringify(value), { status, headers });
}

function responseOf({ body, headers, status }: Reply, route: Route): Response {
  const type = typeof body === 'string' ? { 'Content-Type': 'application/json' } : {};
  return new Response(body, {
    status: status ?? route.status,
    headers: { ...HEADERS, ...type, ...headers },
  });
}

/** The answer to a request that is refused. */
export function problemResponse(problem: ApiProblem): Response {
  const headers = { ...HEADERS, 'Content-Type': 'application/problem+json', ...problem.headers };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
