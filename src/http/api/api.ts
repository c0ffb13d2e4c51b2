/** The JSON API of the control port: its routes with their handlers. Loaded with the control port only. */
import type { IncomingMessage } from 'node:http';
import { bulkHandlers } from './bulk-handlers.ts';
import { BulkTasks } from './bulk-tasks.ts';
import type { Caller } from './caller.ts';
import { connectionHandlers } from './connection-handlers.ts';
import { EventFeeds } from './event-feeds.ts';
import { eventHandlers } from './event-handlers.ts';
import { FiguresSource } from './figures.ts';
import { functionChanges } from './function-changes.ts';
import { functionHandlers } from './function-handlers.ts';
import type { HandlersOf } from './handler.ts';
import { jobChanges } from './job-changes.ts';
import { jobHandlers } from './job-handlers.ts';
import { JsonBodies } from './json-body.ts';
import { type AnyHandler, Router } from './router.ts';
import type { RouteName } from './routes.ts';
import { Series } from './series.ts';
import { serverHandlers } from './server-handlers.ts';
import { sessionHandlers } from './session-handlers.ts';
import type { Sessions } from './sessions.ts';
import type { ApiSource } from './source.ts';

export class Api {
  readonly #router: Router;
  readonly #tasks: BulkTasks;
  readonly #events: EventFeeds;
  readonly #series: Series;
  readonly #failed: (error: Error) => void;

  /** `failed` gets every fault of ours. */
  constructor(source: ApiSource, sessions: Sessions, failed: (error: Error) => void) {
    this.#tasks = new BulkTasks(source, failed);
    const figures = new FiguresSource(source);
    this.#events = new EventFeeds(failed);
    this.#series = new Series(figures, failed);
    const handlers: HandlersOf<RouteName> = {
      ...serverHandlers(source, figures),
      ...functionHandlers(source),
      ...functionChanges(source),
      ...jobHandlers(source),
      ...jobChanges(source),
      ...connectionHandlers(source),
      ...bulkHandlers(this.#tasks),
      ...sessionHandlers(sessions),
      ...eventHandlers(source, figures, this.#events, sessions),
      ...this.#series.handlers(),
    };
    const bodies = new JsonBodies(source.account);
    this.#router = new Router(handlers as Readonly<Record<RouteName, AnyHandler>>, {
      readBody: (request) => bodies.read(request),
      audit: (entry) => source.audit.note(entry),
    });
    this.#failed = failed;
  }

  /** Whether the path is one of the API. */
  static serves(path: string): boolean {
    return path === '/openapi.json' || path === '/v1' || path.startsWith('/v1/');
  }

  /** Ends what goes on without a request. */
  close(): void {
    this.#tasks.close();
    this.#series.close();
    this.#events.endAll();
  }

  /** Ends streams of events: their readers come again and show who they are. */
  endStreams(): void {
    this.#events.endAll();
  }

  /** Answers a request of a caller; never rejects. */
  answer(request: IncomingMessage, caller: Caller): Promise<Response> {
    return this.#router.answer(request, caller, this.#failed);
  }
}
