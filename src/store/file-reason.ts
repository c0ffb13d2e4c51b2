/** Explains why a file cannot be used: the system's reason and, for missing rights, the user who was refused. */
import { userInfo } from 'node:os';
import { isDenied, systemReason } from '../base/system-reason.ts';

/** The user of this process: `user ada (uid 1000)`, or `uid 1000` without an entry in the list of users. */
export function readerName(): string {
  const uid = process.geteuid?.() ?? -1;
  const name = loginName();
  return name === null ? `uid ${uid}` : `user ${name} (uid ${uid})`;
}

/** The name of the user of this process; null for a number without a name. */
export function loginName(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}

/** Like fileReason, for a file that an operator must make readable for this user. */
export function readReason(error: unknown): string {
  const remedy = isDenied(error) ? ', who must have the right to read it' : '';
  return `cannot be read: ${fileReason(error)}${remedy}`;
}

/** Such as `not permitted (EACCES) for user gear (uid 998)`. */
export function fileReason(error: unknown): string {
  return isDenied(error) ? `${systemReason(error)} for ${readerName()}` : systemReason(error);
}
