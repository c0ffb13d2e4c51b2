/** The type of the handlers: the compiler wants one for each route, with its query, its body and its answer. */
import type { Call, Reply } from './router.ts';
import type { AnswerOfRoute, BodyOfRoute, QueryOfRoute, RouteName } from './routes.ts';

type Returned<N extends RouteName> = AnswerOfRoute<N> | Reply;

/** The handlers of some routes. */
export type HandlersOf<N extends RouteName> = {
  readonly [K in N]: (
    call: Call<QueryOfRoute<K>, BodyOfRoute<K>>,
  ) => Promise<Returned<K>> | Returned<K>;
};
