/** What the JSON API needs of the server. All of it is called in the main thread, outside of turns. */
import type { Account } from '../../base/account.ts';
import type { FunctionStatsRow } from '../../broker/function-stats-rows.ts';
import type { Endpoint } from '../../link/endpoint.ts';
import type { NamedJob } from '../../session/find-job.ts';
import type { ThreadQuery, ThreadResult, ThreadStats } from '../../session/thread-queries.ts';
import type { AuditEntry, AuditFacts } from './schemas.ts';

/** The audit log. */
export interface AuditSource {
  note(entry: AuditFacts): void;
  /** Entries with smaller serials than `before`, the youngest first. */
  page(before: number, limit: number): AuditEntry[];
}

/** An option as a row of `GET /v1/options`. */
export interface OptionFacts {
  readonly name: string;
  readonly value: string;
  readonly defaultValue: string | null;
  /** `default`, or where it was given, in words. */
  readonly origin: string;
  readonly help: string;
}

export interface ApiSource {
  readonly version: string;
  readonly core: string;
  /** Shards; 0 = the acceptor owns all functions. */
  readonly shardCount: number;
  readonly memoryLimitBytes: number;
  /** Why the server takes no jobs now, or null. */
  notReady(): string | null;
  /** Asks a thread in a turn; the result is empty for a thread that is not running. */
  ask(thread: number, query: ThreadQuery): Promise<ThreadResult>;
  /** The thread that owns the function of this name (Latin-1). */
  ownerOf(name: string): number;
  /** The job of a handle, also of an earlier run of the server; null when there is none. */
  jobNamed(handle: string): Promise<NamedJob | null>;
  /** Figures by thread; null for one that is not running. */
  askAll(): Promise<readonly (ThreadStats | null)[]>;
  /** Calls `take` with the statistics of each function, in small steps. */
  functionStats(take: (row: FunctionStatsRow) => void): Promise<void>;
  options(): readonly OptionFacts[];
  readonly audit: AuditSource;
  /** Connections to the job server itself, with all rights. */
  readonly endpoint: Endpoint;
  /** Counts the memory of the main thread. */
  readonly account: Account;
  logLevel(): string;
  /** False when there is no such level. */
  setLogLevel(name: string): boolean;
}
