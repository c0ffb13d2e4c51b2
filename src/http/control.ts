/**
 * The control port: health, metrics, the log level and the JSON API over HTTP, for probes, Prometheus and operators. Runs
 * on the main thread; it queries shards in small steps. Rule: only probes are answered without token or certificate; when
 * neither is configured only loopback is served.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  createServer as createSecureServer,
  type Server as SecureServer,
  type ServerOptions,
} from 'node:https';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import type { FirstMessageEnd, FirstMessagePeer } from '../native/contract.ts';
import { wordsOf } from '../transport/tls/client-hello.ts';
import { REFUSED } from '../transport/tls/tls-handshake.ts';
import { Api } from './api/api.ts';
import { type Caller, hasServerRight } from './api/caller.ts';
import { ApiProblem } from './api/problems.ts';
import { problemResponse } from './api/router.ts';
import { Sessions } from './api/sessions.ts';
import type { ApiSource } from './api/source.ts';
import { type ControlAccess, ControlGuard, type Denial } from './control-guard.ts';
import type { Dashboard } from './dashboard.ts';
import { isLoopback, isOwnHost } from './host-check.ts';
import {
  HttpConnectionLimits,
  type HttpConnectionLimitsOptions,
} from './http-connection-limits.ts';
import { type FirstMessageQueues, HttpListener } from './http-listener.ts';
import { MetricsPage } from './metrics-page.ts';
import type { Snapshot } from './snapshot.ts';

/** Limits of a request: a peer that sends slowly or opens many connections costs little, and not for long. */
const REQUEST_MS = 10_000;
const HEADER_BYTES_MAX = 8_192;
const CONNECTIONS_MAX = 2_000;
const IDLE_MS = 5_000;
const LEVEL_BYTES_MAX = 32;
/** Time limit of a metrics page; a reader that takes longer is disconnected. Prometheus waits for 10 s. */
const METRICS_MS = 30_000;

/** The data that the port shows and changes. */
export interface ControlSource {
  /** For the JSON API. */
  readonly api: ApiSource;
  /** Called for a request that failed by a fault of ours. */
  failed(error: Error): void;
  /** Labels of this server: version, core. */
  readonly info: Readonly<Record<string, string>>;
  snapshot(): Promise<Snapshot>;
  /** Why the server takes no jobs now, or null. */
  notReady(): string | null;
  logLevel(): string;
  /** False when there is no such level. */
  setLogLevel(name: string): boolean;
}

export interface ControlOptions {
  readonly access: ControlAccess;
  /** The pages for browsers; null: there are none. */
  readonly dashboard: Dashboard | null;
  /** Options of a node:tls server; null = clear text. */
  readonly tls: ServerOptions | null;
  /** Called for every connection that is refused or ended. */
  readonly refused: HttpConnectionLimitsOptions['refused'];
  /** Called for every failed handshake, with the reason; `isNotTls`: the peer does not speak TLS. */
  handshakeFailed(address: string, port: number, isNotTls: boolean, text: string): void;
  /** Where connections wait for their first request or handshake. */
  readonly firstMessageQueues: FirstMessageQueues;
}

/** OpenSSL's error codes for bytes that are not TLS. */
const NOT_TLS: ReadonlySet<string> = new Set([
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_HTTPS_PROXY_REQUEST',
  'ERR_SSL_WRONG_VERSION_NUMBER',
]);

export class Control {
  readonly #server: Server;
  readonly #limits: HttpConnectionLimits;
  readonly #options: ControlOptions;
  readonly #api: Api;
  readonly #sessions = new Sessions();
  #listener: HttpListener | null = null;
  /** The bound address. */
  #host = '';

  constructor(source: ControlSource, controlOptions: ControlOptions) {
    const { access, dashboard, tls, refused, handshakeFailed } = controlOptions;
    this.#options = controlOptions;
    this.#api = new Api(source.api, this.#sessions, (error) => source.failed(error));
    const app = routes(source, new ControlGuard(access), this.#api, this.#sessions, dashboard);
    const listener = getRequestListener(async (request, env) => {
      const response = await app.fetch(request, env);
      // For HEAD hono makes a new response, so the mark of one that was sent by its handler is lost.
      return (env as Incoming['Bindings']).outgoing.headersSent ? RESPONSE_ALREADY_SENT : response;
    });
    const { refused: denied } = access;
    const options = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: REQUEST_MS / 4,
      keepAliveTimeout: IDLE_MS,
    };
    this.#server =
      tls === null ? createServer(options) : createSecureServer({ ...options, ...tls });
    const limits = new HttpConnectionLimits({
      ...{ name: 'control port', connectionsMax: CONNECTIONS_MAX, peerConnectionsMax: 0 },
      refused,
    });
    this.#limits = limits;
    this.#server.on('request', (request, response) => {
      const { socket, headers } = request;
      limits.requestIsWhole(socket);
      if (!isLoopback(this.#host) || isOwnHost(headers.host, this.#host)) {
        void listener(request, response);
        return;
      }
      const { remoteAddress: address = 'unknown', remotePort: port = 0 } = socket;
      const text = `${JSON.stringify(headers.host)} is not a name of this host`;
      denied('notAllowed', address, port, `refuse ${address}:${port}: control port: ${text}`);
      response.writeHead(421, { 'Content-Type': 'text/plain', Connection: 'close' });
      response.end(`${text}\n`);
    });
    this.#server.on('tlsClientError', (error: TlsError, socket) => {
      // The underlying socket knows its peer after the connection has ended.
      const { remoteAddress, remotePort } = (socket as { _parent?: Socket })._parent ?? socket;
      const isNotTls = NOT_TLS.has(error.code ?? '');
      const hasLeft = error.code === 'ECONNRESET';
      const why = hasLeft ? REFUSED.leftWithin : (error.reason ?? error.code ?? error.message);
      handshakeFailed(remoteAddress ?? 'unknown', remotePort ?? 0, isNotTls, why);
    });
  }

  /** Changes the certificates for later handshakes; open connections stay. */
  renew(tls: ServerOptions): void {
    if ('setSecureContext' in this.#server) (this.#server as SecureServer).setSecureContext(tls);
  }

  /** The secrets were renewed: what their owners had opened before ends. */
  endSessions(): void {
    this.#sessions.endAll();
    this.#api.endStreams();
  }

  /** Binds and returns the address; rejects with the system's error. */
  async listen(
    host: string,
    port: number,
    backlog: number,
  ): Promise<{ host: string; port: number }> {
    const { tls, firstMessageQueues } = this.#options;
    const first =
      tls === null
        ? ({ awaits: 'http', timeoutMs: REQUEST_MS } as const)
        : ({ awaits: 'tls', timeoutMs: tls.handshakeTimeout ?? REQUEST_MS } as const);
    const { listener, ...bound } = await HttpListener.open(this.#server, this.#limits, {
      ...{ host, port, backlog, v6Only: false, firstMessageQueues },
      ...first,
      ended: (peer, end) => tls !== null && this.#neverShookHands(peer, end, first.timeoutMs),
    });
    this.#listener = listener;
    this.#host = bound.host;
    return bound;
  }

  /** Closes at once, including requests in progress. */
  async close(): Promise<void> {
    this.#api.close();
    await this.#listener?.close();
  }

  #neverShookHands(
    { address, port }: FirstMessagePeer,
    end: FirstMessageEnd,
    timeoutMs: number,
  ): void {
    const { handshakeFailed } = this.#options;
    if (end.kind === 'wrong') handshakeFailed(address, port, true, wordsOf(end.code, end.detail));
    else
      handshakeFailed(
        address,
        port,
        false,
        end.kind === 'late' ? REFUSED.late(timeoutMs) : REFUSED.left,
      );
  }
}

/** An error as node:tls reports it. */
type TlsError = Error & { readonly reason?: string; readonly code?: string };

/** The bindings of a request on node:http, and its sender. */
interface Incoming {
  Bindings: { incoming: IncomingMessage; outgoing: ServerResponse };
  Variables: { caller: Caller };
}

function routes(
  source: ControlSource,
  guard: ControlGuard,
  api: Api,
  sessions: Sessions,
  dashboard: Dashboard | null,
): Hono<Incoming> {
  const app = new Hono<Incoming>();
  const page = new MetricsPage(() => source.snapshot(), source.info);
  app.get('/healthz', (c) => c.text('ok\n'));
  app.get('/readyz', (c) => {
    const reason = source.notReady();
    return reason === null ? c.text('ready\n') : c.text(`not ready: ${reason}\n`, 503);
  });
  // Its files hold no data of the server.
  if (dashboard !== null)
    app.get('/:file?', async ({ env }, next) => {
      if (dashboard.respond(env.incoming, env.outgoing)) return RESPONSE_ALREADY_SENT;
      await next();
    });
  app.use(async (c, next) => {
    const { incoming } = c.env;
    const path = (incoming.url ?? '/').split('?', 1)[0] as string;
    if (Api.serves(path)) {
      const sender = guard.callerOfApi(incoming, path, sessions);
      return 'status' in sender ? problemOf(sender) : api.answer(incoming, sender);
    }
    const caller = guard.callerOf(incoming);
    if ('status' in caller) return textOf(c, caller);
    c.set('caller', caller);
    return next();
  });
  app.use(async (c, next) => {
    if (hasServerRight(c.get('caller'), c.req.method === 'PUT' ? 'admin' : 'view')) return next();
    const text = c.req.method === 'PUT' ? 'the right admin is needed' : 'the right view is needed';
    return textOf(c, { status: c.get('caller').isAnonymous ? 401 : 403, text });
  });
  app.get('/metrics', (c) => sendMetrics(c, page));
  app.get('/log-level', (c) => c.text(`${source.logLevel()}\n`));
  app.put('/log-level', (c) => putLevel(c, source));
  app.notFound((c) => c.text(`there is no ${c.req.path}\n`, 404));
  app.onError((error, c) => c.text(`${error.message}\n`, 500));
  return app;
}

function textOf(c: Context<Incoming>, { status, text }: Denial): Response {
  if (status === 401) c.header('WWW-Authenticate', 'Bearer');
  return c.text(`${text}\n`, status);
}

function problemOf({ status, text, waitS }: Denial): Response {
  if (waitS !== undefined)
    return problemResponse(new ApiProblem('tooManyLogins', text, { 'Retry-After': `${waitS}` }));
  return problemResponse(
    status === 401
      ? new ApiProblem('unauthenticated', text, { 'WWW-Authenticate': 'Bearer' })
      : new ApiProblem('notAllowed', text),
  );
}

/** Writes directly to node's response, because it reports when the memory of a piece may be reused. */
async function sendMetrics({ env }: Context<Incoming>, page: MetricsPage): Promise<Response> {
  const { incoming, outgoing } = env;
  outgoing.setHeader('Content-Type', page.contentType);
  if (incoming.method === 'HEAD') {
    outgoing.end();
    return RESPONSE_ALREADY_SENT;
  }
  const late = setTimeout(() => incoming.destroy(), METRICS_MS).unref();
  const send = (piece: string | Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      outgoing.write(piece, (error) => (error == null ? resolve() : reject(error)));
    });
  try {
    await page.write(send);
    outgoing.end();
  } catch (error) {
    if (!outgoing.headersSent) throw error;
    // The reader has left early, or took too long.
    incoming.destroy();
  } finally {
    clearTimeout(late);
  }
  return RESPONSE_ALREADY_SENT;
}

async function putLevel(c: Context<Incoming>, source: ControlSource): Promise<Response> {
  // A page in a browser on this machine must not do it without its user's knowledge.
  if (c.req.header('origin') !== undefined) return c.text('not for browsers\n', 403);
  if (Number(c.req.header('content-length') ?? Number.NaN) <= LEVEL_BYTES_MAX) {
    const name = (await c.req.text()).trim();
    if (source.setLogLevel(name)) return c.text(`${source.logLevel()}\n`);
  }
  return c.text('allowed are FATAL, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG\n', 400);
}
