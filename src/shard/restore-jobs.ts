/**
 * Jobs that a store kept come back before anybody is served, with a line of progress each second. Where their place is away
 * at the start they come while peers are served: then each may run as soon as it is there.
 */
import type { Clock } from '../base/clock.ts';
import { type Logger, LogLevel } from '../base/logger.ts';
import type { Broker } from '../broker/broker.ts';
import { Restore } from '../broker/restore.ts';
import type { Store } from '../store/store.ts';

const PROGRESS_MS = 1_000;

/** What the thread does around events in which jobs come back. */
export interface RestoreEvents {
  /** Sets the time. */
  begin(): void;
  /** All of them may run; in the same event. */
  ready(): void;
}

/** Resolves to the number of jobs, 0 when they come later; rejects when the store cannot be used. */
export function restoreJobs(
  broker: Broker,
  store: Store,
  clock: Clock,
  log: Logger,
  { begin, ready }: RestoreEvents,
): Promise<number> {
  const restore = new Restore(broker);
  const startMs = clock.nowMs();
  let firstMs = startMs;
  let lineMs = startMs;
  let count = 0;
  let isLate = false;
  begin();
  const tell = (nowMs: number): void => {
    const perSecond = (count * 1000) / Math.max(1, nowMs - firstMs);
    const leftSeconds = Math.ceil((store.health.jobs - count) / Math.max(1, perSecond));
    const rate = Math.round(perSecond);
    log.log(
      LogLevel.NOTICE,
      `replay: ${count} of ${store.health.jobs} jobs, ${rate} jobs/s, ${leftSeconds} s left`,
    );
    lineMs = nowMs;
  };
  return new Promise((resolve, reject) => {
    store.replay(
      (job, reference, order) => {
        if (count === 0) firstMs = clock.nowMs();
        if (isLate) begin();
        restore.take(job, reference, order);
        if (isLate) restore.finish();
        count++;
        if ((count & 0xfff) === 0 && clock.nowMs() - lineMs >= PROGRESS_MS) tell(clock.nowMs());
      },
      (error) => {
        if (error !== null) {
          reject(error);
          return;
        }
        begin();
        restore.finish();
        ready();
        const seconds = ((clock.nowMs() - startMs) / 1000).toFixed(2);
        if (count > 0) log.log(LogLevel.NOTICE, `replay: all ${count} jobs in ${seconds} s`);
        resolve(count);
      },
      () => {
        isLate = true;
        resolve(0);
      },
    );
  });
}
