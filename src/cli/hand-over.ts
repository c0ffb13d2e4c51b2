/**
 * State directories of other users in the hands of root. `--user` with a journal: root makes the directory and gives it
 * to the user of `--user`. Rule: only a folder that was made here, or is empty, gets a new owner; other folders may
 * belong to other programs.
 */
import { lchownSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileReason } from '../store/file-reason.ts';
import { makeFolder } from '../store/make-folder.ts';
import type { UserIds } from './switch-user.ts';

const WRITABLE_BY_OTHERS = 0o022;

/** Throws Error with the remedy when the user `name` could not write there. */
export function handOver(folder: string, name: string, { uid, gid }: UserIds): void {
  let isForeign: boolean;
  try {
    const made = makeFolder(folder);
    const isTaken = made.length === 0 && readdirSync(folder).length > 0;
    const { uid: owner, mode } = statSync(folder);
    isForeign = isTaken && owner !== uid && uid !== 0 && (mode & WRITABLE_BY_OTHERS) === 0;
    if (!isTaken) for (const path of made.length > 0 ? made : [folder]) lchownSync(path, uid, gid);
  } catch (error) {
    throw new Error(`option --state-dir: make ${folder} for user ${name}: ${fileReason(error)}`, {
      cause: error,
    });
  }
  if (isForeign)
    throw new Error(
      `option --state-dir: ${folder} is not writable for user ${name} of --user: chown -R ${name} ${folder}`,
    );
}

/**
 * After root has worked in `folder`: its files there go to the owner of the folder, or the server of that user could not
 * read them. Does nothing for other users, and when the folder is missing or root's own.
 */
export function giveBack(folder: string): void {
  if (process.geteuid?.() !== 0) return;
  const owner = statSync(folder, { throwIfNoEntry: false });
  if (owner === undefined || owner.uid === 0) return;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    if (lstatSync(path).uid === 0) lchownSync(path, owner.uid, owner.gid);
  }
}
