/** Sessions of browsers (sessions.ts): begun with a token, ended by their owner. */
import { rightsView } from './caller.ts';
import type { HandlersOf } from './handler.ts';
import { ApiProblem } from './problems.ts';
import { Reply } from './router.ts';
import { SESSION_MS, type Sessions, setCookie } from './sessions.ts';

export function sessionHandlers(sessions: Sessions): HandlersOf<'session' | 'endSession'> {
  return {
    session: ({ caller, request }) => {
      if (!caller.isBearer)
        throw new ApiProblem('unauthenticated', 'a token is needed: Authorization: Bearer TOKEN', {
          'WWW-Authenticate': 'Bearer',
        });
      const { name, rights } = caller;
      const { cookie, half } = sessions.open({ name, rights });
      const endsMs = Date.now() + SESSION_MS;
      const view = { half, endsMs, caller: name, rights: rightsView(caller) };
      return new Reply(JSON.stringify(view), { 'Set-Cookie': setCookie(request, cookie) });
    },
    endSession: ({ caller, request }) => {
      if (caller.session === undefined) throw new ApiProblem('sessionUnknown');
      sessions.end(caller.session);
      return new Reply(null, { 'Set-Cookie': setCookie(request, null) });
    },
  };
}
