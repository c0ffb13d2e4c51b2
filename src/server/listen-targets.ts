/**
 * What a server binds: every address of the request or of its options, names looked up, stale socket files removed.
 * Errors: those of the resolver (`ENOTFOUND` ...).
 */
import { lookup } from 'node:dns/promises';
import { rm, stat } from 'node:fs/promises';
import { connect, isIP } from 'node:net';
import type { ResolvedOptions, ResolvedTarget } from './options.ts';
import type { ListenRequest } from './types.ts';

/** One address to bind. Those of one `group` come from one name and share a port that the system chooses. */
export type Target =
  | {
      readonly host: string;
      readonly port: number;
      readonly isSecure?: boolean;
      readonly group: number;
    }
  | { readonly path: string };

/** Every address to bind for a request; without one those of the options, or all addresses of the machine. */
export async function targetsOf(
  request: ListenRequest,
  options: ResolvedOptions,
): Promise<Target[]> {
  if (request.path !== undefined) return [{ path: request.path }];
  const port = request.port ?? options.port;
  const secure = (request.isSecure ?? options.ssl) ? { isSecure: true } : {};
  if (request.host !== undefined) return resolveHost({ host: request.host, port, ...secure }, 0);
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
  return targets;
}

async function resolveHost(
  target: Exclude<ResolvedTarget, { path: string }>,
  group: number,
): Promise<Target[]> {
  if (isIP(target.host) !== 0) return [{ ...target, group }];
  const found = await lookup(target.host, { all: true });
  return found.map(({ address }) => ({ ...target, host: address, group }));
}

/** A socket file on which nobody listens is left over from a killed server. */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isSocket() !== true) return;
  const isServed = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (!isServed) await rm(path, { force: true });
}
