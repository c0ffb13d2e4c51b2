/** Functions: their figures, and the policy of each. */
import { latin1 } from '../../base/bytes.ts';
import type { FunctionFacts, FunctionPiece } from '../../broker/function-views.ts';
import { ownerThreads } from '../../protocol/shard-of.ts';
import { askInTime, askJson, type Page, pageOf } from './asking.ts';
import { type Caller, hasRight, rightsView } from './caller.ts';
import { etagOf } from './etag.ts';
import type { HandlersOf } from './handler.ts';
import { nameFields } from './names.ts';
import { ApiProblem } from './problems.ts';
import { Reply } from './router.ts';
import type { FunctionRow, PolicyView } from './schemas.ts';
import type { ApiSource } from './source.ts';

export function functionHandlers(source: ApiSource): HandlersOf<'functions' | 'function'> {
  return {
    functions: async ({ caller, query }) => {
      const { rows, next } = await functionsPage(source, caller, query);
      return { functions: rows, next };
    },
    function: async ({ caller, name }) => {
      const query = { kind: 'functionView', name } as const;
      const owner = source.ownerOf(name);
      const { value } = await askJson<FunctionFacts | null>(source, owner, query);
      const policy = await policyOf(source, name);
      // A function without jobs and workers may have a policy.
      if (value === null && policy.keys.length === 0 && policy.state === 'open')
        throw new ApiProblem('functionUnknown');
      const facts = value ?? nothingOf(name);
      const view = { ...functionRowOf(facts), policy, rights: rightsView(caller, name) };
      return new Reply(JSON.stringify(view), { ETag: etagOf(policy) });
    },
  };
}

interface FunctionsQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly match?: string | undefined;
}

/** A page of the functions that the caller may view. */
function functionsPage(
  source: ApiSource,
  caller: Caller,
  { limit, cursor, match = '' }: FunctionsQuery,
): Promise<Page<FunctionRow>> {
  return pageOf<FunctionPiece, FunctionRow>(source, {
    ...{ kind: 'functions', threads: ownerThreads(source.shardCount), limit, cursor },
    query: (position, count) => ({
      ...{ kind: 'functionPage', match, cursor: position, rows: count },
    }),
    step: (piece) => ({
      cursor: piece.cursor,
      scanned: piece.functions.length,
      rows: piece.functions
        .filter(({ name }) => hasRight(caller, 'view', name))
        .map((facts) => ({ row: functionRowOf(facts), position: facts.index })),
    }),
    isByStarts: true,
  });
}

/** The first functions of the listing, at most `limit`. Throws ApiProblem `shardDown`. */
export async function firstFunctions(
  source: ApiSource,
  caller: Caller,
  limit: number,
): Promise<FunctionRow[]> {
  const { rows, isIncomplete } = await functionsPage(source, caller, { limit });
  if (isIncomplete) throw new ApiProblem('shardDown');
  return rows;
}

/** The policy of a function, and the lines of the text command that it is read from. */
export async function shownPolicyOf(
  source: ApiSource,
  name: string,
): Promise<{ readonly policy: PolicyView; readonly text: string }> {
  const command = { kind: 'show', name } as const;
  const { bytes } = await askInTime(source, 0, { kind: 'policy', command });
  const text = latin1(bytes, 0, bytes.length);
  const cells = text
    .split('\n')
    .slice(0, -2)
    .map((line) => line.split('\t') as [string, string, string]);
  const state = cells.find(([key]) => key === 'state')?.[1] ?? 'open';
  const keys = cells
    .filter(([key]) => key !== 'state')
    .map(([key, value, origin]) => ({ key, value, origin: origin as 'option' | 'command' }));
  return { policy: { keys, state }, text };
}

export async function policyOf(source: ApiSource, name: string): Promise<PolicyView> {
  return (await shownPolicyOf(source, name)).policy;
}

export function functionRowOf(facts: FunctionFacts): FunctionRow {
  const { index, name, waiting, queueMax, counts, ...figures } = facts;
  return {
    ...nameFields('name', name),
    ...figures,
    waiting: perPriority(waiting),
    queueMax: perPriority(queueMax),
    counts: counts === null ? null : copyOf(counts),
  };
}

function copyOf(counts: NonNullable<FunctionFacts['counts']>): NonNullable<FunctionRow['counts']> {
  const { waitBuckets, runBuckets } = counts;
  return { ...counts, waitBuckets: [...waitBuckets], runBuckets: [...runBuckets] };
}

function perPriority([high = 0, normal = 0, low = 0]: readonly number[]) {
  return { high, normal, low };
}

/** A function that only has a policy. */
function nothingOf(name: string): FunctionFacts {
  return {
    ...{ index: 0, name, queued: 0, running: 0, retrying: 0, dead: 0, workers: 0, created: 0 },
    ...{ oldestMs: 0, waiting: [], queueMax: [], gate: null, isDraining: false, counts: null },
  };
}
