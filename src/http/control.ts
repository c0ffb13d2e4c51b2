/**
 * The control port: health, metrics and the log level over HTTP, for probes, Prometheus and operators. Runs on the main
 * thread; everything that it says of a shard was asked of it in small steps.
 * Rule: nothing is answered without the token, but for the probes; without a token only loopback is served at all.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { MetricsPage } from './metrics-page.ts';
import type { Snapshot } from './snapshot.ts';
import { tokenCheck } from './token.ts';

/** Bounds of a request: a peer that trickles bytes or opens many connections costs little and not for long. */
const REQUEST_MS = 10_000;
const HEADER_BYTES_MAX = 8_192;
const CONNECTIONS_MAX = 64;
const IDLE_MS = 5_000;
const LEVEL_BYTES_MAX = 32;

/** What the port shows and changes. */
export interface ControlSource {
  /** Labels of what runs here: version, core. */
  readonly info: Readonly<Record<string, string>>;
  snapshot(): Promise<Snapshot>;
  /** Why jobs are not taken now, or null. */
  notReady(): string | null;
  logLevel(): string;
  /** False when there is no such level. */
  setLogLevel(name: string): boolean;
}

export class Control {
  readonly #server: Server;

  /** `token` null leaves the port open to everybody who reaches it. */
  constructor(source: ControlSource, token: string | null) {
    const app = routes(source, token === null ? null : tokenCheck(token));
    const options = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: REQUEST_MS / 4,
      keepAliveTimeout: IDLE_MS,
    };
    this.#server = createServer(options, getRequestListener(app.fetch));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Binds; rejects with the system's error. Resolves to the address. */
  async listen(host: string, port: number): Promise<{ host: string; port: number }> {
    this.#server.listen({ host, port });
    await once(this.#server, 'listening');
    const bound = this.#server.address() as AddressInfo;
    return { host: bound.address, port: bound.port };
  }

  /** Ends at once, requests under way included. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

function routes(source: ControlSource, isAllowed: ((header?: string) => boolean) | null): Hono {
  const app = new Hono();
  const page = new MetricsPage(() => source.snapshot(), source.info);
  app.get('/healthz', (c) => c.text('ok\n'));
  app.get('/readyz', (c) => {
    const reason = source.notReady();
    return reason === null ? c.text('ready\n') : c.text(`not ready: ${reason}\n`, 503);
  });
  app.use(async (c, next) => {
    if (isAllowed === null || isAllowed(c.req.header('authorization'))) return next();
    c.header('WWW-Authenticate', 'Bearer');
    return c.text('a token is needed: Authorization: Bearer TOKEN\n', 401);
  });
  app.get('/metrics', async (c) =>
    c.body(await page.page(), 200, { 'Content-Type': page.contentType }),
  );
  app.get('/log-level', (c) => c.text(`${source.logLevel()}\n`));
  app.put('/log-level', (c) => putLevel(c, source));
  app.notFound((c) => c.text(`there is no ${c.req.path}\n`, 404));
  app.onError((error, c) => c.text(`${error.message}\n`, 500));
  return app;
}

async function putLevel(c: Context, source: ControlSource): Promise<Response> {
  // A page in a browser on this machine must not do it behind its user's back.
  if (c.req.header('origin') !== undefined) return c.text('not for browsers\n', 403);
  if (Number(c.req.header('content-length') ?? Number.NaN) <= LEVEL_BYTES_MAX) {
    const name = (await c.req.text()).trim();
    if (source.setLogLevel(name)) return c.text(`${source.logLevel()}\n`);
  }
  return c.text('allowed are FATAL, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG\n', 400);
}
