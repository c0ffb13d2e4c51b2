/**
 * Requests to the JSON API. Rule: the token is kept in memory only; in storage of the tab there is at most one half of
 * a session, whose other half is a cookie that scripts cannot read. Addresses are relative, so that the page works
 * below any path.
 */
import { signal } from '@preact/signals';
import type { Problem } from './types.ts';

/** Where the tab keeps its half of the session, and the header that carries it. */
const HALF = 'geartrain.half';
const HALF_HEADER = 'X-Geartrain-Session';
/** Everybody who may do anything may read it. */
const SERVER = 'v1';

/** True when nothing may be read without a login, which is shown then. */
export const needsLogin = signal(false);
/** True when the reader has asked for it, and may go back. */
export const isLoginOptional = signal(false);

let token: string | null = null;

/** An answer that is not a success; status 0: no answer. */
export class ApiError extends Error {
  readonly status: number;
  /** Code of the problem, for comparisons. */
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** Whether a listing must begin again: a shard, or the server, was started again. */
export function isCursorOld(error: unknown): boolean {
  return (
    error instanceof ApiError && (error.code === 'cursorOld' || error.code === 'cursorInvalid')
  );
}

export interface RequestExtras {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Loaded<T> {
  readonly data: T;
  readonly etag: string | null;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** The answer as it came. Throws ApiError for every other status than success, and when the server cannot be reached. */
export async function send(
  method: Method,
  path: string,
  extras: RequestExtras = {},
): Promise<Response> {
  const headers = new Headers(extras.headers);
  if (!headers.has('Accept')) headers.set('Accept', 'application/json');
  if (extras.body !== undefined) headers.set('Content-Type', 'application/json');
  const half = sessionStorage.getItem(HALF);
  if (token !== null) headers.set('Authorization', `Bearer ${token}`);
  else if (half !== null) headers.set(HALF_HEADER, half);
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' };
  if (extras.body !== undefined) init.body = JSON.stringify(extras.body);
  if (extras.signal !== undefined) init.signal = extras.signal;
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (extras.signal?.aborted === true) throw error;
    throw new ApiError(0, 'unreachable', 'The server cannot be reached.');
  }
  if (response.ok) return response;
  // Elsewhere a caller without a token may lack a right, and still look at the rest.
  if (response.status === 401 && path === SERVER) {
    // The session has ended.
    sessionStorage.removeItem(HALF);
    showLogin(false);
  }
  throw await problemOf(response);
}

/** The answer's JSON, with its ETag. Errors: as `send`. */
export async function call<T>(
  method: Method,
  path: string,
  extras: RequestExtras = {},
): Promise<Loaded<T>> {
  const response = await send(method, path, extras);
  const text = await response.text();
  return { data: (text === '' ? null : JSON.parse(text)) as T, etag: response.headers.get('ETag') };
}

/** As `call`, for reading. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await call<T>('GET', path, signal === undefined ? {} : { signal })).data;
}

async function problemOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  try {
    const { code, detail, title } = JSON.parse(text) as Partial<Problem>;
    return new ApiError(response.status, code ?? '', detail ?? title ?? text);
  } catch {
    return new ApiError(response.status, '', text.trim() || `status ${response.status}`);
  }
}

/** Swaps a token for a session; a server without sessions gets the token with each request. Errors: as `send`. */
export async function logIn(words: string): Promise<void> {
  token = words;
  sessionStorage.removeItem(HALF);
  try {
    const { data } = await call<{ half: string }>('POST', 'v1/session', { body: {} });
    sessionStorage.setItem(HALF, data.half);
    token = null;
  } catch (error) {
    const hasNoSessions =
      error instanceof ApiError && (error.status === 404 || error.status === 405);
    if (!hasNoSessions) {
      token = null;
      throw error;
    }
    try {
      await get(SERVER);
    } catch (refusal) {
      token = null;
      throw refusal;
    }
  }
  needsLogin.value = false;
}

export function showLogin(isOptional: boolean): void {
  isLoginOptional.value = isOptional;
  needsLogin.value = true;
}

/** Whether there is something to log out from. */
export function isLoggedIn(): boolean {
  return token !== null || sessionStorage.getItem(HALF) !== null;
}

/** Ends the session on the server and forgets it here. */
export async function logOut(): Promise<void> {
  if (sessionStorage.getItem(HALF) !== null) await send('DELETE', 'v1/session').catch(() => {});
  token = null;
  sessionStorage.removeItem(HALF);
  showLogin(false);
}
