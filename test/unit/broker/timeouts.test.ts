import { describe, expect, it } from 'vitest';
import { MemoryDialogue, plays } from '../../support/dialogue/memory.ts';
import { request } from '../../support/packet-text.ts';

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
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #1 f data
      worker1 > WORK_COMPLETE #1 late
      worker1 > WORK_COMPLETE #1 again
      worker1 < ERROR JOB_NOT_FOUND "Job given in work result not found"
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
      worker > WORK_DATA #1 late
      worker > WORK_COMPLETE #1 late
      worker > WORK_COMPLETE #1 again
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

/** A job that its worker has lost to its timeout. */
const LATE = `
  worker > CAN_DO_TIMEOUT f 1000
  client > SUBMIT_JOB f u data
  client < JOB_CREATED #1
  worker > GRAB_JOB
  worker < JOB_ASSIGN #1 f data
  + 1000 ms
`;
const NOT_FOUND = 'worker < ERROR JOB_NOT_FOUND "Job given in work result not found"';

describe('what a worker says of a job that it lost to its timeout', () => {
  it.each(['WORK_DATA #1 x', 'WORK_WARNING #1 x', 'WORK_STATUS #1 1 2'])(
    'reaches nobody and is no error: %s',
    (line) => {
      plays(`
        ${LATE}
        worker > ${line}
        client > GET_STATUS #1
        client < STATUS_RES #1 1 0 0 0
      `);
    },
  );

  it.each([
    ['WORK_COMPLETE #1 late', 'WORK_COMPLETE #1 late'],
    ['WORK_FAIL #1', 'WORK_FAIL #1'],
    ['WORK_EXCEPTION #1 late', 'WORK_FAIL #1'],
  ])('ends the job while nobody has it: %s', (line, heard) => {
    const { thread } = plays(String.raw`
      ${LATE}
      worker > ${line}
      client < ${heard}
      admin > "status\n"
      admin < "f\x090\x090\x091\n"
      admin < ".\n"
      worker > GRAB_JOB
      worker < NO_JOB
    `);
    const { completed, failed, requeued } = thread.broker.counters;
    expect([completed + failed, requeued]).toEqual([1, 1]);
  });

  it('ends it once: what follows is an error again', () => {
    plays(`
      ${LATE}
      worker > WORK_COMPLETE #1 late
      client < WORK_COMPLETE #1 late
      worker > WORK_COMPLETE #1 again
      ${NOT_FOUND}
    `);
  });

  it('may be an exception and the failure behind it, as Perl workers send them', () => {
    plays(`
      ${LATE}
      worker > WORK_EXCEPTION #1 why
      client < WORK_FAIL #1
      worker > WORK_FAIL #1
      worker > WORK_FAIL #1
      ${NOT_FOUND}
    `);
  });

  it('counts as the end of the run that it has now, and the next one is swallowed', () => {
    plays(`
      ${LATE}
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_COMPLETE #1 first
      client < WORK_COMPLETE #1 first
      worker > WORK_COMPLETE #1 second
      worker > WORK_COMPLETE #1 third
      ${NOT_FOUND}
    `);
  });

  it('is swallowed as often as it has lost the job', () => {
    plays(`
      ${LATE}
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      + 1000 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_COMPLETE #1 first
      client < WORK_COMPLETE #1 first
      worker > WORK_COMPLETE #1 second
      worker > WORK_FAIL #1
      worker > WORK_COMPLETE #1 fourth
      ${NOT_FOUND}
    `);
  });

  it('is swallowed while another worker has the job', () => {
    plays(`
      ${LATE}
      other > CAN_DO f
      other > GRAB_JOB
      other < JOB_ASSIGN #1 f data
      worker > WORK_DATA #1 x
      worker > WORK_EXCEPTION #1 late
      worker > WORK_FAIL #1
      other > WORK_COMPLETE #1 done
      client < WORK_COMPLETE #1 done
    `);
  });

  it('is swallowed when its client has gone meanwhile', () => {
    plays(`
      ${LATE}
      client > (end)
      client < (closed)
      worker > WORK_COMPLETE #1 late
      worker > WORK_COMPLETE #1 again
      ${NOT_FOUND}
    `);
  });

  it('is an error when another lost it, or the function was withdrawn', () => {
    plays(`
      ${LATE}
      other > WORK_COMPLETE #1 x
      other < ERROR JOB_NOT_FOUND "Job given in work result not found"
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      other > CAN_DO f
      worker > WORK_COMPLETE #1 x
      client < WORK_COMPLETE #1 x
      client > SUBMIT_JOB f v data
      client < JOB_CREATED #2
      other > GRAB_JOB
      other < JOB_ASSIGN #2 f data
      other > CANT_DO f
      other > WORK_COMPLETE #2 x
      other < ERROR JOB_NOT_FOUND "Job given in work result not found"
    `);
  });

  it('is an error again for all but the last 64', () => {
    const dialogue = new MemoryDialogue();
    dialogue.play('worker > CAN_DO_TIMEOUT f 1000');
    for (let i = 0; i < 65; i++) dialogue.push('client', request('SUBMIT_JOB_BG', 'f', '', ''));
    dialogue.thread.run();
    const handles =
      dialogue
        .take('client')
        .toString('latin1')
        .match(/H:t:\d+/g) ?? [];
    expect(handles.length).toBe(65);
    for (let i = 0; i < 65; i++) dialogue.push('worker', request('GRAB_JOB'));
    dialogue.thread.run();
    dialogue.take('worker');
    dialogue.thread.advance(1000);
    for (const handle of handles) dialogue.push('worker', request('WORK_COMPLETE', handle, ''));
    dialogue.thread.run();
    expect(dialogue.take('worker').toString('latin1')).toContain('JOB_NOT_FOUND');
    const { counters, jobs } = dialogue.thread.broker;
    expect([counters.completed, jobs.table.count]).toEqual([64, 1]);
    dialogue.sweep();
  });

  it('that is large leaves no blob behind, ending the job or swallowed', () => {
    const dialogue = new MemoryDialogue();
    dialogue.play(LATE);
    const data = 'x'.repeat(200_000);
    dialogue.push('worker', request('WORK_DATA', dialogue.handle(1), data));
    dialogue.push('worker', request('WORK_COMPLETE', dialogue.handle(1), data));
    dialogue.thread.run();
    expect(dialogue.take('client').length).toBeGreaterThan(data.length);
    dialogue.sweep();
  });
});
