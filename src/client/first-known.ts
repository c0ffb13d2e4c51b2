/** Sends one query to several servers. The first answer from a server that knows the job counts. */
import type { JobStatus } from './types.ts';

/**
 * The first answer of a server that knows the job. If all servers have answered and none knows it, any of these
 * answers; otherwise the first error.
 */
export function firstKnown<S extends JobStatus>(answers: readonly Promise<S>[]): Promise<S> {
  return new Promise((resolve, reject) => {
    let open = answers.length;
    let unknown: S | null = null;
    let failure: { error: unknown } | null = null;
    const settle = (): void => {
      if (--open > 0) return;
      if (failure !== null) reject(failure.error);
      else resolve(unknown as S);
    };
    for (const answer of answers)
      answer.then(
        (status) => {
          if (status.isKnown) resolve(status);
          else unknown = status;
          settle();
        },
        (error) => {
          failure ??= { error };
          settle();
        },
      );
  });
}
