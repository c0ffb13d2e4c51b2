/** The stream of events of a caller: the functions that it may view, or those that it names. */
import type { FunctionFacts } from '../../broker/function-views.ts';
import { askJson } from './asking.ts';
import { type Caller, hasRight, hasServerRight } from './caller.ts';
import { type EventFeeds, type FeedData, UNREAD_BYTES_MAX } from './event-feeds.ts';
import { type FiguresSource, totalsOf } from './figures.ts';
import { firstFunctions, functionRowOf } from './function-handlers.ts';
import type { HandlersOf } from './handler.ts';
import { bytesOfEscaped } from './names.ts';
import { ApiProblem } from './problems.ts';
import { Reply } from './router.ts';
import type { FunctionRow } from './schemas.ts';
import type { Sessions } from './sessions.ts';
import type { ApiSource } from './source.ts';

const FUNCTIONS_MAX = 200;
/** Proxies must pass events on at once. */
const HEADERS = { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' } as const;

export function eventHandlers(
  source: ApiSource,
  figures: FiguresSource,
  feeds: EventFeeds,
  sessions: Sessions,
): HandlersOf<'events'> {
  return {
    events: ({ caller, query: { functions }, request }) => {
      const names = functions === undefined ? null : namesOf(functions);
      if (request.method === 'HEAD') return new Reply(null, HEADERS);
      const { session, rights } = caller;
      const load = () => loadFeed(source, figures, caller, names);
      let remove: (() => void) | null = null;
      const stream = new ReadableStream<Uint8Array>(
        {
          start(controller) {
            remove = feeds.add(rights, names === null ? '*' : JSON.stringify(names), load, {
              isAllowed: () => session === undefined || sessions.isOpen(session),
              unreadBytes: () => UNREAD_BYTES_MAX - (controller.desiredSize ?? 0),
              send: (bytes) => controller.enqueue(bytes),
              end: () => {
                controller.error();
                // It is not waited for until the reader has read the rest.
                request.destroy();
              },
            });
          },
          cancel: () => remove?.(),
        },
        new ByteLengthQueuingStrategy({ highWaterMark: UNREAD_BYTES_MAX }),
      );
      if (remove === null) throw new ApiProblem('tooManyReaders');
      return new Reply(stream, HEADERS);
    },
  };
}

/** Names in a list of escaped ones. Throws ApiProblem `nameInvalid` and `invalid`. */
function namesOf(list: string): string[] {
  const names = [...new Set(list.split(',').map(bytesOfEscaped))].filter((name) => name !== '');
  if (names.length === 0 || names.length > FUNCTIONS_MAX)
    throw new ApiProblem('invalid', `query functions: 1 to ${FUNCTIONS_MAX} names`);
  return names;
}

async function loadFeed(
  source: ApiSource,
  figures: FiguresSource,
  caller: Caller,
  names: readonly string[] | null,
): Promise<FeedData | null> {
  try {
    const functions =
      names === null
        ? await firstFunctions(source, caller, FUNCTIONS_MAX)
        : await rowsOf(source, caller, names);
    const totals = hasServerRight(caller, 'view') ? totalsOf(await figures.fresh()) : undefined;
    return { totals, functions };
  } catch (error) {
    if (error instanceof ApiProblem) return null;
    throw error;
  }
}

/** Rows of the functions that exist and may be viewed. */
async function rowsOf(
  source: ApiSource,
  caller: Caller,
  names: readonly string[],
): Promise<FunctionRow[]> {
  const allowed = names.filter((name) => hasRight(caller, 'view', name));
  const facts = await Promise.all(
    allowed.map(async (name) => {
      const query = { kind: 'functionView', name } as const;
      const { value } = await askJson<FunctionFacts | null>(source, source.ownerOf(name), query);
      return value;
    }),
  );
  return facts.filter((found) => found !== null).map(functionRowOf);
}
