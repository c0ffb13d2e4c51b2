/**
 * Finds the addresses to bind for a request or the options: resolves names and removes stale socket files. Rule: an
 * address that is named twice is bound once. Errors keep the resolver's `code` (`ENOTFOUND` ...).
 */
import { lookup } from 'node:dns/promises';
import { rm, stat } from 'node:fs/promises';
import { connect, isIP } from 'node:net';
import { systemReason } from '../base/system-reason.ts';
import { OptionError } from '../option/error.ts';
import { ListenError } from './listen-error.ts';
import type { ResolvedOptions, ResolvedTarget } from './options.ts';
import type { ListenRequest } from './types.ts';

/** One address to bind. Targets of one `group` come from one name and share a port when the system chooses it. */
export type Target =
  | {
      readonly host: string;
      readonly port: number;
      readonly isSecure?: boolean;
      readonly group: number;
    }
  | { readonly path: string };

/** Every address to bind: those of the request, otherwise those of the options, otherwise all of the machine. */
export async function targetsOf(
  request: ListenRequest,
  options: ResolvedOptions,
): Promise<Target[]> {
  if (request.path !== undefined) return [{ path: request.path }];
  const port = request.port ?? options.port;
  const secure = (request.isSecure ?? options.ssl) ? { isSecure: true } : {};
  if (request.host !== undefined)
    return withoutRepeats(await resolveHost({ host: request.host, port, ...secure }, 0));
  if (options.listen.length === 0)
    return ['0.0.0.0', '::'].map((host) => ({ host, port, ...secure, group: 0 }));
  const targets: Target[] = [];
  for (const [group, target] of options.listen.entries()) {
    if ('path' in target) targets.push(target);
    else {
      const to = { ...target, port: target.port ?? port };
      targets.push(...(await resolveHost(to, group)));
    }
  }
  return withoutRepeats(targets);
}

async function resolveHost(
  target: Exclude<ResolvedTarget, { path: string }>,
  group: number,
): Promise<Target[]> {
  if (isIP(target.host) !== 0) return [{ ...target, group }];
  const found = await lookUp(target.host);
  return found.map(({ address }) => ({ ...target, host: address, group }));
}

async function lookUp(host: string): Promise<{ readonly address: string }[]> {
  try {
    return await lookup(host, { all: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw Object.assign(
      new Error(`option --listen: ${host}: ${systemReason(error)}`, { cause: error }),
      { code },
    );
  }
}

/**
 * Keeps each address once: a hosts file or a user may name it several times. Throws OptionError for an address both
 * with and without TLS.
 */
function withoutRepeats(targets: readonly Target[]): Target[] {
  const kept = new Map<string, Target>();
  for (const target of targets) {
    const place = placeOf(target);
    const first = kept.get(place);
    if (first === undefined) kept.set(place, target);
    else if (isSecure(first) !== isSecure(target))
      throw new OptionError([`option --listen: ${place} is asked for with and without TLS`]);
  }
  return [...kept.values()];
}

function isSecure(target: Target): boolean {
  return 'host' in target && target.isSecure === true;
}

/** Targets with the same text are the same place. When the system chooses the port, a group has one port. */
function placeOf(target: Target): string {
  if ('path' in target) return `unix:${target.path}`;
  const host = isIP(target.host) === 6 ? shortened(target.host) : target.host;
  return target.port === 0 ? `${host} of group ${target.group}` : `${host}:${target.port}`;
}

/** The same text for all spellings of an IPv6 address; an address with a zone stays as it is. */
function shortened(host: string): string {
  return URL.canParse(`http://[${host}]`) ? new URL(`http://[${host}]`).hostname : `[${host}]`;
}

/** Removes a socket file without a listener, left over from a killed server. Throws ListenError for any other file. */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found === null) return;
  if (!found.isSocket())
    throw new ListenError(
      `option --listen: unix:${path}: something that is not a socket is there; remove it or choose another path`,
      'EADDRINUSE',
      true,
    );
  const isServed = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (!isServed) await rm(path, { force: true });
}
