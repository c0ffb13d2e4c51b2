/**
 * The pid file: written when the server listens, removed at exit. It is not a lock: a later process replaces it, as
 * with gearmand.
 */
import { accessSync, constants, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileReason } from '../store/file-reason.ts';

/** Mode of the file before the umask, as in gearmand. */
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

/**
 * Checks that the file can be written later, before jobs are restored and peers are served. Throws as writePidFile
 * does.
 */
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

/** Removes the file if it is still ours: a later process may have written its own. Never throws. */
export function removePidFile(path: string, pid: number): void {
  try {
    if (readFileSync(path, 'latin1') === `${pid}\n`) rmSync(path, { force: true });
  } catch {
    // Removed already, or out of reach after the change of user.
  }
}
