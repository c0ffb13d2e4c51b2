/** What the owner of a bucket does with records of homes, and with what its journal has stored. */
import { type Entry, EntryKind } from './entries.ts';
import { giveBack, got, grab, held, settle, work } from './owner-runs.ts';
import { done } from './owner-servers.ts';
import type { OwnerState } from './owner-state.ts';
import { cancel, stored, submit, unwatch } from './owner-submits.ts';
import type { HomeRecord } from './records.ts';

/** A record of this epoch. `mayHandOut`: background jobs may be assigned now. */
export function obey(
  owner: OwnerState,
  from: string,
  record: HomeRecord,
  mayHandOut: boolean,
): void {
  switch (record.type) {
    case 'submit':
      submit(owner, from, record);
      break;
    case 'cancel':
      cancel(owner, from, record.number, record.lowest);
      break;
    case 'grab':
      grab(owner, from, record, mayHandOut);
      break;
    case 'return':
    case 'lost':
      giveBack(owner, from, record.key, record.assignment, record.type === 'return');
      break;
    case 'work':
      work(owner, from, record);
      break;
    case 'held':
      held(owner, from, record);
      break;
    case 'got':
      got(owner, from, record);
      break;
    case 'left': {
      const job = owner.jobs.find(record.key);
      const { submit: number } = record;
      if (job !== undefined)
        unwatch(owner, job, ({ home, submit: one }) => home === from && one === number);
      break;
    }
    case 'done':
      done(owner, from);
      break;
  }
}

/** A commit with these entries is stored. */
export function committed(owner: OwnerState, entries: readonly Entry[]): void {
  for (const entry of entries) {
    if (entry.kind === EntryKind.ANSWERED) continue;
    const job = owner.jobs.find(entry.key);
    if (job === undefined) continue;
    if (entry.kind === EntryKind.PUT) {
      stored(owner, job);
      if (job.state === 'storing') owner.jobs.queue(job, false);
    } else {
      job.isForgotten = true;
      settle(owner, job);
    }
  }
}
