import { describe, it } from 'vitest';
import { plays } from '../../support/near-dialogue.ts';

describe('CAN_DO_TIMEOUT', () => {
  it('takes a job that runs too long back, tells nobody and lets the next worker have it', () => {
    plays(`
      worker1 > CAN_DO_TIMEOUT f 1500
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #1 f data
      worker1 > WORK_STATUS #1 1 2
      client < WORK_STATUS #1 1 2
      worker2 > CAN_DO f
      worker2 > PRE_SLEEP
      + 1499 ms
      + 1 ms
      worker2 < NOOP
      client > GET_STATUS #1
      client < STATUS_RES #1 1 0 0 0
      worker1 > WORK_COMPLETE #1 late
      worker1 < ERROR JOB_NOT_FOUND "Job given in work result not found"
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #1 f data
      worker2 > WORK_COMPLETE #1 done
      client < WORK_COMPLETE #1 done
      + 5000 ms
    `);
  });

  it('sends the job to the tail of its queue', () => {
    plays(`
      worker > CAN_DO_TIMEOUT f 1000
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      + 1000 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f 2
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
    `);
  });

  it('runs for each job on its own', () => {
    plays(`
      worker > CAN_DO_TIMEOUT f 1000
      worker > CAN_DO g
      client > SUBMIT_JOB f 1 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB f 2 2
      client < JOB_CREATED #2
      client > SUBMIT_JOB g 3 3
      client < JOB_CREATED #3
      worker > GRAB_JOB
      worker < JOB_ASSIGN #3 g 3
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      + 600 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f 2
      worker > PRE_SLEEP
      + 400 ms
      worker < NOOP
      client > GET_STATUS #1
      client < STATUS_RES #1 1 0 0 0
      client > GET_STATUS #2
      client < STATUS_RES #2 1 1 0 0
      + 600 ms
      client > GET_STATUS #2
      client < STATUS_RES #2 1 0 0 0
      + 100000 ms
      client > GET_STATUS #3
      client < STATUS_RES #3 1 1 0 0
    `);
  });

  it.each([
    ['WORK_COMPLETE #1 x', 'client < WORK_COMPLETE #1 x'],
    ['WORK_FAIL #1', 'client < WORK_FAIL #1'],
    ['WORK_EXCEPTION #1 x', 'client < WORK_FAIL #1'],
  ])('ends with %s', (line, heard) => {
    plays(String.raw`
      worker > CAN_DO_TIMEOUT f 1000
      client > SUBMIT_JOB f 1 1
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker > ${line}
      ${heard}
      + 5000 ms
      admin > "status\n"
      admin < "f\x090\x090\x091\n"
      admin < ".\n"
    `);
  });

  it.each([
    ['1', 1000],
    ['999', 1000],
    ['1001', 1001],
    ['" 2000abc"', 2000],
  ])('of %s waits %i ms', (text, ms) => {
    plays(`
      worker > CAN_DO_TIMEOUT f ${text}
      client > SUBMIT_JOB f 1 1
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      + ${ms - 1} ms
      client > GET_STATUS #1
      client < STATUS_RES #1 1 1 0 0
      + 1 ms
      client > GET_STATUS #1
      client < STATUS_RES #1 1 0 0 0
    `);
  });

  it.each(['0', '-5', '""', 'abc', '9000000000000000000'])('of %s never ends', (text) => {
    plays(`
      worker > CAN_DO_TIMEOUT f ${text}
      client > SUBMIT_JOB f 1 1
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      + 4000000000 ms
      client > GET_STATUS #1
      client < STATUS_RES #1 1 1 0 0
    `);
  });

  it.each(['0*21', '99999999999999999999'])('of %s is ignored with its function', (text) => {
    plays(String.raw`
      worker > CAN_DO_TIMEOUT f ${text}
      admin > "status\n"
      admin < ".\n"
    `);
  });

  it('of the newest registration counts', () => {
    plays(`
      worker > CAN_DO_TIMEOUT f 1000
      worker > CAN_DO f
      client > SUBMIT_JOB f 1 1
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      + 5000 ms
      worker > WORK_COMPLETE #1 x
      client < WORK_COMPLETE #1 x
    `);
  });

  it('fails the job when its attempts are spent', () => {
    plays(
      `
      worker > CAN_DO_TIMEOUT f 1000
      client > SUBMIT_JOB f 1 1
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      + 1000 ms
      client < WORK_FAIL #1
      worker > WORK_COMPLETE #1 late
      worker < ERROR JOB_NOT_FOUND "Job given in work result not found"
    `,
      { jobRetries: 1 },
    );
  });

  it('drops the job when its client has gone meanwhile', () => {
    plays(`
      worker > CAN_DO_TIMEOUT f 1000
      client > SUBMIT_JOB f 1 1
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      client > (end)
      client < (closed)
      + 1000 ms
      worker > GRAB_JOB
      worker < NO_JOB
    `);
  });
});
