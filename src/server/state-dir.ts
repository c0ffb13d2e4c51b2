/** Where the state directory is. */
import { homedir } from 'node:os';
import { join } from 'node:path';

const NAME = 'geartrain';

/** The user who owns the directory. */
export interface StateOwner {
  readonly id: number;
  /** Throws when the user has no home. */
  home(): string;
  readonly platform: string;
}

/**
 * $STATE_DIRECTORY (systemd), /var/lib/geartrain for root, otherwise `geartrain` in the user's own folder:
 * $XDG_STATE_HOME or ~/.local/state, on macOS ~/Library/Application Support. Throws Error for a user without a home.
 */
export function defaultStateDir(
  env: NodeJS.ProcessEnv = process.env,
  user: StateOwner = {
    id: process.getuid?.() ?? -1,
    home: homedir,
    platform: process.platform,
  },
): string {
  const [given] = (env.STATE_DIRECTORY ?? '').split(':');
  if (given) return given;
  if (user.id === 0) return `/var/lib/${NAME}`;
  if (env.XDG_STATE_HOME) return join(env.XDG_STATE_HOME, NAME);
  const home = homeOf(user);
  if (user.platform === 'darwin') return join(home, 'Library', 'Application Support', NAME);
  return join(home, '.local', 'state', NAME);
}

/** The state directory of these options. Throws as `defaultStateDir` does. */
export function stateDirOf({ stateDir }: { readonly stateDir?: string | null }): string {
  return stateDir ?? defaultStateDir();
}

/** What decides whether a server keeps anything in a directory. */
interface KeptOptions {
  readonly queueType?: string;
  readonly stateDir?: string | null;
}

/**
 * The state directory of a server that keeps anything in one: with a journal, and with every other store when it is
 * named; else null. Throws as `defaultStateDir` does.
 */
export function keptDirOf({ queueType, stateDir }: KeptOptions): string | null {
  return stateDir ?? (queueType === 'journal' ? defaultStateDir() : null);
}

function homeOf(user: StateOwner): string {
  try {
    return user.home();
  } catch (error) {
    throw new Error(
      `--queue-type journal needs --state-dir FOLDER: the user with uid ${user.id} has no home folder, and HOME is not set`,
      { cause: error },
    );
  }
}
