/**
 * THE options table: every option of the server and of the command `gearmand`, one row each. Command line, config
 * file, environment, checks, help text and the README's tables are derived from it; to add an option, add a row.
 * Source: the options of gearmand 2.0.
 */
import { defaultHandlePrefix } from './identity.ts';
import { accessRows } from './options/access-rows.ts';
import { type ListenTarget, showListenTarget } from './options/address-types.ts';
import { controlRows } from './options/control-rows.ts';
import { ignoredRows, logRows, processRows } from './options/daemon-rows.ts';
import { databaseRows } from './options/database-rows.ts';
import { httpRows } from './options/http-rows.ts';
import { keyValueRows } from './options/key-value-rows.ts';
import { listenRows } from './options/listen-rows.ts';
import { notAllowed, OptionError, showGiven } from './options/option-error.ts';
import type { OptionRow } from './options/option-row.ts';
import { queueRows, storeRows } from './options/queue-rows.ts';
import { renderTable } from './options/render-table.ts';
import type { ResolvedOptions, ServerOptions } from './options/server-options.ts';
import { jobRows, limitRows, warningRows } from './options/server-rows.ts';
import { tlsRows } from './options/tls-rows.ts';
import type { ServerAddress } from './types.ts';
import { autoThreads } from './usable-cpus.ts';

export { OptionError } from './options/option-error.ts';
export type { OptionRow, OptionValues } from './options/option-row.ts';
export type { ResolvedOptions, ResolvedTarget, ServerOptions } from './options/server-options.ts';

/** All rows, in the order of help and README. */
export const OPTIONS: readonly OptionRow[] = [
  ...listenRows,
  ...tlsRows,
  ...accessRows,
  ...jobRows,
  ...limitRows,
  ...processRows,
  ...logRows,
  ...warningRows,
  ...controlRows,
  ...httpRows,
  ...storeRows,
  ...databaseRows,
  ...keyValueRows,
  ...queueRows,
  ...ignoredRows,
];

/** The row with this key; throws for a key that no row has. */
export function optionRow(key: string): OptionRow {
  const row = OPTIONS.find((candidate) => candidate.key === key);
  if (row === undefined) throw new OptionError([`option ${key}: there is no such option`]);
  return row;
}

/** Checks every key that was given against its row; keys without a value get the row's default. */
function checkedValues(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const row of OPTIONS) {
    if (row.scope !== 'server') continue;
    const given = options[row.key];
    const value = given === undefined ? undefined : row.type.accept(given);
    if (given !== undefined && value === undefined) {
      problems.push(notAllowed(row.key, row, given, null));
    }
    const reason = value === undefined ? null : (row.refuse?.(value) ?? null);
    if (reason !== null) problems.push(`option ${row.key} ${showGiven(given)}: ${reason}`);
    values[row.key] = value ?? row.embeddedFallback ?? row.fallback;
  }
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(values, key)) problems.push(`option ${key}: there is no such option`);
  }
  if (problems.length === 0) problems.push(...conflictsOf(values, (row) => row.key));
  if (problems.length > 0) throw new OptionError(problems);
  return values;
}

/** Sentences about values that do not go together; `label` names the option. */
export function conflictsOf(
  values: Readonly<Record<string, unknown>>,
  label: (row: OptionRow) => string,
): string[] {
  return OPTIONS.filter((row) => row.key in values).flatMap((row) => {
    const reason = row.conflict?.(values[row.key], values) ?? null;
    return reason === null ? [] : [`option ${label(row)}: ${reason}`];
  });
}

/**
 * Checks the options of a program and fills in what is missing. Throws OptionError (`ERR_GEARMAN_OPTION`) that names
 * every value that is not allowed. The result is plain data without the logger.
 */
export function resolveOptions(options: ServerOptions = {}): ResolvedOptions {
  const { host, logger, ...given } = options;
  if (logger !== undefined && typeof logger?.log !== 'function') {
    throw new OptionError([`option logger: ${showGiven(logger)} has no method log`]);
  }
  if (host !== undefined && given.listen !== undefined) {
    throw new OptionError(['option host: not allowed together with listen']);
  }
  const listen = host === undefined ? given.listen : [host];
  const values = checkedValues({ ...given, listen });
  const port = values.port as number;
  const isSecure = values.ssl as boolean;
  const targets = values.listen as readonly ListenTarget[];
  return {
    ...(values as unknown as ResolvedOptions),
    listen: targets.map((target) =>
      'path' in target
        ? target
        : {
            host: target.host,
            port: target.port ?? port,
            ...((target.isSecure ?? isSecure) && { isSecure: true }),
          },
    ),
    threads: values.threads === 'auto' ? autoThreads() : (values.threads as number),
    jobHandlePrefix: (values.jobHandlePrefix as string | null) ?? defaultHandlePrefix(),
  };
}

/** `127.0.0.1:4730`, `tls://[::1]:4730` or `unix:/path`: a bound address for people. */
export function showAddress(address: ServerAddress): string {
  if ('path' in address) return showListenTarget(address);
  const { host, port, isSecure } = address;
  return showListenTarget({ host, port, ...(isSecure === true && { isSecure }) });
}

/** The README's tables of options: markdown that ends with a line end. */
export function renderOptionsTable(): string {
  return renderTable(OPTIONS);
}
