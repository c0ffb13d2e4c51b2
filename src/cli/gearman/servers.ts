/** Which job servers a command means: options and environment, and what is asked of them in words. */
import { showListenTarget } from '../../server/options/address-types.ts';
import { readRows, statusRow } from '../gearadmin/top/look.ts';
import { AdminConnection } from '../tool/admin-connection.ts';
import type { TlsSettings } from '../tool/tls.ts';
import type { ToolValues } from '../tool/tool-option.ts';
import { type ServerTarget, serverList } from '../tool/value-types.ts';

/** A job server with its port. */
export type Server = { readonly host: string; readonly port: number } | { readonly path: string };

export interface Servers {
  readonly all: readonly Server[];
  readonly tls: TlsSettings | null;
  readonly token: string | null;
}

const QUESTION_MS = 1000;
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
 * GEARMAN_SERVERS come first, then GEARMAN_SERVER, or `-h` and `-p` without it; each once. Throws Error for text that
 * names no server.
 */
export function serversOf(values: ToolValues, env: NodeJS.ProcessEnv): Server[] {
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

/** A server for people, and for the library. */
export function show(server: Server): string {
  return showListenTarget(server);
}

/** Workers that offer a function at those servers that answer soon; null when none answers. */
export async function workersOf(functionName: string, servers: Servers): Promise<number | null> {
  const counts = await Promise.all(
    servers.all.map(async (server) => {
      try {
        const options = { tls: servers.tls, token: servers.token, timeoutMs: QUESTION_MS };
        const connection = await AdminConnection.open(server, options);
        try {
          const text = await connection.askText('status');
          // By its rules we may not know.
          if (text.startsWith('ERR ')) return null;
          const rows = readRows(text, statusRow);
          return rows.find((row) => row.name === functionName)?.workers ?? 0;
        } finally {
          connection.close();
        }
      } catch {
        // It is only asked to explain a silence; whoever submits meets the failure itself.
        return null;
      }
    }),
  );
  const known = counts.filter((count) => count !== null);
  return known.length === 0 ? null : known.reduce((sum, count) => sum + count, 0);
}
