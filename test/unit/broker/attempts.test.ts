/** OPTION_REQ `attempts`: handles with the number of a run, and packets that count for this run alone. */
import { expect, it } from 'vitest';
import { parsePolicyRule } from '../../../src/policy/rule.ts';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';

const FIXED = 'f=attempts:3,backoff:fixed:50ms,jitter:0,fg:1';

/** A worker that has failed job #1 once and may have it again. */
function failedOnce(policy = FIXED, submit = 'SUBMIT_JOB'): MemoryDialogue {
  return new MemoryDialogue({ policies: [parsePolicyRule(policy)] }).play(`
    worker > OPTION_REQ attempts
    worker < OPTION_RES attempts
    worker > CAN_DO f
    client > ${submit} f u data
    client < JOB_CREATED #1
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1 f data
    worker > WORK_FAIL #1
    + 50 ms
  `);
}

it('numbers the runs after the first one; clients see the plain handle', () => {
  failedOnce()
    .play(`
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #1~2.1 f u data
      worker > WORK_DATA #1~2.1 "a\\0b"
      client < WORK_DATA #1 "a\\0b"
      worker > WORK_STATUS #1~2.1 3 4
      client < WORK_STATUS #1 3 4
      worker > WORK_WARNING! #1~2.1
      client < WORK_WARNING #1 ""
      client > GET_STATUS #1~2.1
      client < STATUS_RES #1~2.1 1 1 3 4
      worker > WORK_EXCEPTION #1~2.1 no
      worker > WORK_FAIL #1~2.1
      + 50 ms
      worker > GRAB_JOB_ALL
      worker < JOB_ASSIGN_UNIQ #1~3.2 f u data
      worker > WORK_COMPLETE #1~3.2 done
      client < WORK_COMPLETE #1 done
    `)
    .sweep();
});

it('ignores packets of other runs of the job, without an ERROR', () => {
  const dialogue = failedOnce().play(`
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1~2.1 f data
    worker > WORK_DATA #1 late
    worker > WORK_COMPLETE #1 late
    worker > WORK_EXCEPTION #1~2.2 never
    worker > WORK_FAIL #1~1.9
    worker > WORK_COMPLETE #1~2.1 done
    client < WORK_COMPLETE #1 done
    worker > WORK_COMPLETE #1~2.1 again
    worker < ERROR JOB_NOT_FOUND "Job given in work result not found"
  `);
  expect(dialogue.thread.broker.counters.retried).toBe(1);
  dialogue.sweep();
});

it('ignores the late end of a numbered run that timed out, whoever has the job', () => {
  failedOnce('f=attempts:9,backoff:fixed:50ms,jitter:0,timeout:100ms', 'SUBMIT_JOB_BG')
    .play(`
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1~2.1 f data
      + 150 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1~3.2 f data
      worker > WORK_FAIL #1~2.1
      worker > WORK_COMPLETE #1~2.1 late
      worker > WORK_FAIL "#1~3.2\\0"
      + 50 ms
      old > CAN_DO f
      old > GRAB_JOB
      old < JOB_ASSIGN #1 f data
      worker > WORK_COMPLETE #1~3.2 late
      worker < ERROR JOB_NOT_FOUND "Job given in work result not found"
      old > WORK_COMPLETE #1 done
      client > GET_STATUS #1
      client < STATUS_RES #1 0 0 0 0
    `)
    .sweep();
});

it('counts from the job that is assigned after the option', () => {
  new MemoryDialogue({ policies: [parsePolicyRule(FIXED)] })
    .play(`
      client > SUBMIT_JOB_BG f "" data
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      + 50 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > OPTION_REQ ATTEMPTS
      worker < OPTION_RES ATTEMPTS
      worker > WORK_FAIL #1
      + 50 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1~3.1 f data
      worker > WORK_COMPLETE #1~3.1 done
    `)
    .sweep();
});

it('leaves the attempt as it is when the worker is lost, and begins anew after a kick', () => {
  failedOnce('f=attempts:2,backoff:fixed:50ms,jitter:0', 'SUBMIT_JOB_BG').play(`
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1~2.1 f data
    worker > CANT_DO f
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1~2.2 f data
    worker > WORK_FAIL #1~2.2
    operator > "kick job #1~2.2\\n"
    operator < "OK\\r\\n"
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1 f data
    worker > WORK_FAIL #1
    + 50 ms
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1~2.3 f data
    operator > "cancel job #1~9.9\\n"
    operator < "OK\\r\\n"
  `);
});

it('takes only suffixes of this form', () => {
  const dialogue = failedOnce().play(`
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1~2.1 f data
  `);
  for (const suffix of ['~', '~2', '~2.', '~.1', '~2.1~2.1', '~2.1.1', '~a.1', '~00000000000000.1'])
    dialogue.play(`
      worker > WORK_COMPLETE #1${suffix} no
      worker < ERROR JOB_NOT_FOUND "Job given in work result not found"
      client > GET_STATUS #1${suffix}
      client < STATUS_RES #1${suffix} 0 0 0 0
    `);
  dialogue.play(`
    worker > WORK_COMPLETE #1~2.1 done
    client < WORK_COMPLETE #1 done
  `);
});
