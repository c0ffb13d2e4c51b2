/**
 * `client.admin`: what operators ask of job servers and tell them, over the text protocol. Source: gearmand's text
 * protocol; policies, pauses, dead jobs and `functions` are our own.
 */
import { checkText } from '../../link/check-text.ts';
import { ArgumentError } from '../../link/errors.ts';
import { deadRow, readJobReport } from '../../link/failed-jobs.ts';
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
import type { FunctionPolicy } from '../../policy/policy.ts';
import { PAUSE_SECONDS_MAX } from '../../policy/policy-command.ts';
import { HANDLE_BYTES_MAX } from '../../protocol/limits.ts';
import type { AdminServers, ReadReply } from './admin-servers.ts';
import type {
  AdminChange,
  AdminOptions,
  ConnectionRow,
  DeadJobRow,
  FunctionPolicyRow,
  FunctionRow,
  JobDetails,
  JobRow,
  KickResult,
  LimitOptions,
  OfServer,
  PauseOptions,
  PolicyRow,
  StatusRow,
} from './types.ts';
import { kickedOf, LIMIT_MAX, limitOf, okOf, policyText, wordOf } from './words.ts';

const ADMIN_OPTIONS: Known<AdminOptions> = { timeoutMs: true, signal: true, server: true };
const PAUSE_OPTIONS: Known<PauseOptions> = { ...ADMIN_OPTIONS, seconds: true };
const LIMIT_OPTIONS: Known<LimitOptions> = { ...ADMIN_OPTIONS, limit: true };

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
 * servers do not know policies, pauses and dead jobs), ConnectionError, TimeoutError, the reason of the signal, and ArgumentError
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
   * Dead jobs of a function, the youngest first: background jobs whose runs have failed as often as the policy of the
   * function allows, kept until they are kicked or dropped.
   */
  async dead(name: string, options: LimitOptions = {}): Promise<DeadJobRow[]> {
    checkKnown('dead', options, LIMIT_OPTIONS);
    const { limit, others } = limitOf(options);
    const line = `dead ${wordOf(name)}${limit === undefined ? '' : ` ${limit}`}`;
    return this.#rows(line, others, (reply) => readRows(reply, deadRow));
  }

  /**
   * Queues dead jobs of a function again, the oldest first, with their attempts and lost runs at 0. Default of `limit`:
   * all. Jobs whose unique key a live job has are left. Resolves with the sums of all servers; rejects when the queue of
   * a server takes none, because it is full or drains.
   */
  async kick(name: string, options: LimitOptions = {}): Promise<KickResult> {
    checkKnown('kick', options, LIMIT_OPTIONS);
    const { limit = LIMIT_MAX, others } = limitOf(options);
    const command = { line: `kick function ${wordOf(name)} ${limit}`, isListing: false };
    const answers = await this.#servers.askEvery(command, others, kickedOf);
    const sum = (key: keyof KickResult) => answers.reduce((total, row) => total + row[key], 0);
    return { kicked: sum('kicked'), left: sum('left') };
  }

  /**
   * What a server knows of one job; null when no server has it. Looks for it as `cancel` does. Shows the errors of its
   * failed runs whole, up to 4 KiB each.
   */
  async job(handle: string, options: AdminOptions = {}): Promise<JobDetails | null> {
    const found = await this.#ofJob('show', handle, options, (reply, server) => ({
      server,
      ...readJobReport(reply),
    }));
    return found?.answer ?? null;
  }

  /**
   * Queues one dead job again. Looks for it as `cancel` does. Resolves to false when no server has it dead; rejects when
   * a live job has its unique key (`serverCode` is `UNIQUE_IN_USE`), or the queue is full or drains.
   */
  async kickJob(handle: string, options: AdminOptions = {}): Promise<boolean> {
    return (await this.#ofJob('kick', handle, options, okOf)) !== null;
  }

  /**
   * Makes a background job that waits a dead one. Looks for it as `cancel` does. Resolves to false when no server has
   * it; rejects when it runs or is a foreground job (`serverCode` is `RUNNING` or `FOREGROUND`).
   */
  async buryJob(handle: string, options: AdminOptions = {}): Promise<boolean> {
    return (await this.#ofJob('bury', handle, options, okOf)) !== null;
  }

  /**
   * Takes a job out of the queue, or drops a dead one: clients that wait for it get JobFailed. Asks one server after the
   * other until one has the job, because several may give the same handle. Resolves to false when all have answered and
   * none has it queued or dead; it may run, or has ended.
   */
  async cancel(handle: string, options: AdminOptions = {}): Promise<boolean> {
    return (await this.#ofJob('cancel', handle, options, okOf)) !== null;
  }

  /** Gives `VERB job HANDLE` to the server that has the job. */
  async #ofJob<T>(
    verb: 'show' | 'kick' | 'bury' | 'cancel',
    handle: string,
    options: AdminOptions,
    read: ReadReply<T>,
  ): Promise<{ readonly answer: T } | null> {
    checkKnown(verb, options, ADMIN_OPTIONS);
    checkText('handle', handle, HANDLE_BYTES_MAX);
    if (!/^\S+$/.test(handle)) throw new ArgumentError('handle: one word is needed');
    const command = { line: `${verb} job ${handle}`, isListing: verb === 'show' };
    return this.#servers.askForJob(command, options, read);
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
