/** Finds the job servers of a command in options and environment. */
import { lookForServers } from '../../link/unreached.ts';
import { showListenTarget } from '../../option/address-types.ts';
import type { OptionValues } from '../../option/row.ts';
import type { TlsSettings } from '../tool/tls.ts';
import { type ServerTarget, serverList } from '../tool/value-types.ts';

/** A job server with its port. */
export type Server = { readonly host: string; readonly port: number } | { readonly path: string };

export interface Servers {
  readonly all: readonly Server[];
  readonly tls: TlsSettings | null;
  readonly token: string | null;
}

const DEFAULT_PORT = 4730;

function fromEnvironment(env: NodeJS.ProcessEnv, variable: string): ServerTarget[] {
  const text = env[variable];
  if (text === undefined || text === '') return [];
  const targets = serverList.readText(text);
  if (targets === undefined) {
    const shown = JSON.stringify(text);
    throw new Error(
      `${variable}=${shown} (environment) is not allowed, allowed is ${serverList.allowed}`,
    );
  }
  return [...targets];
}

/**
 * The servers of GEARMAN_SERVERS, then that of GEARMAN_SERVER or, without it, of `-h` and `-p`; each once. Throws
 * Error for text that is not an address.
 */
export function serversOf(values: OptionValues, env: NodeJS.ProcessEnv): Server[] {
  const first = fromEnvironment(env, 'GEARMAN_SERVERS');
  const instead = fromEnvironment(env, 'GEARMAN_SERVER');
  const given = instead.length > 0 ? instead : (values.host as readonly ServerTarget[]);
  const defaultPort = instead.length > 0 ? DEFAULT_PORT : (values.port as number);
  const withPort = (target: ServerTarget, port: number): Server =>
    'path' in target ? target : { host: target.host, port: target.port ?? port };
  const all = [
    ...first.map((target) => withPort(target, DEFAULT_PORT)),
    ...given.map((target) => withPort(target, defaultPort)),
  ];
  return all.filter((server, i) => all.findIndex((other) => show(other) === show(server)) === i);
}

/** The address of a server for people and for the library. */
export function show(server: Server): string {
  return showListenTarget(server);
}

/**
 * Reports which servers are being tried, when none is ready after one second and when none has answered after three.
 * `states` are those of the connections; call the returned function when a server is ready, or none is needed any more.
 */
export function sayWhenSilent(
  states: () => readonly { readonly server: string; readonly state: string }[],
  say: (text: string) => void,
): () => void {
  return lookForServers((_waitedMs, isLast) => {
    const tried = states();
    if (tried.some(({ state }) => state === 'ready')) return true;
    if (!isLast && tried.some(({ state }) => state === 'connecting')) return false;
    const names = [...new Set(tried.map(({ server }) => server))].join(', ');
    say(`no job server has answered yet, trying ${names}`);
    return true;
  });
}
