/**
 * `client.admin`: what operators ask of job servers and tell them, over the text protocol. Source: gearmand's text
 * protocol; policies, pauses and `functions` are our own.
 */
import { checkText } from '../../link/check-text.ts';
import { ArgumentError, CommandError } from '../../link/errors.ts';
import { checkKnown, type Known } from '../../link/known-options.ts';
import {
  functionRow,
  jobRow,
  policyRow,
  readConnections,
  readFunctionPolicy,
  readRows,
  statusRow,
} from '../../link/listings.ts';
import { checkWhole } from '../../link/settings.ts';
import { escapeName, latin1Of } from '../../policy/function-name.ts';
import type { FunctionPolicy } from '../../policy/policy.ts';
import { PAUSE_SECONDS_MAX } from '../../policy/policy-command.ts';
import { HANDLE_BYTES_MAX } from '../../protocol/limits.ts';
import { checkFunctionName } from '../function-name.ts';
import type { AdminServers } from './admin-servers.ts';
import type {
  AdminChange,
  AdminOptions,
  ConnectionRow,
  FunctionPolicyRow,
  FunctionRow,
  JobRow,
  OfServer,
  PauseOptions,
  PolicyRow,
  StatusRow,
} from './types.ts';

const ADMIN_OPTIONS: Known<AdminOptions> = { timeoutMs: true, signal: true, server: true };
const PAUSE_OPTIONS: Known<PauseOptions> = { ...ADMIN_OPTIONS, seconds: true };

/**
 * Queries and changes the job servers of a client, over one more connection to each, which opens at the first call and
 * closes with the client. Every call resolves when the servers have answered.
 *
 * Calls that read ask all servers and return the rows of those that can be reached, one list with the server in each
 * row, as `client.ping` does: a program with one server needs no second loop, and one with several can group or sum up
 * as it likes. They reject with the first error when no server can be reached, and when a server refuses.
 *
 * Calls that change something tell all servers, wait for all answers, and reject with the first error when a server
 * refuses or cannot be reached; the other servers have carried out the change. With the option `server` a call is for
 * one server.
 *
 * Errors: CommandError when a server refuses (`ERR_GEARMAN_NO_COMMAND` when it does not know the command, as other job
 * servers do not know policies and pauses), ConnectionError, TimeoutError, the reason of the signal, and ArgumentError
 * for invalid arguments. After ConnectionError and TimeoutError a change may have been carried out.
 */
export class Admin {
  readonly #servers: AdminServers;

  /** @internal */
  constructor(servers: AdminServers) {
    this.#servers = servers;
  }

  /** All functions with their jobs and workers. */
  status(options: AdminOptions = {}): Promise<StatusRow[]> {
    return this.#rows('status', options, (reply) => readRows(reply, statusRow));
  }

  /** All functions with the jobs created and the age of the oldest queued job. Only geartrain has this listing. */
  functions(options: AdminOptions = {}): Promise<FunctionRow[]> {
    return this.#rows('functions', options, (reply) => readRows(reply, functionRow));
  }

  /** All connections, of workers and of clients, with the functions that they offer. */
  workers(options: AdminOptions = {}): Promise<ConnectionRow[]> {
    return this.#rows('workers', options, readConnections);
  }

  /** All jobs, queued and running. The list is built in memory: about 200 bytes for each job. */
  jobs(options: AdminOptions = {}): Promise<JobRow[]> {
    return this.#rows('show jobs', options, (reply) => readRows(reply, jobRow));
  }

  /** The functions that have a policy, are paused or are draining. */
  policy(name?: undefined, change?: undefined, options?: AdminOptions): Promise<PolicyRow[]>;
  /** The policy and the state of one function: a row for each server. */
  policy(name: string, change?: undefined, options?: AdminOptions): Promise<FunctionPolicyRow[]>;
  /**
   * Sets keys of the policy of a function, at once; the other keys stay. `change` is `{ concurrency: 5, rate: '100/s' }`
   * or the text `concurrency:5,rate:100/s`.
   */
  policy(
    name: string,
    change: FunctionPolicy | string,
    options?: AdminOptions,
  ): Promise<AdminChange>;
  async policy(
    name?: string,
    change?: FunctionPolicy | string,
    options: AdminOptions = {},
  ): Promise<PolicyRow[] | FunctionPolicyRow[] | AdminChange> {
    if (name === undefined)
      return this.#rows('policy', options, (reply) => readRows(reply, policyRow));
    const line = `policy ${wordOf(name)}`;
    if (change !== undefined) return this.#change(`${line} ${policyText(change)}`, options);
    return this.#rows(line, options, (reply) => [readFunctionPolicy(reply, name)]);
  }

  /** Removes what `policy` has set: the policy of the function is that of the server's options again. */
  async resetPolicy(name: string, options: AdminOptions = {}): Promise<AdminChange> {
    return this.#change(`policy ${wordOf(name)} reset`, options);
  }

  /** No job of the function starts until `resume`, or for `seconds`. Running jobs go on, and new jobs are queued. */
  async pause(name: string, options: PauseOptions = {}): Promise<AdminChange> {
    checkKnown('pause', options, PAUSE_OPTIONS);
    const { seconds, ...others } = options;
    const line = `pause ${wordOf(name)}`;
    if (seconds === undefined) return this.#change(line, others);
    return this.#change(`${line} ${checkWhole('seconds', seconds, 1, PAUSE_SECONDS_MAX)}`, others);
  }

  /** Ends a pause and a drain of the function. */
  async resume(name: string, options: AdminOptions = {}): Promise<AdminChange> {
    return this.#change(`resume ${wordOf(name)}`, options);
  }

  /** The function takes no new jobs until `resume`: submits fail with ServerError. Its queued jobs go on. */
  async drain(name: string, options: AdminOptions = {}): Promise<AdminChange> {
    return this.#change(`drain ${wordOf(name)}`, options);
  }

  /**
   * Takes a job out of the queue: clients that wait for it get JobFailed. Asks one server after the other until one has
   * the job, because several may give the same handle. Resolves to false when all have answered and none has it queued;
   * it may run, or has ended.
   */
  async cancel(handle: string, options: AdminOptions = {}): Promise<boolean> {
    checkKnown('cancel', options, ADMIN_OPTIONS);
    checkText('handle', handle, HANDLE_BYTES_MAX);
    if (!/^\S+$/.test(handle)) throw new ArgumentError('handle: one word is needed');
    const command = { line: `cancel job ${handle}`, isListing: false };
    let failure: { error: unknown } | null = null;
    for (const link of this.#servers.linksOf(options)) {
      try {
        await this.#servers.ask(link, command, options, okOf);
        return true;
      } catch (error) {
        if (!isUnknownJob(error)) failure ??= { error };
      }
    }
    if (failure !== null) throw failure.error;
    return false;
  }

  async #rows<R>(
    line: string,
    options: AdminOptions,
    read: (reply: string) => R[],
  ): Promise<(OfServer & R)[]> {
    checkKnown('admin', options, ADMIN_OPTIONS);
    const lists = await this.#servers.askReachable(
      { line, isListing: true },
      options,
      (reply, server) => read(reply).map((row) => ({ server, ...row })),
    );
    return lists.flat();
  }

  async #change(line: string, options: AdminOptions): Promise<AdminChange> {
    checkKnown('admin', options, ADMIN_OPTIONS);
    const command = { line, isListing: false };
    const answers = await this.#servers.askEvery(command, options, okOf);
    return { isKept: answers.every((remark) => remark === '') };
  }
}

/** The name as a word of the text protocol. Throws ArgumentError. */
function wordOf(name: string): string {
  checkFunctionName('admin', name);
  return escapeName(latin1Of(name));
}

/** A policy as a word of the text protocol; the server checks keys and values. Throws ArgumentError. */
function policyText(change: FunctionPolicy | string): string {
  const text =
    typeof change === 'string'
      ? change
      : Object.entries(change)
          .filter(([, value]) => value !== undefined)
          .map(([key, value]) => `${key}:${value}`)
          .join(',');
  if (!/^\S+$/.test(text))
    throw new ArgumentError(
      `policy ${JSON.stringify(text)}: allowed is KEY:VALUE,... without blanks`,
    );
  return latin1Of(text);
}

/** What follows the OK: empty when the change is kept. */
function okOf(reply: string): string {
  const [, remark] = /^OK ?(.*)\r?\n$/.exec(reply) ?? [];
  if (remark === undefined) throw new Error(`answered ${JSON.stringify(reply.slice(0, 200))}`);
  return remark;
}

function isUnknownJob(error: unknown): boolean {
  return error instanceof CommandError && error.serverCode === 'UNKNOWN_JOB';
}
