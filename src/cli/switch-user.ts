/**
 * `--user`: the process gives up root's rights permanently before it makes any file. Rule: it changes supplementary
 * groups first, then group, then user, because after a later step the earlier ones are not permitted any more.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** Ids of a user in the text of a passwd file. */
export function findUser(name: string, passwd: string): UserIds | null {
  for (const line of passwd.split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name && /^\d+$/.test(uid ?? '') && /^\d+$/.test(gid ?? '')) {
      return { uid: Number(uid), gid: Number(gid) };
    }
  }
  return null;
}

/** Users of a directory service are not in the file; `id` knows them. */
function askSystem(name: string): UserIds | null {
  const ask = (what: string): number =>
    Number(execFileSync('id', [what, '--', name], { stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: ask('-u'), gid: ask('-g') };
  } catch {
    return null;
  }
}

/** Ids of the user `name`. Throws Error when this process does not run as root, or there is no such user. */
export function idsOfUser(name: string): UserIds {
  const { geteuid } = process;
  if (geteuid === undefined) throw new Error(`option --user ${name}: not possible on this system`);
  if (geteuid() !== 0)
    throw new Error(`option --user ${name}: only root can switch to another user`);
  const ids = findUser(name, readFileSync('/etc/passwd', 'utf8')) ?? askSystem(name);
  if (ids === null) throw new Error(`option --user ${name}: there is no such user`);
  return ids;
}

/** Switches to that user, without supplementary groups. */
export function switchUser({ uid, gid }: UserIds): void {
  process.setgroups?.([]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}
