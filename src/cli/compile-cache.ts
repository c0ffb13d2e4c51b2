/** Keeps compiled code of the tools between calls where Node.js can (22 and later): a call takes milliseconds. */
import module from 'node:module';
import { join } from 'node:path';

/**
 * Call it before the tool's modules are loaded. The cache is in the user's own folder, never in a shared one, because
 * its content is executed; without such a folder nothing is kept. NODE_DISABLE_COMPILE_CACHE=1 turns it off.
 */
export function useCompileCache(env: NodeJS.ProcessEnv = process.env): void {
  const { XDG_CACHE_HOME: cache, HOME: home } = env;
  const base = cache || (home && join(home, '.cache'));
  const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };
  if (base) enableCompileCache?.(join(base, 'geartrain'));
}
