/** Changes of single jobs, and new jobs. The owner carries them out as it does for text commands. */
import { DeadResult } from '../../broker/dead-queries.ts';
import { askInTime } from './asking.ts';
import { type Caller, hasRight, lackOf } from './caller.ts';
import { DEAD_PROBLEMS } from './function-changes.ts';
import type { HandlersOf } from './handler.ts';
import { jobOf } from './job-handlers.ts';
import { bytesOfText, nameFields } from './names.ts';
import { ApiProblem } from './problems.ts';
import { Reply } from './router.ts';
import type { RightName } from './schemas.ts';
import type { ApiSource } from './source.ts';
import { submit } from './submit.ts';

type Names = 'submit' | 'deleteJob' | 'retry' | 'cancel' | 'bury';

/** How long a request waits for a result: without a number in `Prefer`, and at most. */
const WAIT_S = 30;
const WAIT_S_MAX = 60;

const DONE = new Reply(null);

export function jobChanges(source: ApiSource): HandlersOf<Names> {
  const requireRight = async (caller: Caller, handle: string, right: RightName) => {
    const facts = await jobOf(source, caller, handle);
    if (!hasRight(caller, right, facts.function)) throw lackOf(caller, right);
    return facts;
  };
  const ask = async (handle: string, kind: 'kick' | 'bury' | 'cancel') => {
    const named = await source.jobNamed(handle);
    if (named === null) throw new ApiProblem('jobUnknown');
    return askInTime(source, named.owner, { kind, ...named.job });
  };
  const cancel = async (handle: string): Promise<Reply> => {
    const { result } = await ask(handle, 'cancel');
    if (result !== 0) throw new ApiProblem('jobUnknown', 'it has ended meanwhile');
    return DONE;
  };
  const change = async (handle: string, kind: 'kick' | 'bury'): Promise<Reply> => {
    const { result } = await ask(handle, kind);
    if (result !== DeadResult.done) throw new ApiProblem(DEAD_PROBLEMS[result] ?? 'shardDown');
    return DONE;
  };
  return {
    submit: async ({ caller, body, request, noted }) => {
      const name = bytesOfText(body.function);
      const unique = bytesOfText(body.unique ?? '');
      noted.target = body.function;
      if (!hasRight(caller, 'operate', name)) throw lackOf(caller, 'operate');
      const wait = /(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/.exec(
        String(request.headers.prefer ?? ''),
      );
      const isBackground = body.isBackground ?? wait === null;
      const seconds = Math.min(WAIT_S_MAX, Number(wait?.[1] ?? WAIT_S));
      const left = new AbortController();
      const leave = () => left.abort();
      request.socket.once('close', leave);
      try {
        const { handle, state, data } = await submit(
          source.endpoint,
          {
            functionName: Buffer.from(name, 'latin1'),
            unique: Buffer.from(unique, 'latin1'),
            workload: workloadOf(body.workload, body.encoding),
            ...{ priority: body.priority, isBackground, waitMs: seconds * 1000 },
          },
          left.signal,
        );
        noted.after = `${handle} ${state}`;
        return { handle, state, ...(data === null ? { data } : nameFields('data', data)) };
      } finally {
        request.socket.off('close', leave);
      }
    },
    deleteJob: async ({ caller, name, noted }) => {
      noted.before = (await requireRight(caller, name, 'admin')).state;
      noted.target = name;
      return cancel(name);
    },
    retry: async ({ caller, name, noted }) => {
      noted.target = name;
      const { state } = await requireRight(caller, name, 'operate');
      if (state !== 'dead') throw new ApiProblem('notDead', `it is ${state}`);
      Object.assign(noted, { before: state, after: 'queued' });
      return change(name, 'kick');
    },
    cancel: async ({ caller, name, noted }) => {
      noted.target = name;
      const { state } = await requireRight(caller, name, 'operate');
      if (state === 'dead') throw new ApiProblem('dead');
      noted.before = state;
      return cancel(name);
    },
    bury: async ({ caller, name, noted }) => {
      noted.target = name;
      const { state } = await requireRight(caller, name, 'operate');
      Object.assign(noted, { before: state, after: 'dead' });
      return change(name, 'bury');
    },
  };
}

/** Throws ApiProblem `invalid` for text that is not base64. */
function workloadOf(text: string, encoding: 'text' | 'base64'): Buffer {
  if (encoding === 'text') return Buffer.from(text, 'utf8');
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw new ApiProblem('invalid', 'body workload: it is not base64');
  return Buffer.from(text, 'base64');
}
