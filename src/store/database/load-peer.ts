/** Loads the driver of a database on first use. Rule: when it is missing the error says which command installs it. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** `queue` is gearmand's name of the store; `advice` follows the command. Throws an Error that says what to do. */
export function loadPeer(name: string, version: string, queue: string, advice = ''): unknown {
  try {
    return require(name);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'MODULE_NOT_FOUND' ? 'it is not installed' : message;
    throw new Error(
      `load ${name} for -q ${queue}: ${reason}; install it with: npm install ${name}@${version}${advice}`,
      { cause: error },
    );
  }
}
