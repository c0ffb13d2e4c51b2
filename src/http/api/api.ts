/** The JSON API of the control port: its routes with their handlers. Loaded with the control port only. */
import type { IncomingMessage } from 'node:http';
import type { Caller } from './caller.ts';
import { connectionHandlers } from './connection-handlers.ts';
import { functionHandlers } from './function-handlers.ts';
import type { HandlersOf } from './handler.ts';
import { jobHandlers } from './job-handlers.ts';
import { ApiProblem } from './problems.ts';
import { type AnyHandler, Router } from './router.ts';
import type { RouteName } from './routes.ts';
import { serverHandlers } from './server-handlers.ts';
import type { ApiSource } from './source.ts';

export class Api {
  readonly #router: Router;
  readonly #failed: (error: Error) => void;

  /** `failed` gets every fault of ours. */
  constructor(source: ApiSource, failed: (error: Error) => void) {
    const handlers: HandlersOf<RouteName> = {
      ...serverHandlers(source),
      ...functionHandlers(source),
      ...jobHandlers(source),
      ...connectionHandlers(source),
    };
    this.#router = new Router(handlers as Readonly<Record<RouteName, AnyHandler>>, async () => {
      throw new ApiProblem('typeUnknown');
    });
    this.#failed = failed;
  }

  /** Whether the path is one of the API. */
  static serves(path: string): boolean {
    return path === '/openapi.json' || path === '/v1' || path.startsWith('/v1/');
  }

  /** Answers a request of a caller; never rejects. */
  answer(request: IncomingMessage, caller: Caller): Promise<Response> {
    return this.#router.answer(request, caller, this.#failed);
  }
}
