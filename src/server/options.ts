/**
 * The options of `createServer`, composed from the tables of their owners, checked and resolved. To add an option, add
 * a row to the table of its owner: command line, config file, environment, checks, help, manual page, docs/options.md
 * and the typed options follow from it. A new owner (a folder below this one) writes `options.ts` with an
 * OptionTable<ProgramEntry> and is listed in SERVER_TABLES; a new heading goes into `option/groups.ts`. Options of the
 * command alone are in `cli/gearmand-options.ts`. Source: the options of gearmand 2.0.
 */
import { controlTable, httpTable } from '../http/options.ts';
import { type ListenTarget, showListenTarget } from '../option/address-types.ts';
import { conflictsOf, notAllowed, OptionError, showGiven } from '../option/error.ts';
import { type ProgramEntry, rowsOf, type ValuesOf } from '../option/row.ts';
import { accessTable, limitTable } from '../session/options.ts';
import { storeTables } from '../store/options.ts';
import { listenTable } from '../transport/options.ts';
import { tlsTable } from '../transport/tls/options.ts';
import { defaultHandlePrefix } from './identity.ts';
import { policyTable } from './options/policy-rows.ts';
import type { ServerOptions } from './options/server-options.ts';
import { jobTable, warningTable } from './options/server-rows.ts';
import type { ServerAddress } from './types.ts';
import { autoThreads } from './usable-cpus.ts';

/** All tables of the server. */
export const SERVER_TABLES = [
  listenTable,
  tlsTable,
  accessTable,
  jobTable,
  policyTable,
  limitTable,
  warningTable,
  controlTable,
  httpTable,
  ...storeTables,
] as const;

/** All rows of the server, in the order of its typed options. */
export const SERVER_ROWS = rowsOf<ProgramEntry>(SERVER_TABLES);

/** All values by key, after the checks and before they are resolved. */
export type ServerValues = ValuesOf<(typeof SERVER_TABLES)[number]['rows'][number]>;

/** An address to listen on: a host name or address with a port, or the path of a Unix socket. */
export type ResolvedTarget =
  | { readonly host: string; readonly port: number; readonly isSecure?: boolean }
  | Extract<ListenTarget, { path: string }>;

/** All options with their values. Plain data: it can be posted to other threads. */
export type ResolvedOptions = Omit<ServerValues, 'listen' | 'threads' | 'jobHandlePrefix'> & {
  /** Targets, each with its port; an empty list means all addresses of the machine with the port `port`. */
  readonly listen: readonly ResolvedTarget[];
  readonly threads: number;
  readonly jobHandlePrefix: string;
};

/** Checks every key that was given against its row; keys without a value get the row's default. */
function checkedValues(options: Readonly<Record<string, unknown>>): ServerValues {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const row of SERVER_ROWS) {
    const given = options[row.key];
    const value = given === undefined ? undefined : row.type.accept(given);
    if (given !== undefined && value === undefined) problems.push(notAllowed(row.key, row, given));
    const reason = value === undefined ? null : (row.refuse?.(value) ?? null);
    if (reason !== null) problems.push(`option ${row.key} ${showGiven(given)}: ${reason}`);
    values[row.key] = value ?? row.embeddedDefault ?? row.defaultValue;
  }
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(values, key)) problems.push(`option ${key}: there is no such option`);
  }
  if (problems.length === 0) problems.push(...conflictsOf(SERVER_ROWS, values, ({ key }) => key));
  if (problems.length > 0) throw new OptionError(problems);
  return values as ServerValues;
}

/**
 * Checks the options of a program and fills in defaults. Throws OptionError (`ERR_GEARMAN_OPTION`), which names every
 * invalid value. The result is plain data without the logger.
 */
export function resolveOptions(options: ServerOptions = {}): ResolvedOptions {
  const { host, logger, ...given } = options;
  if (logger !== undefined && typeof logger?.log !== 'function') {
    throw new OptionError([`option logger: ${showGiven(logger)} has no method log`]);
  }
  if (host !== undefined && given.listen !== undefined) {
    throw new OptionError(['option host: not allowed together with listen']);
  }
  const values = checkedValues({ ...given, listen: host === undefined ? given.listen : [host] });
  return {
    ...values,
    listen: values.listen.map((target) =>
      'path' in target
        ? target
        : {
            host: target.host,
            port: target.port ?? values.port,
            ...((target.isSecure ?? values.ssl) && { isSecure: true }),
          },
    ),
    threads: values.threads === 'auto' ? autoThreads() : values.threads,
    jobHandlePrefix: values.jobHandlePrefix ?? defaultHandlePrefix(),
  };
}

/** `127.0.0.1:4730`, `tls://[::1]:4730` or `unix:/path`: a bound address for people. */
export function showAddress(address: ServerAddress): string {
  if ('path' in address) return showListenTarget(address);
  const { host, port, isSecure } = address;
  return showListenTarget({ host, port, ...(isSecure === true && { isSecure }) });
}
