/**
 * `--user`: the process gives up root for good before it makes any file.
 * Rule: groups first, then group, then user, because nothing of it is allowed afterwards.
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

/** Users of a directory service are not in the file; `id` asks them all. */
function askSystem(name: string): UserIds | null {
  const ask = (what: string): number =>
    Number(execFileSync('id', [what, '--', name], { stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: ask('-u'), gid: ask('-g') };
  } catch {
    return null;
  }
}

/** Becomes the user `name`, without further groups. Throws Error when not root, or when there is no such user. */
export function switchUser(name: string): void {
  const { geteuid, setgid, setgroups, setuid } = process;
  if (!geteuid || !setgid || !setgroups || !setuid) {
    throw new Error(`option --user ${name}: not possible on this system`);
  }
  if (geteuid() !== 0)
    throw new Error(`option --user ${name}: only root can switch to another user`);
  const ids = findUser(name, readFileSync('/etc/passwd', 'utf8')) ?? askSystem(name);
  if (ids === null) throw new Error(`option --user ${name}: there is no such user`);
  setgroups([]);
  setgid(ids.gid);
  setuid(ids.uid);
}
