/**
 * The API with made-up data and with the built dashboard, for tests in a browser. Rule: it answers in the shapes of
 * src/http/api/schemas.ts, and remembers every request, so that a test can see what a button has sent.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Dashboard } from '../../../src/http/dashboard.ts';
import type { MockData } from './data.ts';
import { RIGHTS } from './data.ts';
import { type MockAnswer, MockRoutes } from './mock-routes.ts';

export interface MockOptions {
  readonly data: MockData;
  readonly rights?: typeof RIGHTS;
  readonly capabilities?: readonly string[];
  /** Asked for by the API; null: none. */
  readonly token?: string | null;
  /** Path below which everything is, such as `/jobs`. */
  readonly mount?: string;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

export const CAPABILITIES = (
  'functions jobs workload connections shards stores options logLevel setLogLevel audit setPolicy ' +
  'pause resume drain submit retry cancel bury deleteJob closeConnection bulkTasks startBulk cancelBulk'
).split(' ');

export class MockServer {
  readonly data: MockData;
  /** Every request to the API. */
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;
  readonly #mount: string;

  private constructor(server: Server, options: MockOptions) {
    this.data = options.data;
    this.#server = server;
    this.#mount = options.mount ?? '';
    const { token = null, rights = RIGHTS, capabilities = CAPABILITIES } = options;
    const routes = new MockRoutes(options.data, rights, capabilities);
    const dashboard = new Dashboard(new URL('../../../dist/dashboard/', import.meta.url));
    server.on('request', async (request, response) => {
      const path = (request.url as string).slice(this.#mount.length + 1);
      const file = dashboard.find(path.split('?')[0] as string, request.headers);
      if (file !== null) {
        response.writeHead(file.status, file.headers).end(file.body);
        return;
      }
      const text = await textOf(request);
      const body = text === '' ? null : JSON.parse(text);
      const method = request.method as string;
      this.seen.push({ method, path, body, headers: request.headers });
      const isKnown = token === null || request.headers.authorization === `Bearer ${token}`;
      const refusal = { code: 'unauthenticated', detail: 'a token is needed' };
      send(response, isKnown ? routes.answer(method, path, body) : { status: 401, body: refusal });
    });
  }

  static async start(options: MockOptions): Promise<MockServer> {
    const server = createServer();
    const mock = new MockServer(server, options);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return mock;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#mount}/`;
  }

  /** Requests that change something, since the last call. */
  takeChanges(): string[] {
    const changes = this.seen.filter(({ method }) => method !== 'GET');
    this.seen.length = 0;
    return changes.map(({ method, path, body }) => {
      const words =
        body === null || Object.keys(body ?? {}).length === 0 ? '' : ` ${JSON.stringify(body)}`;
      return `${method} ${path}${words}`;
    });
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

function send(response: ServerResponse, { status, body, etag, type }: MockAnswer): void {
  if (etag !== undefined) response.setHeader('ETag', etag);
  response.setHeader('Content-Type', type ?? 'application/json');
  response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  return text;
}
