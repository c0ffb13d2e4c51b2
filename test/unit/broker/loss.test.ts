import { describe, it } from 'vitest';
import { plays } from '../../support/dialogue/memory.ts';

describe('a worker that is lost', () => {
  it('leaves its job to the next one, under the same handle, and nobody is told', () => {
    plays(String.raw`
      worker1 > CAN_DO f
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #1 f data
      worker1 > WORK_STATUS #1 1 2
      client < WORK_STATUS #1 1 2
      worker1 > (end)
      worker1 < (closed)
      client > GET_STATUS #1
      client < STATUS_RES #1 1 0 0 0
      admin > "show jobs\n"
      admin < "#1\x091\x090\x090\n"
      admin < ".\n"
      worker2 > CAN_DO f
      worker2 > GRAB_JOB_UNIQ
      worker2 < JOB_ASSIGN_UNIQ #1 f u data
      worker2 > WORK_COMPLETE #1 done
      client < WORK_COMPLETE #1 done
    `);
  });

  it('gives its jobs back to the tail of their priority, newest assigned first', () => {
    plays(`
      client > SUBMIT_JOB_BG f "" q0
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f "" q1
      client < JOB_CREATED #2
      client > SUBMIT_JOB_BG f "" q2
      client < JOB_CREATED #3
      client > SUBMIT_JOB_BG f "" q3
      client < JOB_CREATED #4
      client > SUBMIT_JOB_BG f "" q4
      client < JOB_CREATED #5
      worker1 > CAN_DO f
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #1 f q0
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #2 f q1
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #3 f q2
      worker1 > (end)
      worker1 < (closed)
      worker2 > CAN_DO f
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #4 f q3
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #5 f q4
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #3 f q2
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #2 f q1
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #1 f q0
    `);
  });

  it('gives a high job back before waiting normal ones', () => {
    plays(`
      client > SUBMIT_JOB_HIGH_BG f "" high
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f "" normal
      client < JOB_CREATED #2
      worker1 > CAN_DO f
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #1 f high
      worker1 > (reset)
      worker1 < (closed)
      worker2 > CAN_DO f
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #1 f high
    `);
  });

  it('loses jobs of one function only with CANT_DO, and later results for them are refused', () => {
    plays(`
      worker > CAN_DO f
      worker > CAN_DO f
      worker > CAN_DO g
      client > SUBMIT_JOB f u 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB g u 2
      client < JOB_CREATED #2
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 g 2
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker > CANT_DO f
      client > GET_STATUS #1
      client < STATUS_RES #1 1 0 0 0
      worker > WORK_COMPLETE #1 late
      worker < ERROR JOB_NOT_FOUND "Job given in work result not found"
      worker > GRAB_JOB
      worker < NO_JOB
      worker > WORK_COMPLETE #2 done
      client < WORK_COMPLETE #2 done
    `);
  });

  it('loses all jobs with RESET_ABILITIES', () => {
    plays(`
      worker > CAN_DO f
      worker > CAN_DO g
      client > SUBMIT_JOB f u 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB g u 2
      client < JOB_CREATED #2
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 g 2
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker > RESET_ABILITIES
      worker > RESET_ABILITIES
      worker > CANT_DO f
      client > GET_STATUS #1
      client < STATUS_RES #1 1 0 0 0
      client > GET_STATUS #2
      client < STATUS_RES #2 1 0 0 0
    `);
  });
});

describe('--job-retries', () => {
  const once = (worker: string, isLast: boolean) => `
    ${worker} > CAN_DO f
    ${worker} > GRAB_JOB
    ${worker} < JOB_ASSIGN #1 f data
    ${worker} > (end)
    ${isLast ? 'client < WORK_FAIL #1' : ''}
    ${worker} < (closed)
  `;

  it.each([0, 1])('%i fails a job at its first loss', (jobRetries) => {
    plays(
      `
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      ${once('worker', true)}
      client > GET_STATUS #1
      client < STATUS_RES #1 0 0 0 0
    `,
      { jobRetries },
    );
  });

  it('3 gives a job three runs, whatever ends them', () => {
    plays(
      `
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      ${once('worker1', false)}
      worker2 > CAN_DO_TIMEOUT f 1000
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #1 f data
      + 1000 ms
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #1 f data
      worker2 > CANT_DO f
      client < WORK_FAIL #1
    `,
      { jobRetries: 3 },
    );
  });

  it('-1 never fails a job', () => {
    const rounds = Array.from({ length: 300 }, (_, i) => once(`worker${i}`, false)).join('\n');
    plays(String.raw`
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      ${rounds}
      admin > "show jobs\n"
      admin < "#1\x09300\x090\x090\n"
      admin < ".\n"
    `);
  });

  it('fails a background job in silence', () => {
    plays(
      `
      client > SUBMIT_JOB_BG f u data
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > (end)
      worker < (closed)
      client > GET_STATUS #1
      client < STATUS_RES #1 0 0 0 0
    `,
      { jobRetries: 1 },
    );
  });

  it('does not count WORK_FAIL, which is final', () => {
    plays(
      `
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      client < WORK_FAIL #1
      worker > GRAB_JOB
      worker < NO_JOB
    `,
      { jobRetries: 5 },
    );
  });
});

describe('a client that is lost', () => {
  it('takes its waiting jobs with it at once', () => {
    plays(String.raw`
      client > SUBMIT_JOB f u1 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB f u2 2
      client < JOB_CREATED #2
      client > SUBMIT_JOB f u3 3
      client < JOB_CREATED #3
      other > SUBMIT_JOB f u2 2
      other < JOB_CREATED #2
      client > (end)
      client < (closed)
      admin > "status\n"
      admin < "f\x091\x090\x090\n"
      admin < ".\n"
      other > GET_STATUS_UNIQUE u2
      other < STATUS_RES_UNIQUE u2 1 0 0 0 1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f 2
      worker > WORK_COMPLETE #2 done
      other < WORK_COMPLETE #2 done
    `);
  });

  it('leaves a running job to its worker, which is not told', () => {
    plays(String.raw`
      client > SUBMIT_JOB f u 1
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      client > (reset)
      client < (closed)
      admin > "show jobs\n"
      admin < "#1\x090\x091\x090\n"
      admin < ".\n"
      worker > WORK_STATUS #1 1 2
      other > GET_STATUS #1
      other < STATUS_RES #1 1 1 1 2
      worker > WORK_COMPLETE #1 done
      other > GET_STATUS #1
      other < STATUS_RES #1 0 0 0 0
    `);
  });

  it('and then the worker: the job is dropped', () => {
    plays(String.raw`
      client > SUBMIT_JOB f u 1
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      client > (end)
      client < (closed)
      worker > (end)
      worker < (closed)
      admin > "show jobs\n"
      admin < ".\n"
    `);
  });

  it('leaves background jobs alone', () => {
    plays(`
      client > SUBMIT_JOB_BG f u 1
      client < JOB_CREATED #1
      client > (end)
      client < (closed)
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
    `);
  });

  it('ends every subscription that it had to one job, the others keep theirs', () => {
    plays(`
      client1 > SUBMIT_JOB f u 1
      client1 < JOB_CREATED #1
      client2 > SUBMIT_JOB f u 1
      client2 < JOB_CREATED #1
      client1 > SUBMIT_JOB f u 1
      client1 < JOB_CREATED #1
      client3 > SUBMIT_JOB f u 1
      client3 < JOB_CREATED #1
      client1 > (end)
      client1 < (closed)
      client2 > GET_STATUS #1
      client2 < STATUS_RES #1 1 0 0 0
      client2 > GET_STATUS_UNIQUE u
      client2 < STATUS_RES_UNIQUE u 1 0 0 0 2
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      client4 > SUBMIT_JOB f u 1
      client4 < JOB_CREATED #1
      client3 > (end)
      client3 < (closed)
      worker > WORK_COMPLETE #1 done
      client2 < WORK_COMPLETE #1 done
      client4 < WORK_COMPLETE #1 done
    `);
  });

  it('of half a request is forgotten with what it sent', () => {
    plays(String.raw`
      client > "\0REQ\0\0\0\x07\0\0\0\xc8f\0u\0"
      client > (end)
      client < (closed)
      other > "stat"
      other > (end)
      other < (closed)
    `);
  });
});
