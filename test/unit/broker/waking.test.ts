import { describe, expect, it } from 'vitest';
import { MemoryDialogue, plays as playsWith } from '../../support/dialogue/memory.ts';
import type { OwnThreadOptions } from '../../support/own-thread.ts';

/** With 0 every worker is one of very many functions. */
describe.each([100, 0])('waking, workers are narrow up to %i functions', (fewFunctionsMax) => {
  const plays = (script: string, options: OwnThreadOptions = {}) =>
    playsWith(script, { fewFunctionsMax, ...options });

  it('sends one NOOP for one job, to the longest sleeper', () => {
    plays(`
      worker1 > CAN_DO f
      worker2 > CAN_DO f
      worker3 > CAN_DO f
      worker2 > PRE_SLEEP
      worker3 > PRE_SLEEP
      worker1 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker2 < NOOP
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      worker3 < NOOP
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #1 f 1
      worker3 > GRAB_JOB
      worker3 < JOB_ASSIGN #2 f 2
      client > SUBMIT_JOB_BG f "" 3
      client < JOB_CREATED #3
      worker1 < NOOP
    `);
  });

  it('wakes one of 1,000 sleepers for one job', () => {
    const dialogue = new MemoryDialogue({ fewFunctionsMax });
    for (let i = 0; i < 1000; i++) {
      dialogue.push(
        `worker${i}`,
        Buffer.from('\0REQ\0\0\0\x01\0\0\0\x01f\0REQ\0\0\0\x04\0\0\0\0', 'latin1'),
      );
    }
    dialogue.thread.run();
    dialogue.play(`
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker0 < NOOP
      + 99 ms
      + 1 ms
      worker1 < NOOP
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #1 f 1
      + 1000 ms
    `);
  });

  it('keeps the longest sleeper first although it sends PRE_SLEEP again', () => {
    plays(`
      worker1 > CAN_DO f
      worker2 > CAN_DO f
      worker1 > PRE_SLEEP
      worker2 > PRE_SLEEP
      worker1 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker1 < NOOP
    `);
  });

  it('never sends NOOP to a worker that is awake', () => {
    plays(`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      worker > PRE_SLEEP
      worker < NOOP
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f 2
    `);
  });

  it('answers PRE_SLEEP with NOOP whenever a job waits that nobody else was woken for', () => {
    plays(`
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > PRE_SLEEP
      worker < NOOP
      worker > PRE_SLEEP
      worker < NOOP
      other > CAN_DO f
      other > PRE_SLEEP
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
    `);
  });

  it('wakes the next sleeper when a woken one has not come for 100 ms', () => {
    plays(`
      worker1 > CAN_DO f
      worker1 > PRE_SLEEP
      worker2 > CAN_DO f
      worker2 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker1 < NOOP
      + 99.5 ms
      + 0.5 ms
      worker2 < NOOP
      + 1000 ms
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #1 f 1
      worker2 > GRAB_JOB
      worker2 < NO_JOB
    `);
  });

  it('sends a stuck worker no second NOOP, and counts it again when it has slept again', () => {
    plays(`
      worker > CAN_DO f
      worker > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker < NOOP
      + 200 ms
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      worker > PRE_SLEEP
      worker < NOOP
    `);
  });

  it('takes --wakeup-delay for the wait', () => {
    plays(
      `
      worker1 > CAN_DO f
      worker1 > PRE_SLEEP
      worker2 > CAN_DO f
      worker2 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker1 < NOOP
      + 19 ms
      + 1 ms
      worker2 < NOOP
    `,
      { wakeupDelayMs: 20 },
    );
  });

  it('wakes two sleepers a job with --worker-wakeup 2', () => {
    plays(
      `
      worker1 > CAN_DO f
      worker1 > PRE_SLEEP
      worker2 > CAN_DO f
      worker2 > PRE_SLEEP
      worker3 > CAN_DO f
      worker3 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker1 < NOOP
      worker2 < NOOP
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #1 f 1
      worker2 > GRAB_JOB
      worker2 < NO_JOB
    `,
      { wakesPerJob: 2 },
    );
  });

  it('wakes a worker again that answers NOOP with PRE_SLEEP', () => {
    plays(`
      worker1 > CAN_DO f
      worker1 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker1 < NOOP
      worker2 > CAN_DO f
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #1 f 1
      worker1 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      worker1 < NOOP
    `);
  });

  it('wakes the next sleeper when a woken one goes to sleep with the job untouched', () => {
    plays(`
      worker1 > CAN_DO f
      worker1 > PRE_SLEEP
      worker2 > CAN_DO f
      worker2 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker1 < NOOP
      worker1 > PRE_SLEEP
      worker2 < NOOP
    `);
  });

  it('passes a job on when the worker woken for it takes another one', () => {
    plays(`
      worker1 > CAN_DO g
      worker1 > CAN_DO f
      worker1 > PRE_SLEEP
      worker2 > CAN_DO f
      worker2 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker1 < NOOP
      client > SUBMIT_JOB_HIGH_BG g "" 2
      client < JOB_CREATED #2
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #2 g 2
      worker2 < NOOP
    `);
  });

  it.each([
    ['leaves', '(end)', 'worker1 < (closed)'],
    ['no longer offers the function', 'CANT_DO f', ''],
    ['offers nothing any more', 'RESET_ABILITIES', ''],
    ['fails', '(reset)', 'worker1 < (closed)'],
  ])('passes a job on when the worker woken for it %s', (_what, line, effect) => {
    plays(`
      worker1 > CAN_DO f
      worker1 > PRE_SLEEP
      worker2 > CAN_DO f
      worker2 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker1 < NOOP
      worker1 > ${line}
      ${effect}
      worker2 < NOOP
    `);
  });

  it('wakes a sleeper at once for a function that it begins to offer', () => {
    plays(`
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker > PRE_SLEEP
      worker > CAN_DO g
      worker > CAN_DO f
      worker < NOOP
      worker > CAN_DO h
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
    `);
  });

  it('counts a woken worker for a function that it begins to offer', () => {
    plays(`
      worker1 > CAN_DO f
      worker1 > PRE_SLEEP
      worker2 > CAN_DO g
      worker2 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker1 < NOOP
      worker1 > CAN_DO g
      client > SUBMIT_JOB_BG g "" 2
      client < JOB_CREATED #2
      + 100 ms
      worker2 < NOOP
    `);
  });

  it('knows a worker as awake that grabbed while it offered nothing', () => {
    plays(`
      worker1 > CAN_DO f
      worker1 > PRE_SLEEP
      worker1 > CANT_DO f
      worker1 > GRAB_JOB
      worker1 < NO_JOB
      worker1 > CAN_DO f
      worker2 > CAN_DO f
      worker2 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker2 < NOOP
    `);
  });

  it('goes on sleeping when it changes what it offers', () => {
    plays(`
      worker > CAN_DO f
      worker > PRE_SLEEP
      worker > RESET_ABILITIES
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG g "" 1
      client < JOB_CREATED #2
      worker > CAN_DO g
      worker < NOOP
      worker > CANT_DO g
      worker > CAN_DO f
      + 200 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
    `);
  });

  it('does not wake for a job that is not due', () => {
    plays(`
      worker > CAN_DO f
      worker > PRE_SLEEP
      client > SUBMIT_JOB_EPOCH f "" 1700000001 later
      client < JOB_CREATED #1
      + 999 ms
      + 1 ms
      worker < NOOP
    `);
  });

  it('wakes as many sleepers as jobs come back from a worker that leaves', () => {
    plays(`
      worker1 > CAN_DO f
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #1 f 1
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #2 f 2
      worker2 > CAN_DO f
      worker2 > PRE_SLEEP
      worker3 > CAN_DO f
      worker3 > PRE_SLEEP
      worker4 > CAN_DO f
      worker4 > PRE_SLEEP
      worker1 > (end)
      worker1 < (closed)
      worker2 < NOOP
      worker3 < NOOP
    `);
  });

  it('wakes nobody for a job that only the leaving connection waited for', () => {
    plays(`
      both > CAN_DO f
      both > SUBMIT_JOB f "" 1
      both < JOB_CREATED #1
      both > GRAB_JOB
      both < JOB_ASSIGN #1 f 1
      worker > CAN_DO f
      worker > PRE_SLEEP
      both > (end)
      both < (closed)
    `);
  });

  it('keeps no trace of ten thousand wakes that were answered', () => {
    const dialogue = new MemoryDialogue({ fewFunctionsMax });
    dialogue.play('worker > CAN_DO f');
    const submit = Buffer.from('\0REQ\0\0\0\x12\0\0\0\x03f\0\0', 'latin1');
    const grab = Buffer.from('\0REQ\0\0\0\x09\0\0\0\0\0REQ\0\0\0\x04\0\0\0\0', 'latin1');
    dialogue.push('worker', grab);
    for (let i = 0; i < 10_000; i++) {
      dialogue.push('client', submit);
      dialogue.thread.run();
      dialogue.push('worker', grab);
      dialogue.thread.run();
    }
    dialogue.thread.advance(200);
    expect(dialogue.thread.broker.nextDueMs()).toBe(Number.POSITIVE_INFINITY);
    expect(dialogue.thread.broker.counters.assigned).toBe(10_000);
  });
});

describe('workers of few and of many functions', () => {
  const options = { fewFunctionsMax: 2 };

  it('are woken in the order in which they went to sleep', () => {
    playsWith(
      `
      many1 > CAN_DO f
      many1 > CAN_DO g
      many1 > CAN_DO h
      few1 > CAN_DO f
      many2 > CAN_DO h
      many2 > CAN_DO g
      many2 > CAN_DO f
      few2 > CAN_DO f
      few1 > PRE_SLEEP
      many2 > PRE_SLEEP
      few2 > PRE_SLEEP
      many1 > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      few1 < NOOP
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      many2 < NOOP
      client > SUBMIT_JOB_BG f "" 3
      client < JOB_CREATED #3
      few2 < NOOP
      client > SUBMIT_JOB_BG f "" 4
      client < JOB_CREATED #4
      many1 < NOOP
    `,
      options,
    );
  });

  it('one that was woken for another function counts for this one', () => {
    playsWith(
      `
      many > CAN_DO g
      many > CAN_DO h
      many > CAN_DO f
      few > CAN_DO g
      many > PRE_SLEEP
      few > PRE_SLEEP
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      many < NOOP
      client > SUBMIT_JOB_BG g "" 2
      client < JOB_CREATED #2
      many > GRAB_JOB
      many < JOB_ASSIGN #1 f 1
      few < NOOP
    `,
      options,
    );
  });

  it('one that begins to offer many in its sleep keeps its place', () => {
    playsWith(
      `
      grows > CAN_DO f
      other > CAN_DO f
      grows > PRE_SLEEP
      other > PRE_SLEEP
      grows > CAN_DO g
      grows > CAN_DO h
      grows > CAN_DO i
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      grows < NOOP
      client > SUBMIT_JOB_BG i "" 2
      client < JOB_CREATED #2
      client > SUBMIT_JOB_BG f "" 3
      client < JOB_CREATED #3
      other < NOOP
    `,
      options,
    );
  });

  it('one that withdraws all it offers is woken for none of it', () => {
    playsWith(
      `
      many > CAN_DO f
      many > CAN_DO g
      many > CAN_DO h
      many > PRE_SLEEP
      many > RESET_ABILITIES
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      many > CAN_DO f
      many < NOOP
    `,
      options,
    );
  });
});
