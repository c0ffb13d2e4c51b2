/** Where a server keeps its state when nobody says. */
import { homedir } from 'node:os';
import { join } from 'node:path';

const NAME = 'geartrain';

/**
 * $STATE_DIRECTORY (systemd), /var/lib/geartrain for root, else the user's own: $XDG_STATE_HOME or ~/.local/state, on
 * macOS ~/Library/Application Support, each with `geartrain` behind it.
 */
export function defaultStateDir(
  env: NodeJS.ProcessEnv = process.env,
  user: { readonly id: number; readonly home: string; readonly platform: string } = {
    id: process.getuid?.() ?? -1,
    home: homedir(),
    platform: process.platform,
  },
): string {
  const [given] = (env.STATE_DIRECTORY ?? '').split(':');
  if (given) return given;
  if (user.id === 0) return `/var/lib/${NAME}`;
  if (env.XDG_STATE_HOME) return join(env.XDG_STATE_HOME, NAME);
  if (user.platform === 'darwin') return join(user.home, 'Library', 'Application Support', NAME);
  return join(user.home, '.local', 'state', NAME);
}
