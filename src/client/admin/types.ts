/** The public types of `client.admin`. */
import type { DeadJobFigures, JobReport } from '../../link/failed-jobs.ts';
import type {
  ConnectionFigures,
  FunctionFigures,
  FunctionPolicyFigures,
  JobFigures,
  PolicyFigures,
  StatusFigures,
} from '../../link/listings.ts';
import type { RequestOptions } from '../../link/within.ts';

/** Options of every call of `client.admin`. */
export interface AdminOptions extends RequestOptions {
  /**
   * The one job server to ask, as rows name it: `host:port`, `unix:/path` or `in process`. Default: all servers of the
   * client.
   */
  readonly server?: string;
}

/** Options of `client.admin.pause`. */
export interface PauseOptions extends AdminOptions {
  /** Seconds after which the pause ends by itself, 1 to 2,592,000. Default: it lasts until `resume`. */
  readonly seconds?: number;
}

/** Options of `client.admin.dead` and `client.admin.kick`. */
export interface LimitOptions extends AdminOptions {
  /** Dead jobs of each server, 1 to 10,000,000. Default: 100 for `dead`, all for `kick`. */
  readonly limit?: number;
}

/** A row of a listing belongs to one job server. */
export interface OfServer {
  /** The job server: `host:port`, `unix:/path` or `in process`. */
  readonly server: string;
}

/** A function of a job server, as `gearadmin --status` shows it. */
export interface StatusRow extends OfServer, StatusFigures {}

/** A function of a job server with what only geartrain knows of it. */
export interface FunctionRow extends OfServer, FunctionFigures {}

/** A connection to a job server, of a worker or of a client. */
export interface ConnectionRow extends OfServer, ConnectionFigures {}

/** A job that a job server has. */
export interface JobRow extends OfServer, JobFigures {}

/** A dead job of a function. */
export interface DeadJobRow extends OfServer, DeadJobFigures {}

/** What a job server knows of one job. */
export interface JobDetails extends OfServer, JobReport {}

/** What `client.admin.kick` has done. */
export interface KickResult {
  /** Jobs that were queued again. */
  readonly kicked: number;
  /** Jobs that are left dead because a live job has their unique key. */
  readonly left: number;
}

/** A function whose policy or state differs from the default. */
export interface PolicyRow extends OfServer, PolicyFigures {}

/** The policy and the state of one function, with the origin of each key. */
export interface FunctionPolicyRow extends OfServer, FunctionPolicyFigures {}

/** The answer to a change of a policy or a state. */
export interface AdminChange {
  /** Whether it lasts after the end of the server: false when a server has no state directory. */
  readonly isKept: boolean;
}
