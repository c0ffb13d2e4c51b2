/** Checks the arguments of `add`: a function's name, handler and limits. */
import { checkText } from '../link/check-text.ts';
import { ArgumentError } from '../link/errors.ts';
import { checkKnown, type Known } from '../link/known-options.ts';
import { checkMs, checkWhole } from '../link/settings.ts';
import type { Ability } from './ability.ts';
import { ThreadedHandler } from './threaded-handler.ts';
import type { FunctionOptions, Handler, ThreadHandler } from './types.ts';

/** Leaves room for the other arguments in the 8 KiB that job servers read at a time. */
const FUNCTION_BYTES_MAX = 8000;
export const CONCURRENCY_MAX = 1_000_000;

const FUNCTION_OPTIONS: Known<FunctionOptions> = { timeoutMs: true, concurrency: true };

export interface Offer {
  readonly ability: Ability;
  /** Jobs at a time; null = limited by the worker only. */
  readonly limit: number | null;
  /** The threads of its handler, or null. */
  readonly threads: ThreadedHandler | null;
}

/** Throws ArgumentError. `hasCodec`: threads also get the workload decoded by the codec. */
export function offerOf(
  functionName: string,
  handler: Handler<never, unknown> | ThreadHandler,
  options: FunctionOptions,
  hasCodec: boolean,
): Offer {
  checkKnown(`add ${functionName}`, options, FUNCTION_OPTIONS);
  const { timeoutMs = 0, concurrency } = options;
  if (functionName === '') throw new ArgumentError('add: a function name is needed');
  checkText('function name', functionName, FUNCTION_BYTES_MAX);
  if (options.timeoutMs !== undefined) checkMs('timeoutMs', timeoutMs);
  const limit =
    concurrency === undefined ? null : checkWhole('concurrency', concurrency, 1, CONCURRENCY_MAX);
  if (typeof handler === 'function') {
    const run = handler as unknown as Ability['run'];
    return { ability: { functionName, timeoutMs, run }, limit, threads: null };
  }
  const threads = new ThreadedHandler(handler);
  const run: Ability['run'] = (job, context) => threads.run(job, context, hasCodec);
  return {
    ability: { functionName, timeoutMs, run },
    // More jobs than threads would only wait here.
    limit: Math.min(limit ?? threads.threadCount, threads.threadCount),
    threads,
  };
}
