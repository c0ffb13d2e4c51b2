/**
 * Why listening on an address failed: the option that names it, the system's reason, and the remedy. Rule: if this
 * server itself uses the address, its options are wrong, and listening is not tried again.
 */
import { isIPv6 } from 'node:net';
import { systemReason } from '../base/system-reason.ts';
import { readerName } from '../store/file-reason.ts';

const PRIVILEGED_PORT_MAX = 1023;

/** An address to listen on, and the option that names it. */
export interface BoundAddress {
  readonly option: string;
  readonly at: { readonly host: string; readonly port: number } | { readonly path: string };
}

/** Keeps the system's `code` (`EADDRINUSE` ...). */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: string | undefined;
  /** Trying again cannot succeed with the same options. */
  readonly isLasting: boolean;

  constructor(message: string, code: string | undefined, isLasting: boolean, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.isLasting = isLasting;
  }
}

/** The error for `cause`; `own` are the addresses on which this server listens already. */
export function listenError(
  bound: BoundAddress,
  cause: unknown,
  own: readonly BoundAddress[],
): Error {
  if (cause instanceof ListenError) return cause;
  const { code } = Object(cause) as NodeJS.ErrnoException;
  const holder = code === 'EADDRINUSE' ? own.find((other) => isSame(bound, other)) : undefined;
  if (holder !== undefined)
    return new ListenError(
      `option ${bound.option}: ${shown(bound)} is taken by this server itself, as ${shown(holder)} of ${holder.option}`,
      code,
      true,
      cause,
    );
  if (code === undefined) return cause as Error;
  const message = `listen on ${shown(bound)}: ${reasonOf(bound, cause)}`;
  return new ListenError(message, code, false, cause);
}

function shown({ at }: BoundAddress): string {
  if ('path' in at) return `unix:${at.path}`;
  return isIPv6(at.host) ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`;
}

function isSame({ at: one }: BoundAddress, { at: other }: BoundAddress): boolean {
  if ('path' in one || 'path' in other)
    return 'path' in one && 'path' in other && one.path === other.path;
  const isEvery = (host: string): boolean => host === '0.0.0.0' || host === '::';
  const isSameHost = one.host === other.host || isEvery(one.host) || isEvery(other.host);
  return one.port === other.port && isSameHost && isIPv6(one.host) === isIPv6(other.host);
}

function reasonOf({ option, at }: BoundAddress, cause: unknown): string {
  const reason = systemReason(cause);
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return `${reason}; choose another one with ${option}`;
  if ('path' in at)
    return code === 'EACCES'
      ? `${reason}; ${readerName()} may not make a file there, choose another path with ${option}`
      : `${reason}; choose another path with ${option}`;
  const isPrivileged = code === 'EACCES' && at.port <= PRIVILEGED_PORT_MAX;
  if (isPrivileged)
    return `${reason}; ports up to ${PRIVILEGED_PORT_MAX} need root or CAP_NET_BIND_SERVICE, choose another one with ${option}`;
  return `${reason}; see ${option}`;
}
