import { describe, expect, it } from 'vitest';
import { drain, failWatched } from '../../../src/broker/drain.ts';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';
import { HandStore } from '../../support/hand-store.ts';

function stored() {
  const store = new HandStore();
  const dialogue: MemoryDialogue = new MemoryDialogue(
    { makeStore: store.make },
    {
      'store commits': () => store.commit(),
      'time is over': () => {
        expect(failWatched(dialogue.thread.broker, 0)).toBe(0);
        dialogue.thread.reactor.requestTurn();
      },
    },
  );
  const { broker } = dialogue.thread;
  return { store, dialogue, broker };
}

describe('a server with a store that drains', () => {
  it('gives no stored job out any more, forgets none, and goes on with foreground jobs', () => {
    const { dialogue, broker } = stored();
    dialogue.play(`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f "" back
      client > SUBMIT_JOB_EPOCH f "" 1700000009 later
      store commits
      client < JOB_CREATED #1
      client < JOB_CREATED #2
      client > SUBMIT_JOB f "" front
      client < JOB_CREATED #3
    `);
    expect(drain(broker, 0)).toBe(0);
    dialogue.play(`
      worker > GRAB_JOB
      worker < JOB_ASSIGN #3 f front
      worker > GRAB_JOB
      worker < NO_JOB
      client > SUBMIT_JOB_BG f "" more
      store commits
      client < JOB_CREATED #4
      worker > GRAB_JOB
      worker < NO_JOB
      client > GET_STATUS #1
      client < STATUS_RES #1 1 0 0 0
    `);
    expect(broker.jobs.table.count).toBe(4);
    expect(broker.jobs.kept).toBe(3);
  });

  it('keeps a job whose worker is lost, and one whose client has left', () => {
    const { dialogue, broker } = stored();
    dialogue.play(`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f u back
      store commits
      client < JOB_CREATED #1
      client > SUBMIT_JOB f u joins
      client < JOB_CREATED #1
      other > SUBMIT_JOB_BG f "" second
      store commits
      other < JOB_CREATED #2
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f back
      worker2 > CAN_DO f
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #2 f second
    `);
    expect(drain(broker, 0)).toBe(0);
    expect(broker.jobs.kept).toBe(0);
    dialogue.play('worker2 > (end)\nworker2 < (closed)');
    expect(broker.jobs.kept).toBe(1);
    dialogue.play('worker > (end)\nworker < (closed)');
    expect(broker.jobs.kept).toBe(1);
    dialogue.play('client > (end)\nclient < (closed)');
    expect(broker.jobs.kept).toBe(2);
  });

  it('tells every client that still waits when the time is over, and keeps what is stored', () => {
    const { dialogue, broker } = stored();
    dialogue.play(`
      client > SUBMIT_JOB_BG f u back
      store commits
      client < JOB_CREATED #1
      client > SUBMIT_JOB f u joins
      client < JOB_CREATED #1
      client > SUBMIT_JOB f "" front
      client < JOB_CREATED #2
    `);
    expect(drain(broker, 0)).toBe(0);
    dialogue.play(`
      time is over
      client < WORK_FAIL #1
      client < WORK_FAIL #2
    `);
    expect(broker.jobs.table.count).toBe(1);
    expect(broker.jobs.kept).toBe(1);
  });

  it('cancels and ends kept jobs like others', () => {
    const { dialogue, broker } = stored();
    dialogue.play(`
      client > SUBMIT_JOB_BG f "" back
      store commits
      client < JOB_CREATED #1
    `);
    drain(broker, 0);
    dialogue.play(String.raw`
      admin > "cancel job ${dialogue.handle(1)}\n"
      admin < "OK\r\n"
    `);
    expect(broker.jobs.kept).toBe(0);
    expect(broker.jobs.table.count).toBe(0);
  });
});

it('a server without a store drains by waiting: its jobs stay where they are', () => {
  const dialogue = new MemoryDialogue();
  dialogue.play('client > SUBMIT_JOB_BG f "" x\nclient < JOB_CREATED #1');
  expect(drain(dialogue.thread.broker, 0)).toBe(0);
  dialogue.play(`
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1 f x
  `);
});
