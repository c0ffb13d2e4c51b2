/** The user of a database when nobody names one: that of this process, as the C clients do. */
import { loginName } from '../file-reason.ts';

/** Throws Error that names `option` for a process whose uid has no name. */
export function loginUser(option: string): string {
  const name = loginName();
  if (name !== null) return name;
  throw new Error(
    `the uid ${process.geteuid?.()} of this process has no name: name the database's user with ${option}`,
  );
}
