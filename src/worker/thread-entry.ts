/**
 * Runs in a thread of a handler's pool: loads the handler once, runs one job at a time, and sends the job's packets
 * over its port. Rule: an error of a handler is a result; it never ends the thread.
 */
import type { MessagePort } from 'node:worker_threads';
import { utf8 } from '../link/arguments.ts';
import type { Workload } from '../link/codec.ts';
import { JobFailed, type Retry } from '../link/errors.ts';
import type { ThreadMessage, ThreadOutcome, ThreadTask } from './threaded-handler.ts';
import type { Handler, WorkerJob } from './types.ts';

/** The signal of handlers in threads. It never aborts, because at the job's deadline the thread itself is ended. */
const NEVER = new AbortController().signal;

export default async function runTask(task: ThreadTask): Promise<ThreadOutcome> {
  const { port } = task;
  try {
    const handler = await handlerOf(task.file);
    const value = await handler(jobOf(task, port), { signal: NEVER });
    return { kind: 'result', value };
  } catch (error) {
    // A class of another copy of the package counts too.
    const { code, message, delayMs } = (error ?? {}) as Partial<Retry>;
    if (code === 'ERR_GEARMAN_RETRY')
      return { kind: 'retry', delayMs: delayMs as number, message: String(message) };
    if (code === 'ERR_GEARMAN_DEAD') return { kind: 'dead', message: String(message) };
    const isBytes = typeof error === 'string' || error instanceof Uint8Array;
    const { stack } = (error ?? {}) as Partial<Error>;
    return {
      kind: 'failed',
      isSilent: code === new JobFailed().code,
      exception: isBytes ? error : ((error as Error | null)?.message ?? String(error)),
      stack: error instanceof Error && typeof stack === 'string' ? stack : null,
    };
  } finally {
    port.close();
  }
}

async function handlerOf(file: string): Promise<Handler<unknown, unknown>> {
  const module = (await import(file)) as { default?: unknown };
  // A CommonJS module compiled from ESM has its default export one level deeper.
  const outer = module.default as { default?: unknown } | undefined;
  const handler = typeof outer === 'function' ? outer : outer?.default;
  if (typeof handler === 'function') return handler as Handler<unknown, unknown>;
  throw new TypeError(`handler file ${file}: its default export is not a function`);
}

function jobOf(task: ThreadTask, port: MessagePort): WorkerJob<unknown> {
  const { functionName, handle, attempt, unique, reducer, data, input } = task;
  const send = (message: ThreadMessage): void => port.postMessage(message);
  return {
    functionName,
    handle,
    attempt,
    unique,
    reducer,
    data,
    input: input === null ? data : input.value,
    text: () => utf8(data),
    json: <V>() => JSON.parse(utf8(data)) as V,
    sendData: (part: Workload) => send({ kind: 'data', data: part }),
    warn: (text: Workload) => send({ kind: 'warning', data: text }),
    progress: (numerator: number, denominator: number) =>
      send({ kind: 'progress', numerator, denominator }),
  };
}
