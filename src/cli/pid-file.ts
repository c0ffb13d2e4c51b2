/** The pid file: made anew at start, taken away at exit. No lock: who comes later takes it over, as with gearmand. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

/** gearmand's mode, before the umask. */
const PID_FILE_MODE = 0o744;

/** Writes `PID` and LF to a new file at `path`. Throws Error with what was tried. */
export function writePidFile(path: string, pid: number): void {
  try {
    rmSync(path, { force: true });
    writeFileSync(path, `${pid}\n`, { mode: PID_FILE_MODE, flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`write the pid file ${path}: ${code ?? message}`, { cause: error });
  }
}

/** Removes the file if it still is ours: a later process may have written its own. Never throws. */
export function removePidFile(path: string, pid: number): void {
  try {
    if (readFileSync(path, 'latin1') === `${pid}\n`) rmSync(path, { force: true });
  } catch {
    // Gone already, or no longer reachable after the change of user: nothing to take away.
  }
}
