/**
 * Public entry of the package: a Gearman job server that runs inside a program, a client and a worker.
 * Everything exported here is covered by semantic versioning; all else is internal.
 */
export { type Logger, LogLevel } from './base/logger.ts';
export type { Admin } from './client/admin/admin.ts';
export type {
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
} from './client/admin/types.ts';
export { Client } from './client/client.ts';
export type {
  ManyJob,
  ManyOptions,
  ManyOutcome,
  ManyProgress,
  ManyResult,
} from './client/submit-many.ts';
export type {
  ClientOptions,
  JobEvent,
  JobStatus,
  Ping,
  ServerState,
  SubmitOptions,
  SubmittedJob,
  UniqueStatus,
} from './client/types.ts';
export type { ServerAddress as JobServerAddress } from './link/address.ts';
export {
  type AnyFunctions,
  type BytesFunctions,
  type Codec,
  type FunctionMap,
  type FunctionTypes,
  json,
  type Workload,
} from './link/codec.ts';
export type { InProcessServer, TlsSetting } from './link/endpoint.ts';
export {
  ArgumentError,
  CommandError,
  ConnectionError,
  type ConnectionErrorCode,
  Dead,
  GearmanError,
  JobFailed,
  JobLostError,
  MaybeQueuedError,
  Retry,
  ServerError,
  TimeoutError,
  UnreadError,
} from './link/errors.ts';
export type { ConnectionChange, LinkState } from './link/link.ts';
export type { ConnectionOptions } from './link/settings.ts';
export type { RequestOptions } from './link/within.ts';
export { NoAddonError } from './native/addon-errors.ts';
export { OptionError } from './option/error.ts';
export type { FunctionPolicy } from './policy/policy.ts';
export type { FunctionAlias } from './policy/rule.ts';
export { ServerClosedError } from './server/closed-error.ts';
export type { ServerOptions } from './server/options/server-options.ts';
export { createServer } from './server/server.ts';
export type { ListenRequest, Server, ServerAddress, ServerStats } from './server/types.ts';
export type { ThreadStats } from './session/thread-queries.ts';
export type { StoreHealth } from './store/store.ts';
export { drainOnSignal, type StopOptions } from './worker/stop-signals.ts';
export type {
  DrainResult,
  FunctionOptions,
  Handler,
  JobContext,
  ThreadHandler,
  WorkerEventMap,
  WorkerJob,
  WorkerOptions,
} from './worker/types.ts';
export { Worker } from './worker/worker.ts';
