/**
 * THE table of problems: what the JSON API answers when it does not do what was asked, as RFC 9457 has it. Programs go
 * by `code`. Rule: a detail is a sentence for people and holds nothing that the caller has no right to see.
 */
import type { Problem } from './schemas.ts';

interface Row {
  readonly status: number;
  readonly title: string;
}

export const PROBLEMS = {
  invalid: { status: 400, title: 'a parameter or the body is not allowed' },
  nameInvalid: { status: 400, title: 'a name has %00 or a % without two hexadecimal digits' },
  cursorInvalid: { status: 400, title: 'the cursor is not of this listing' },
  unauthenticated: { status: 401, title: 'a token or a certificate is needed' },
  notAllowed: { status: 403, title: 'the caller lacks a right' },
  originForeign: { status: 403, title: 'a page of another origin may not do that' },
  routeUnknown: { status: 404, title: 'there is nothing at this path' },
  functionUnknown: { status: 404, title: 'there is no such function' },
  jobUnknown: { status: 404, title: 'there is no such job, or it has ended' },
  connectionUnknown: { status: 404, title: 'there is no such connection' },
  notMeasured: { status: 404, title: 'there is no history of this function' },
  sessionUnknown: { status: 404, title: 'the request is of no session' },
  taskUnknown: { status: 404, title: 'there is no such task' },
  methodUnknown: { status: 405, title: 'the path takes other methods' },
  cursorOld: { status: 410, title: 'a shard was started again: begin the listing again' },
  uniqueInUse: { status: 409, title: 'a live job has the same unique' },
  queueFull: { status: 409, title: 'the queue of the function is full' },
  draining: { status: 409, title: 'the function takes no new jobs' },
  running: { status: 409, title: 'a worker has the job' },
  foreground: { status: 409, title: 'a client waits for the job: cancel it' },
  dead: { status: 409, title: 'the job is dead already: delete it' },
  notDead: { status: 409, title: 'the job is not dead' },
  policyRefused: { status: 409, title: 'the policy of this function cannot be changed' },
  tooManyTasks: { status: 409, title: 'four tasks are running already' },
  etagOld: { status: 412, title: 'the policy has been changed meanwhile' },
  bodyTooLarge: { status: 413, title: 'the body is too large' },
  typeUnknown: { status: 415, title: 'the body must be application/json' },
  policyInvalid: { status: 422, title: 'the policy is not allowed' },
  etagNeeded: { status: 428, title: 'If-Match with the ETag of the policy is needed' },
  tooManyLogins: { status: 429, title: 'this address has tried too many unknown tokens' },
  internal: { status: 500, title: 'this is a fault of the server' },
  shardDown: { status: 503, title: 'a shard is not running or does not answer' },
  notReady: { status: 503, title: 'the server takes no requests now' },
  tooManyReaders: { status: 503, title: 'too many streams of events are open' },
  noMemory: { status: 503, title: 'memory is short: new jobs are refused' },
  notKept: { status: 503, title: 'the change could not be written to the state directory' },
  jobRefused: { status: 503, title: 'the server took no new job' },
} as const satisfies Record<string, Row>;

export type ProblemCode = keyof typeof PROBLEMS;

/** Thrown by checks and handlers; the router answers with it. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, detail?: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail ?? PROBLEMS[code].title);
    this.code = code;
    this.headers = headers;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  toJSON(): Problem {
    const { status, title } = PROBLEMS[this.code];
    return { type: 'about:blank', title, status, code: this.code, detail: this.message };
  }
}
