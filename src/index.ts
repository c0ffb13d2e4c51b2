/**
 * Public entry of the package: a Gearman job server that runs inside a program.
 * Everything exported here is covered by semantic versioning; all else is internal.
 */
export { type Logger, LogLevel } from './base/logger.ts';
export { ServerClosedError } from './server/closed-error.ts';
export { OptionError, type ServerOptions } from './server/options.ts';
export { createServer } from './server/server.ts';
export type { ListenRequest, Server, ServerAddress, ServerStats } from './server/types.ts';
export type { ThreadStats } from './session/questions.ts';
