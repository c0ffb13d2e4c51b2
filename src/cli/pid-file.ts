/**
 * The pid file: made anew when the server listens, taken away at exit. No lock: a later process takes it over, as with
 * gearmand.
 */
import { accessSync, constants, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileReason } from '../store/file-reason.ts';

/** gearmand's mode, before the umask. */
const PID_FILE_MODE = 0o744;

/** Writes `PID` and LF to a new file at `path`. Throws Error with what was tried. */
export function writePidFile(path: string, pid: number): void {
  try {
    rmSync(path, { force: true });
    writeFileSync(path, `${pid}\n`, { mode: PID_FILE_MODE, flag: 'wx' });
  } catch (error) {
    throw refused(path, error);
  }
}

/** Before jobs are read back and anybody is served: whether the file can be written later. Throws the same. */
export function checkPidFile(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw refused(path, error);
  }
}

function refused(path: string, cause: unknown): Error {
  return new Error(`option --pid-file: write ${path}: ${fileReason(cause)}`, { cause });
}

/** Removes the file if it still is ours: a later process may have written its own. Never throws. */
export function removePidFile(path: string, pid: number): void {
  try {
    if (readFileSync(path, 'latin1') === `${pid}\n`) rmSync(path, { force: true });
  } catch {
    // Gone already, or no longer reachable after the change of user: nothing to take away.
  }
}
