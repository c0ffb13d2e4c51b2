/** Late packets of a worker that runs several jobs at a time: the end of a first run never ends a second one. */
import { expect, it } from 'vitest';
import { parsePolicyRule } from '../../../src/policy/rule.ts';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';

const TIMED = 'f=attempts:3,backoff:fixed:50ms,jitter:0,timeout:100ms';

/** A worker holds job #1, has asked for another one meanwhile, and loses #1 to the timeout of the policy. */
function lost(policy = TIMED, offer = 'CAN_DO f', ms = 100): MemoryDialogue {
  return new MemoryDialogue({ policies: [parsePolicyRule(policy)] }).play(`
    worker > ${offer}
    client > SUBMIT_JOB_BG f "" data
    client < JOB_CREATED #1
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1 f data
    worker > GRAB_JOB
    worker < NO_JOB
    worker > PRE_SLEEP
    + ${ms} ms
  `);
}

it('is not woken for the job, does not get it, and gets it when its final packet has come', () => {
  const dialogue = lost();
  dialogue.play(`
    + 50 ms
    worker > GRAB_JOB
    worker < NO_JOB
    worker > PRE_SLEEP
    + 200 ms
    worker > WORK_COMPLETE #1 late
    worker < NOOP
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1 f data
    worker > WORK_COMPLETE #1 done
    worker > GRAB_JOB
    worker < NO_JOB
  `);
  expect(dialogue.thread.broker.counters.completed).toBe(1);
  dialogue.sweep();
});

it('leaves the job to others, also when it sleeps longer', () => {
  lost()
    .play(`
      other > CAN_DO f
      other > PRE_SLEEP
      + 50 ms
      other < NOOP
      other > GRAB_JOB
      other < JOB_ASSIGN #1 f data
      worker > WORK_DATA #1 late
      worker > WORK_FAIL #1
      other > WORK_COMPLETE #1 done
    `)
    .sweep();
});

it('gets the other jobs of the function, also those behind it', () => {
  lost()
    .play(`
      + 50 ms
      client > SUBMIT_JOB_BG f "" more
      client < JOB_CREATED #2
      worker < NOOP
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f more
      worker > GRAB_JOB
      worker < NO_JOB
      other > CAN_DO f
      other > GRAB_JOB
      other < JOB_ASSIGN #1 f data
    `)
    .sweep();
});

it('that ends leaves nothing owed', () => {
  const dialogue = lost().play(`
    + 50 ms
    worker > (end)
    worker < (closed)
  `);
  expect(dialogue.thread.broker.functionCalled('f')?.owed).toBe(0);
  dialogue.sweep();
});

it('gets the job again at once when it has never asked for a second one: it has left the first run', () => {
  new MemoryDialogue({ policies: [parsePolicyRule(TIMED)] })
    .play(`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f "" data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      + 100 ms
      + 50 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_COMPLETE #1 done
      worker > GRAB_JOB
      worker < NO_JOB
    `)
    .sweep();
});

it('after its own timeout ends the job while nobody has had it since', () => {
  const dialogue = lost('f=attempts:3', 'CAN_DO_TIMEOUT f 1', 1000).play(
    'worker > WORK_COMPLETE #1 late',
  );
  expect(dialogue.thread.broker.counters.completed).toBe(1);
  dialogue.sweep();
});

it('after its own timeout ends no job that another worker has had since', () => {
  const dialogue = lost('f=attempts:3', 'CAN_DO_TIMEOUT f 1', 1000).play(`
    other > CAN_DO f
    other > GRAB_JOB
    other < JOB_ASSIGN #1 f data
    + 1 ms
    other > (end)
    other < (closed)
    worker > WORK_COMPLETE #1 late
    worker < NOOP
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1 f data
  `);
  expect(dialogue.thread.broker.counters.completed).toBe(0);
  dialogue.sweep();
});
