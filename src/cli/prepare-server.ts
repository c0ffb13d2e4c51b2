/**
 * `--user`: reads the files of secrets and makes the state directory as root, then gives up root's rights. Everything
 * else is done as the user.
 */
import type { ServerOptions } from '../server/options/server-options.ts';
import { resolveOptions } from '../server/options.ts';
import { readSecretFiles, type SecretFiles } from '../server/secrets.ts';
import { keptDirOf } from '../server/state-dir.ts';
import { handOver } from './hand-over.ts';
import type { Settings } from './settings.ts';
import { idsOfUser, switchUser } from './switch-user.ts';

export interface PreparedServer {
  readonly options: ServerOptions;
  /** The secrets that were read; `undefined`: they are read when the server is made. */
  readonly files: SecretFiles | undefined;
}

/** Switches to the user of `--user`, if there is one. Throws Error that names the option. */
export function prepareServer({ server, values }: Settings): PreparedServer {
  const { user } = values;
  if (user === null) return { options: server, files: undefined };
  const ids = idsOfUser(user);
  const files = readSecretFiles(resolveOptions(server));
  // The default is root's: the environment still has root's home.
  const stateDir = keptDirOf(server);
  if (stateDir !== null) handOver(stateDir, user, ids);
  switchUser(ids);
  return { options: stateDir === null ? server : { ...server, stateDir }, files };
}
