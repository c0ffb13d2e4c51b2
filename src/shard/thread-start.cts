/**
 * What piscina loads into a shard's thread: a CommonJS file that imports the real entry. Rule: no ES module here.
 * Piscina tries `require` first, and Node 20 and 22 abort the whole process when a thread is terminated while it
 * requires an ES module (assertion in CreateRequiredModuleFacade); `import` may be cut off at any point. One that fails
 * ends the thread, because it would fail there for ever.
 */
import type { EntryResult, EntryTask } from './entry.ts' with { 'resolution-mode': 'import' };

module.exports = async (task: EntryTask): Promise<EntryResult> => {
  let entry: typeof import('./entry.ts', { with: { 'resolution-mode': 'import' }});
  try {
    entry = await import('./entry.ts');
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
    return new Promise(() => {});
  }
  return entry.default(task);
};
