import { describe, expect, it } from 'vitest';
import { MemoryDialogue, plays } from '../../support/dialogue/memory.ts';
import type { OwnThreadOptions } from '../../support/own-thread.ts';

/** A{high,normal,low} B{high,low} C{high,normal}, registered A, B, C: the order in which GRAB hands them out. */
function orderOf(options: OwnThreadOptions): string {
  const dialogue = new MemoryDialogue(options).play(`
    client > SUBMIT_JOB_LOW_BG A "" Al
    client < JOB_CREATED #1
    client > SUBMIT_JOB_BG A "" An
    client < JOB_CREATED #2
    client > SUBMIT_JOB_HIGH_BG A "" Ah
    client < JOB_CREATED #3
    client > SUBMIT_JOB_LOW_BG B "" Bl
    client < JOB_CREATED #4
    client > SUBMIT_JOB_HIGH_BG B "" Bh
    client < JOB_CREATED #5
    client > SUBMIT_JOB_BG C "" Cn
    client < JOB_CREATED #6
    client > SUBMIT_JOB_HIGH_BG C "" Ch
    client < JOB_CREATED #7
    worker > CAN_DO A
    worker > CAN_DO B
    worker > CAN_DO C
  `);
  const found: string[] = [];
  for (let i = 0; i < 7; i++) {
    dialogue.push('worker', Buffer.from('\0REQ\0\0\0\x09\0\0\0\0', 'latin1'));
    dialogue.thread.run();
    found.push(dialogue.take('worker').toString('latin1').slice(-2));
  }
  dialogue.sweep();
  return found.join(' ');
}

describe('the order of functions', () => {
  it('serves the highest priority of all functions first and rotates inside a level', () => {
    expect(orderOf({})).toBe('Ch Bh Ah Cn An Bl Al');
  });

  it('of gearmand 1.1.20 serves the function registered last until it is empty', () => {
    expect(orderOf({ isPriorityGlobal: false, isRotating: false })).toBe('Ch Cn Bh Bl Ah An Al');
  });

  it('of gearmand 1.1.20 with -R rotates functions', () => {
    expect(orderOf({ isPriorityGlobal: false, isRotating: true })).toBe('Ch Bh Ah Cn Bl An Al');
  });

  it('without rotation serves the function registered last first inside a level', () => {
    expect(orderOf({ isRotating: false })).toBe('Ch Bh Ah Cn An Bl Al');
  });
});

describe('inside a function', () => {
  it('jobs of one priority leave first in, first out', () => {
    plays(`
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      client > SUBMIT_JOB_HIGH_BG f "" 3
      client < JOB_CREATED #3
      client > SUBMIT_JOB_BG f "" 4
      client < JOB_CREATED #4
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #3 f 3
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f 2
      worker > GRAB_JOB
      worker < JOB_ASSIGN #4 f 4
      worker > GRAB_JOB
      worker < NO_JOB
    `);
  });

  it('a low job is served although a scheduled one waits', () => {
    plays(`
      client > SUBMIT_JOB_EPOCH f "" 1700000060 later
      client < JOB_CREATED #1
      client > SUBMIT_JOB_LOW_BG f "" low
      client < JOB_CREATED #2
      worker > CAN_DO f
      worker > PRE_SLEEP
      worker < NOOP
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f low
      worker > GRAB_JOB
      worker < NO_JOB
    `);
  });
});

describe('a grab', () => {
  it('without abilities gets NO_JOB', () => {
    plays(`
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < NO_JOB
      worker > GRAB_JOB_UNIQ
      worker < NO_JOB
      worker > GRAB_JOB_ALL
      worker < NO_JOB
    `);
  });

  it('ignores a payload', () => {
    plays(`
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > TYPE_9 rubbish
      worker < JOB_ASSIGN #1 f 1
    `);
  });

  it('may be repeated: a worker holds many jobs and ends them in any order', () => {
    plays(`
      client > SUBMIT_JOB f "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB f "" 2
      client < JOB_CREATED #2
      client > SUBMIT_JOB f "" 3
      client < JOB_CREATED #3
      worker > CAN_DO f
      worker >> GRAB_JOB
      worker >> GRAB_JOB
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker < JOB_ASSIGN #2 f 2
      worker < JOB_ASSIGN #3 f 3
      worker > WORK_COMPLETE #2 b
      client < WORK_COMPLETE #2 b
      worker > WORK_COMPLETE #1 a
      client < WORK_COMPLETE #1 a
      worker > WORK_FAIL #3
      client < WORK_FAIL #3
    `);
  });

  it('gives each job to one worker only', () => {
    plays(`
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker1 > CAN_DO f
      worker2 > CAN_DO f
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #1 f 1
      worker2 > GRAB_JOB
      worker2 < NO_JOB
    `);
  });
});
