/**
 * Runs before any other module of the command `gearmand` is loaded. Rule: this file imports nothing, so that nothing
 * runs before it. A HUP during the start, from a closing terminal or a log rotation, must not end the process.
 */

process.on('SIGHUP', () => {});

/** Whether the working folder no longer exists. Threads need one, so `/` replaces it. */
export const isFolderGone: boolean = hasLostFolder();

function hasLostFolder(): boolean {
  try {
    process.cwd();
    return false;
  } catch {
    process.chdir('/');
    return true;
  }
}
