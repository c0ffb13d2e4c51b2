/**
 * Standard output and standard error of the command `gearmand`. Rule: the server continues when their reader is gone
 * or they cannot be written; Node reports that as an event, or by throwing when they are files.
 */

/** From now on a failing stream has no consequences. Call it once. */
export function surviveLostStreams(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

/** Writes text that may be lost. */
export function writeIfPossible(stream: NodeJS.WritableStream, text: string): void {
  try {
    stream.write(text);
  } catch {
    // There is no place left to report it.
  }
}
