/**
 * What the command `gearmand` does before any other module is read. Rule: no import, so that nothing can come first.
 * A HUP during the start, as from a terminal that closes or a log rotation, must not end the process.
 */

process.on('SIGHUP', () => {});

/** The folder in which the command was started is gone. Threads need one, so `/` takes its place. */
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
