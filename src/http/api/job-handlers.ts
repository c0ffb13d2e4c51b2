/** Jobs: pages with filters, one job, its failed runs, its workload. Rule: without `inspect` no bytes of a client. */
import type {
  JobFacts,
  JobFilter,
  JobPiece,
  RunErrorFacts,
  WholeJobFacts,
} from '../../broker/job-views.ts';
import { ownerThreads } from '../../protocol/shard-of.ts';
import { askInTime, askJson, pageOf } from './asking.ts';
import { type Caller, hasRight, lackOf, rightsView } from './caller.ts';
import { connectionId } from './connection-handlers.ts';
import type { HandlersOf } from './handler.ts';
import { nameFields } from './names.ts';
import { ApiProblem } from './problems.ts';
import { Reply } from './router.ts';
import type { AnswerOfRoute, QueryOfRoute } from './routes.ts';
import { type JobRow, PRIORITIES } from './schemas.ts';
import type { ApiSource } from './source.ts';
import { SHOWN_BYTES_MAX, shownWorkload } from './workload.ts';

/** Bytes of a workload that a shard copies in one turn. */
const PIECE_BYTES = 1024 * 1024;

type Names = 'jobs' | 'job' | 'attempts' | 'workload';

export function jobHandlers(source: ApiSource): HandlersOf<Names> {
  return {
    jobs: async ({ caller, query }) => {
      const { limit, cursor, ...wanted } = query;
      const filter = filterOf(wanted);
      const isSearch = filter.unique !== undefined || filter.error !== undefined;
      const needed = isSearch ? 'inspect' : 'view';
      if (isSearch && !hasRight(caller, 'inspect', filter.function))
        throw lackOf(caller, 'inspect');
      const { rows, ...rest } = await pageOf<JobPiece, JobRow>(source, {
        ...{ kind: 'jobs', threads: threadsOf(source, filter), limit, cursor },
        query: (position, count) => ({ kind: 'jobPage', filter, cursor: position, rows: count }),
        step: (piece) => ({
          ...{ cursor: piece.cursor, scanned: piece.scanned },
          rows: piece.jobs
            .filter((facts) => hasRight(caller, needed, facts.function))
            .map((facts) => ({ row: jobRowOf(facts, caller), position: facts.slot })),
        }),
        isByStarts: true,
      });
      return { jobs: rows, ...rest };
    },
    job: async ({ caller, name }) => {
      const facts = await jobOf(source, caller, name);
      const { hasProgress, numerator, denominator, watchers, worker } = facts;
      const mayInspect = hasRight(caller, 'inspect', facts.function);
      return {
        ...jobRowOf(facts, caller),
        progress: hasProgress ? { numerator, denominator } : null,
        watchers,
        worker: worker === null || !mayInspect ? null : connectionId(...worker),
        rights: rightsView(caller, facts.function),
      };
    },
    attempts: async ({ caller, name }) => {
      const facts = await jobOf(source, caller, name);
      const mayInspect = hasRight(caller, 'inspect', facts.function);
      const errors = facts.errors.map((error) => errorOf(error, mayInspect));
      return { handle: facts.handle, attempts: facts.attempts, errors };
    },
    workload: async ({ caller, name, query, request }) => {
      const facts = await jobOf(source, caller, name);
      if (!hasRight(caller, 'inspect', facts.function)) throw lackOf(caller, 'inspect');
      const accepts = request.headers.accept ?? '';
      const isDownload = query.download === '1' || accepts.includes('application/octet-stream');
      return isDownload
        ? download(source, name, facts)
        : shownWorkloadOf(source, name, facts, query);
    },
  };
}

function filterOf(wanted: Omit<QueryOfRoute<'jobs'>, 'limit' | 'cursor'>): JobFilter {
  const { isExact, ...filter } = wanted;
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), isExact: isExact === '1' } as JobFilter;
}

/** Only one shard has the jobs of a function. */
function threadsOf(source: ApiSource, { function: name }: JobFilter): readonly number[] {
  return name === undefined ? ownerThreads(source.shardCount) : [source.ownerOf(name)];
}

/** The job of a handle that the caller may view. Throws ApiProblem `jobUnknown`. */
export async function jobOf(
  source: ApiSource,
  caller: Caller,
  handle: string,
): Promise<WholeJobFacts> {
  const named = await source.jobNamed(handle);
  if (named === null) throw new ApiProblem('jobUnknown');
  const query = { kind: 'jobView', ...named.job } as const;
  const { value } = await askJson<WholeJobFacts | null>(source, named.owner, query);
  // Whether there is a job is not shown either.
  if (value === null || !hasRight(caller, 'view', value.function))
    throw new ApiProblem('jobUnknown');
  return value;
}

function jobRowOf(facts: JobFacts, caller: Caller): JobRow {
  const mayInspect = hasRight(caller, 'inspect', facts.function);
  const { unique, lastError } = facts;
  const hasUnique = mayInspect && unique !== '';
  return {
    handle: facts.handle,
    ...nameFields('function', facts.function),
    state: facts.state as JobRow['state'],
    priority: PRIORITIES[facts.priority] as JobRow['priority'],
    isBackground: facts.isBackground,
    isCancelled: facts.isCancelled,
    sinceMs: facts.sinceMs,
    attempts: facts.attempts,
    losses: facts.losses,
    nextRunMs: facts.nextRunMs,
    workloadBytes: facts.workloadBytes,
    ...(hasUnique ? nameFields('unique', unique) : { unique: null }),
    lastError: lastError === null ? null : errorOf(lastError, mayInspect),
  };
}

function errorOf({ cause, atMs, runMs, worker, text }: RunErrorFacts, mayInspect: boolean) {
  const by = mayInspect && worker !== '' ? nameFields('worker', worker) : { worker: null };
  const words = mayInspect ? nameFields('text', text) : { text: null };
  return { cause: cause as 'fail', atMs, runMs, ...by, ...words };
}

async function pieceOf(source: ApiSource, handle: string, offset: number, count: number) {
  const named = await source.jobNamed(handle);
  if (named === null) throw new ApiProblem('jobUnknown');
  const { owner, job } = named;
  const result = await askInTime(source, owner, { kind: 'workload', ...job, offset, count });
  if (result.result === 0) throw new ApiProblem('jobUnknown', 'it has ended meanwhile');
  return result.bytes;
}

async function shownWorkloadOf(
  source: ApiSource,
  handle: string,
  { workloadBytes }: WholeJobFacts,
  { as }: QueryOfRoute<'workload'>,
): Promise<AnswerOfRoute<'workload'>> {
  const bytes = await pieceOf(source, handle, 0, SHOWN_BYTES_MAX);
  return {
    bytes: workloadBytes,
    isCut: workloadBytes > bytes.length,
    ...shownWorkload(bytes, as, workloadBytes > bytes.length),
  };
}

/** The whole workload, piece by piece: the next one is read when the caller has taken the one before. */
function download(source: ApiSource, handle: string, { workloadBytes }: WholeJobFacts): Reply {
  let offset = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const bytes = await pieceOf(source, handle, offset, PIECE_BYTES);
          offset += bytes.length;
          if (bytes.length > 0) controller.enqueue(bytes);
          if (offset >= workloadBytes || bytes.length === 0) controller.close();
        } catch (error) {
          controller.error(error);
        }
      },
    },
    { highWaterMark: 0 },
  );
  const file = `${handle.replace(/[^\w.-]/g, '_')}.bin`;
  return new Reply(body, {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename="${file}"`,
    'Content-Length': String(workloadBytes),
    'Content-Security-Policy': "default-src 'none'; sandbox",
  });
}
