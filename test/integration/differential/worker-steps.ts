/** Steps of workers: what they offer, sleep, grab, and what they tell of the jobs they hold. */
import type { Draft, Handler } from './draft.ts';
import { type JobRef, packet } from './frames.ts';
import type { Job } from './model.ts';
import * as pools from './pools.ts';

const TIMEOUTS = ['3600000', '0', '', 'never', '-1'];
const GRABS = ['GRAB_JOB', 'GRAB_JOB_UNIQ', 'GRAB_JOB_ALL'] as const;

export const canDo: Handler = (draft, n) => offer(draft, n, null);

export const canDoTimeout: Handler = (draft, n) =>
  offer(draft, n, TIMEOUTS[(n[2] ?? 0) % TIMEOUTS.length] as string);

/** Outside of the multi mode, a worker that offers another function already keeps to it, or gives it up first. */
function offer(draft: Draft, [choice, other = 0]: readonly number[], timeout: string | null): void {
  const { me, model } = draft;
  let name = draft.functionAt(choice);
  const offered = me.abilities[0];
  if (!draft.setting.isMulti && offered !== undefined && offered !== name) {
    if (other % 2 === 0) name = offered;
    else resetAbilities(draft, []);
  }
  const effect = (): void => model.canDo(me, name);
  if (timeout === null) draft.send('CAN_DO', [name], effect);
  else draft.send('CAN_DO_TIMEOUT', [name, timeout], effect);
}

export const cantDo: Handler = (draft, [choice = 0]) => {
  const { me, model } = draft;
  const name = me.abilities[choice % Math.max(1, me.abilities.length)] ?? draft.functionAt(choice);
  draft.send('CANT_DO', [name], () => model.cantDo(me, name));
};

export const resetAbilities: Handler = (draft) => {
  draft.send('RESET_ABILITIES', [], () => draft.model.resetAbilities(draft.me));
};

export const preSleep: Handler = (draft) => {
  draft.send('PRE_SLEEP', [], () => draft.model.preSleep(draft.me));
};

export const grab: Handler = (draft, [form = 0]) => {
  draft.send(GRABS[form % 3] as (typeof GRABS)[number], [], () => draft.model.grab(draft.me));
};

/** Who has nothing in hand mostly takes something first. */
export const orGrab =
  (handler: Handler): Handler =>
  (draft, n) => {
    if (draft.me.held.length === 0 && (n[5] ?? 0) % 4 !== 0) grab(draft, n);
    else handler(draft, n);
  };

interface Target {
  readonly handle: JobRef | string;
  /** The job, when the acting connection holds it. */
  readonly job: Job | null;
}

/** A job that the connection holds, or, one in eight times or when it holds none, some other handle. */
export function workTarget(draft: Draft, n: number, m: number): Target {
  const { held } = draft.me;
  if (held.length > 0 && n % 8 !== 0) {
    const job = held[m % held.length] as Job;
    return { handle: { job: job.index }, job };
  }
  const handle = draft.handleAt(n >>> 4, m);
  const index = typeof handle === 'string' ? -1 : handle.job;
  return { handle, job: held.find((j) => j.index === index) ?? null };
}

export const work: Handler = (draft, [kind = 0, choice = 0, m = 0, value = 0, other = 0]) => {
  const target = workTarget(draft, choice, m);
  const { handle } = target;
  switch (kind % 12) {
    case 0:
    case 1:
      draft.send('WORK_DATA', [handle, pools.workload(value)]);
      break;
    case 2:
      draft.send('WORK_WARNING', [handle, pools.workload(value)]);
      break;
    case 3:
    case 4:
      draft.send('WORK_STATUS', [handle, pools.numerator(value), pools.denominator(other)]);
      break;
    case 5:
    case 6: {
      // Some workers end the handle with a NUL.
      const hasNul = value % 3 === 0 && typeof handle !== 'string';
      final(draft, target, 'WORK_FAIL', hasNul ? [{ ...handle, suffix: '\0' }] : [handle]);
      break;
    }
    default:
      final(draft, target, 'WORK_COMPLETE', [handle, pools.workload(value)]);
  }
};

/** A packet that ends its job. For a job that an exception has ended it is swallowed by ours, an ERROR in gearmand. */
function final(
  draft: Draft,
  { handle, job }: Target,
  name: 'WORK_FAIL' | 'WORK_COMPLETE',
  args: Parameters<Draft['send']>[1],
): void {
  draft.frames.push(packet(name, ...args));
  const { exceptionJob } = draft.me;
  if (typeof handle !== 'string' && exceptionJob?.index === handle.job) {
    draft.gearmandErrors++;
    draft.me.exceptionJob = null;
  } else if (job !== null) draft.whenSent(() => draft.model.ended(job));
}

export const exception: Handler = (draft, [follow = 0, choice = 0, m = 0, value = 0]) => {
  const target = workTarget(draft, choice, m);
  const { handle, job } = target;
  draft.send('WORK_EXCEPTION', [handle, pools.workload(value)]);
  if (job === null) return;
  draft.me.exceptionJob = job;
  draft.whenSent(() => draft.model.ended(job));
  if (follow % 4 === 1) final(draft, target, 'WORK_FAIL', [handle]);
  if (follow % 4 === 3) final(draft, target, 'WORK_COMPLETE', [handle, '']);
};
