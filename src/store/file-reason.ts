/** Why a file cannot be used: what the system says, and for a lack of rights which user was refused. */
import { userInfo } from 'node:os';
import { isDenied, systemReason } from '../base/system-reason.ts';

/** As whom this process reads files: `user ada (uid 1000)`, or `uid 1000` for one without an entry in the list of users. */
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

/** The same for a file that an operator must open to this user. */
export function readReason(error: unknown): string {
  const remedy = isDenied(error) ? ', who must have the right to read it' : '';
  return `cannot be read: ${fileReason(error)}${remedy}`;
}

/** Such as `not permitted (EACCES) for user gear (uid 998)`. */
export function fileReason(error: unknown): string {
  return isDenied(error) ? `${systemReason(error)} for ${readerName()}` : systemReason(error);
}
