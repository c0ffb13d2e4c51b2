/**
 * Standard output and standard error of the command `gearmand`. Rule: a server goes on when nobody reads them, or they
 * cannot be written; Node reports that as an event, or where a file stands behind it by throwing.
 */

/** From now on a stream that fails ends nothing. Call it once. */
export function surviveLostStreams(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

/** Writes what can be lost. */
export function writeIfPossible(stream: NodeJS.WritableStream, text: string): void {
  try {
    stream.write(text);
  } catch {
    // Nobody is left to be told.
  }
}
