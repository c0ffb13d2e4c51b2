/** The default user of a database: that of this process, as with the C clients. */
import { loginName } from '../file-reason.ts';

/** Throws Error that names `option` when the uid of the process has no name. */
export function loginUser(option: string): string {
  const name = loginName();
  if (name !== null) return name;
  throw new Error(
    `the uid ${process.geteuid?.()} of this process has no name: name the database's user with ${option}`,
  );
}
