/**
 * The shapes of the JSON API: what requests may contain and what answers contain. The checks of requests, the OpenAPI
 * document, docs/http-api.md and the TypeScript types follow from them. Rule: names, uniques, client ids and errors are
 * bytes; an answer has them as text, and where they are not UTF-8 also with `Escaped`, the bytes as %HH, as a path
 * takes them.
 */
import * as z from 'zod';

/** Rows of a page: the most, and the number without `limit`. */
export const ROWS_MAX = 500;
const ROWS_DEFAULT = 100;
const TEXT_CHARS_MAX = 4096;

const count = () => z.int().min(0);
const bytesText = (what: string) => z.string().describe(what);
const escaped = (what: string) => z.string().optional().describe(`${what}, where it is not UTF-8`);
const timeMs = (what: string) => z.number().describe(`${what}, milliseconds since 1970`);

/** A handle as a path has it. */
export const handle = z.string().min(1).max(64).describe('handle of a job');
/** A name as a path or query has it: bytes, other bytes than letters, digits and `_-.` as %HH. */
export const functionName = z.string().min(1).max(8192).describe('name of a function');

const page = {
  limit: z.coerce.number().int().min(1).max(ROWS_MAX).default(ROWS_DEFAULT).describe('rows'),
  cursor: z.string().max(512).optional().describe('`next` of the page before'),
};
const next = z.string().nullable().describe('cursor of the next page; null: this is the last');

export const STATES = [
  'scheduled',
  'queued',
  'running',
  'storing',
  'kept',
  'retrying',
  'dead',
] as const;
export const PRIORITIES = ['high', 'normal', 'low'] as const;
export const RIGHTS = ['view', 'inspect', 'operate', 'admin'] as const;
export type RightName = (typeof RIGHTS)[number];
const CAUSES = ['fail', 'exception', 'timeout', 'lost', 'buried'] as const;

const rights = z
  .object({ view: z.boolean(), inspect: z.boolean(), operate: z.boolean(), admin: z.boolean() })
  .describe('rights of the caller for at least one function');

export const totals = z
  .object({
    ...{ functions: count(), queued: count(), running: count(), retrying: count(), dead: count() },
    ...{ workers: count(), created: count(), completed: count(), failed: count() },
    waitBuckets: z.array(count()),
    runBuckets: z.array(count()),
  })
  .describe('of all functions together, as in their rows');
export type Totals = z.infer<typeof totals>;

export const serverView = z.object({
  version: z.string(),
  core: z.string().describe('`native`: with the addon'),
  threads: count().describe('shards; 0 = one thread does everything'),
  nowMs: timeMs('clock of the server'),
  startedMs: timeMs('when the control port was opened'),
  notReady: z.string().nullable().describe('why the server takes no jobs now'),
  capabilities: z.array(z.string()).describe('parts of this API that this server has'),
  caller: z.string().describe('who the server takes the caller for'),
  rights,
  totals: totals.optional(),
});

const gate = z
  .enum(['open', 'paused', 'concurrency', 'rate'])
  .nullable()
  .describe('whether jobs may start, or why not; null: the function has no policy');

const perPriority = z.object({ high: count(), normal: count(), low: count() });

const counts = z
  .object({
    completed: count(),
    failed: count(),
    requeued: count(),
    retried: count(),
    waitMs: z.number().describe('sum'),
    runMs: z.number().describe('sum'),
    waitBuckets: z.array(count()).describe('bucket b: below 4^b ms, the last: all longer ones'),
    runBuckets: z.array(count()).describe('bucket b: below 4^b ms, the last: all longer ones'),
  })
  .nullable()
  .describe('since the start of its thread; null for functions beyond `--metrics-functions`');

const functionFields = {
  name: bytesText('name of the function'),
  nameEscaped: escaped('the name'),
  queued: count().describe('jobs that wait, also for their time or next run'),
  running: count(),
  retrying: count().describe('part of `queued` that waits for its next run'),
  dead: count(),
  workers: count().describe('registrations of workers'),
  created: count().describe('jobs since the function was created'),
  oldestMs: count().describe('how long the oldest job of the queue has waited'),
  waiting: perPriority.describe('jobs that may start, by priority'),
  queueMax: perPriority.describe('limit of jobs, 0 = none'),
  gate,
  isDraining: z.boolean().describe('new jobs are refused'),
  counts,
};
export const functionRow = z.object(functionFields);
export type FunctionRow = z.infer<typeof functionRow>;

const policyView = z.object({
  keys: z
    .array(
      z.object({
        key: z.string(),
        value: z.string(),
        origin: z.enum(['option', 'command']).describe('where the value was given'),
      }),
    )
    .describe('keys that are set'),
  state: z
    .string()
    .describe('`open`, `paused`, `paused:SECONDS`, `draining`, or two of them with a comma'),
});
export type PolicyView = z.infer<typeof policyView>;

export const functionView = z.object({ ...functionFields, policy: policyView, rights });

export const functionsQuery = z.object({
  ...page,
  match: z.string().max(512).optional().describe('text that the name contains'),
});
export const functionsPage = z.object({
  functions: z.array(functionRow),
  next,
});

const runError = z.object({
  cause: z.enum(CAUSES),
  atMs: timeMs('when the run ended'),
  runMs: count().describe('how long it ran; 0: it did not run, or it is not known'),
  worker: z
    .string()
    .nullable()
    .describe('who ran it; null if not known, and without the right `inspect`'),
  workerEscaped: escaped('the worker'),
  text: bytesText('what the worker said').nullable().describe('null without the right `inspect`'),
  textEscaped: escaped('the text'),
});

const jobFields = {
  handle: z.string(),
  function: bytesText('name of the function'),
  functionEscaped: escaped('the name'),
  state: z.enum(STATES),
  priority: z.enum(PRIORITIES),
  isBackground: z.boolean(),
  isCancelled: z.boolean().describe('it ends when its run ends, with nobody told'),
  sinceMs: timeMs('when it came into its state'),
  attempts: count().describe('failed runs'),
  losses: count().describe('how often its worker was lost'),
  nextRunMs: z.number().nullable().describe('when it may start; null: as soon as a worker asks'),
  workloadBytes: count(),
  unique: z.string().nullable().describe('null without one, and without the right `inspect`'),
  uniqueEscaped: escaped('the unique'),
  lastError: runError.nullable(),
};
export const jobRow = z.object(jobFields);
export type JobRow = z.infer<typeof jobRow>;

export const jobView = z.object({
  ...jobFields,
  progress: z.object({ numerator: count(), denominator: count() }).nullable(),
  watchers: count().describe('clients that wait for it'),
  worker: z
    .string()
    .nullable()
    .describe('connection that runs it; null without, and without the right `inspect`'),
  rights,
});
export type JobView = z.infer<typeof jobView>;

export const jobsQuery = z.object({
  ...page,
  function: functionName.optional(),
  state: z.enum(STATES).optional(),
  unique: z.string().min(1).max(512).optional().describe('text that the unique contains'),
  isExact: z
    .enum(['0', '1'])
    .default('0')
    .describe('1: `unique` is the whole unique; with `function` it is found at once'),
  error: z.string().min(1).max(512).optional().describe('text that the last error contains'),
  since: z.coerce.number().min(0).optional().describe('jobs whose `sinceMs` is not earlier'),
});
export const jobsPage = z.object({
  jobs: z.array(jobRow),
  next,
  scanned: count().describe('jobs that were looked at for this page'),
  isIncomplete: z.boolean().describe('a shard is not running: its jobs are missing'),
});

export const attemptsView = z.object({
  handle: z.string(),
  attempts: count(),
  errors: z.array(runError).describe('the last five, oldest first'),
});

export const workloadQuery = z.object({
  as: z.enum(['auto', 'text', 'json', 'hex']).default('auto'),
  download: z.enum(['0', '1']).default('0').describe('1: the bytes as an attachment'),
});
export const workloadView = z.object({
  bytes: count(),
  isCut: z.boolean().describe('only the first 16 KiB are shown'),
  kind: z.enum(['text', 'json', 'hex']),
  content: z.string(),
});

export const connectionRow = z.object({
  id: z.string().describe('`THREAD.NUMBER`'),
  thread: count(),
  address: z.string(),
  port: count(),
  clientId: z.string().nullable(),
  clientIdEscaped: escaped('the client id'),
  certificate: z.string().nullable().describe('common name'),
  token: z.string().nullable().describe('name of the token'),
  functions: z
    .array(z.object({ name: z.string(), nameEscaped: escaped('the name') }))
    .describe('what it offers, at most 50'),
  functionCount: count(),
  running: count().describe('jobs that it runs; of very many, the first 1,000'),
});
export type ConnectionRow = z.infer<typeof connectionRow>;
export const connectionsQuery = z.object({ ...page });
export const connectionsPage = z.object({ connections: z.array(connectionRow), next });

export const shardsView = z.object({
  shards: z.array(
    z.object({
      thread: count(),
      isRunning: z.boolean(),
      connections: count(),
      functions: count(),
      jobs: count(),
      submitted: count(),
      coalesced: count(),
      refused: count(),
      assigned: count(),
      completed: count(),
      failed: count(),
      requeued: count(),
      deadDropped: count().describe('dead jobs that a limit has dropped'),
      queueBytes: count(),
      memoryBytes: count(),
      recordsSent: count(),
      recordsReceived: count(),
      turnBuckets: z.array(count()).describe('bucket b: turns below 4^b microseconds'),
      turnUs: z.number().describe('sum'),
    }),
  ),
  memoryLimitBytes: count().describe('`--max-memory`; 0 = no limit'),
  incidents: z.record(z.string(), count()).describe('refused and dropped connections, by reason'),
});

export const storesView = z.object({
  stores: z.array(
    z.object({
      thread: count(),
      isAccepting: z.boolean(),
      jobs: count(),
      uncommitted: count(),
      commits: count(),
      committed: count(),
      commitMs: z.number().describe('sum'),
      commitMsMax: z.number(),
      bytes: count(),
    }),
  ),
});

export const optionsView = z.object({
  options: z.array(
    z.object({
      name: z.string(),
      value: z.string().describe('`(set)` for secrets'),
      defaultValue: z.string().nullable(),
      origin: z
        .string()
        .describe('`default`, `command line`, `program`, the name of a variable or a config file'),
      help: z.string(),
    }),
  ),
});

export const LEVELS = [
  'FATAL',
  'ALERT',
  'CRITICAL',
  'ERROR',
  'WARNING',
  'NOTICE',
  'INFO',
  'DEBUG',
] as const;
export const logLevelView = z.object({ level: z.enum(LEVELS) });

export const auditEntry = z.object({
  serial: count(),
  atMs: timeMs('when'),
  who: z.string().describe('`token NAME`, `certificate CN` or `anonymous`, and the address'),
  via: z.enum(['api', 'text']),
  action: z.string(),
  target: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
  result: z.string().describe('`ok`, or the code of the refusal'),
});
export type AuditFacts = Omit<z.infer<typeof auditEntry>, 'serial' | 'atMs'>;
export type AuditEntry = z.infer<typeof auditEntry>;
export const auditPage = z.object({
  entries: z.array(auditEntry).describe('the youngest first'),
  next,
});

export const noBody = z.strictObject({});
export const sessionView = z.object({
  half: z.string().describe('for the header `X-Geartrain-Session` of each request of the session'),
  endsMs: timeMs('end of the session'),
  caller: z.string(),
  rights,
});

const TEXT = z.string().max(TEXT_CHARS_MAX);

export const eventsQuery = z.object({
  functions: z
    .string()
    .max(8_000)
    .optional()
    .describe('at most 200 names, as paths take them, with commas; default: the first 200'),
});

const points = (what: string) =>
  z.array(z.number().nullable()).describe(`${what}; null: not measured`);
export const seriesQuery = z.object({
  span: z.enum(['hour', 'day']).default('hour').describe('steps of 5 s, or of 60 s'),
  function: functionName.optional().describe('default: all functions together'),
});
export const seriesView = z.object({
  stepMs: count().describe('from one point to the next'),
  endMs: timeMs('of the last point'),
  in: points('new jobs a second, the oldest point first'),
  done: points('completed jobs a second'),
  failed: points('failed jobs a second'),
  queued: points('jobs that wait'),
  running: points('jobs that run'),
  waitP99Ms: points('99 of 100 jobs waited less'),
  runP99Ms: points('99 of 100 runs were shorter'),
});

export const policyPatch = z.strictObject({
  policy: z
    .record(z.string(), z.union([TEXT, z.number()]))
    .nullable()
    .describe('keys to set, as in `--policy`; null: those of the options again'),
});
export const pauseBody = z.strictObject({
  seconds: z.int().min(1).max(2_592_000).optional().describe('the pause ends by itself'),
});
export const kickBody = z.strictObject({
  count: z.int().min(1).max(10_000_000).describe('dead jobs, the oldest first'),
});
export const kickResult = z.object({
  kicked: count(),
  left: count().describe('dead jobs whose unique is in use'),
});
export const stateResult = z.object({
  policy: policyView,
  isKept: z.boolean().describe('false: only until the server ends'),
});

export const submitBody = z.strictObject({
  function: z.string().min(1).max(512),
  unique: z.string().max(64).optional().describe('left out: the server makes one'),
  workload: z.string().max(1_000_000).default(''),
  encoding: z.enum(['text', 'base64']).default('text').describe('of `workload`'),
  priority: z.enum(PRIORITIES).default('normal'),
  isBackground: z
    .boolean()
    .optional()
    .describe(
      'false: the request waits for the result, and the job ends with it; default: true without `Prefer: wait=N`',
    ),
});
export const submitResult = z.object({
  handle: z.string(),
  state: z
    .enum(['queued', 'complete', 'failed', 'exception', 'late'])
    .describe('`late`: there was no result in time, the job was dropped'),
  data: z.string().nullable().describe('the result, when the request waited for it'),
  dataEscaped: escaped('the result'),
});
export const auditQuery = z.object({ ...page });

export const bulkFilter = z.strictObject({
  function: z.string().min(1).max(512),
  state: z.literal('dead'),
  error: z.string().min(1).max(512).optional(),
  cause: z.enum(CAUSES).optional(),
  since: z.number().min(0).optional(),
  until: z.number().min(0).optional(),
});
export const bulkBody = z.strictObject({
  action: z.enum(['retry', 'delete']),
  filter: bulkFilter,
  perSecond: z.int().min(1).max(100_000).default(100),
  isDryRun: z.boolean().default(false).describe('true: only counts'),
});
export const bulkTask = z.object({
  id: z.string(),
  action: z.enum(['retry', 'delete']),
  filter: bulkFilter,
  perSecond: count(),
  isDryRun: z.boolean(),
  state: z.enum(['counting', 'running', 'done', 'cancelled']),
  startedMs: timeMs('start'),
  endedMs: timeMs('end').nullable(),
  matched: count().describe('dead jobs that the filter matched at the start'),
  done: count(),
  left: count().describe('matched, but not changed: unique in use, queue full'),
  gone: count().describe('matched, but gone when their turn came'),
});
export type BulkTask = z.infer<typeof bulkTask>;
export const bulkPage = z.object({ tasks: z.array(bulkTask) });

export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('for programs'),
  detail: z.string().describe('for people'),
});
export type Problem = z.infer<typeof problem>;
