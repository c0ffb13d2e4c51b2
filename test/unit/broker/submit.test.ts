import { describe, expect, it, vi } from 'vitest';
import { MemoryDialogue, plays } from '../../support/dialogue/memory.ts';
import { request } from '../../support/packet-text.ts';

describe('submitting', () => {
  it('runs a foreground job from submit to result', () => {
    plays(`
      worker > CAN_DO rev
      worker > PRE_SLEEP
      client > SUBMIT_JOB rev u hi
      worker < NOOP
      client < JOB_CREATED #1
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #1 rev u hi
      worker > WORK_STATUS #1 1 2
      client < WORK_STATUS #1 1 2
      worker > WORK_COMPLETE #1 ih
      client < WORK_COMPLETE #1 ih
    `);
  });

  it.each([
    ['SUBMIT_JOB', 'normal', false],
    ['SUBMIT_JOB_BG', 'normal', true],
    ['SUBMIT_JOB_HIGH', 'high', false],
    ['SUBMIT_JOB_HIGH_BG', 'high', true],
    ['SUBMIT_JOB_LOW', 'low', false],
    ['SUBMIT_JOB_LOW_BG', 'low', true],
  ])('%s makes a job of priority %s', (packet, priority, isBackground) => {
    const columns = ['high', 'normal', 'low'].map((name) => (name === priority ? 1 : 0));
    plays(String.raw`
      client > ${packet} f u data
      client < JOB_CREATED #1
      admin > "prioritystatus\n"
      admin < "f\x09${columns.join('\\x09')}\x090\n"
      admin < ".\n"
      admin > "show jobs\n"
      admin < "#1\x090\x090\x09${isBackground ? 1 : 0}\n"
      admin < ".\n"
      worker > CAN_DO f
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #1 f u data
      worker > WORK_COMPLETE #1 done
      ${isBackground ? '' : 'client < WORK_COMPLETE #1 done'}
    `);
  });

  it('sends NOOP before JOB_CREATED to a connection that is client and sleeping worker', () => {
    plays(`
      both > CAN_DO f
      both > PRE_SLEEP
      both > SUBMIT_JOB f "" data
      both < NOOP
      both < JOB_CREATED #1
      both > GRAB_JOB
      both < JOB_ASSIGN #1 f data
      both > WORK_COMPLETE #1 done
      both < WORK_COMPLETE #1 done
    `);
  });

  it('takes a function with an empty name, an empty unique and an empty workload', () => {
    plays(`
      client > SUBMIT_JOB "" "" ""
      client < JOB_CREATED #1
      worker > CAN_DO ""
      worker > GRAB_JOB_ALL
      worker < JOB_ASSIGN_UNIQ #1 "" "" ""
      worker > WORK_COMPLETE #1 ""
      client < WORK_COMPLETE #1 ""
    `);
  });

  it('lists a job that has neither unique nor workload', () => {
    plays(String.raw`
      client > SUBMIT_JOB_BG f "" ""
      client < JOB_CREATED #1
      admin > "show unique jobs\n"
      admin < "\n"
      admin < ".\n"
    `);
  });

  it('keeps NUL bytes of a workload', () => {
    plays(String.raw`
      client > SUBMIT_JOB f u "a\0b\0"
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f "a\0b\0"
      worker > WORK_COMPLETE #1 "\0\0"
      client < WORK_COMPLETE #1 "\0\0"
    `);
  });

  it('tells functions apart whose names differ by a NUL only', () => {
    plays(String.raw`
      client > SUBMIT_JOB_BG f "" data
      client < JOB_CREATED #1
      worker > CAN_DO "f\0"
      worker > GRAB_JOB
      worker < NO_JOB
    `);
  });

  it('answers submits of one write in their order', () => {
    plays(`
      client >> SUBMIT_JOB f 1 a
      client >> SUBMIT_JOB_SCHED f u 1 2 3 4 5 data
      client >> SUBMIT_JOB f u*65 b
      client >> SUBMIT_JOB_BG f 2 c
      client > SUBMIT_JOB f 1 d
      client < JOB_CREATED #1
      client < ERROR INVALID_COMMAND "Command not expected"
      client < ERROR ARGUMENT_TOO_LARGE "Unique value too large"
      client < JOB_CREATED #2
      client < JOB_CREATED #1
    `);
  });
});

describe('the length of a unique', () => {
  it('is kept whole up to 64 bytes', () => {
    plays(`
      client > SUBMIT_JOB f u*64 data
      client < JOB_CREATED #1
      client > SUBMIT_JOB f u*64 other
      client < JOB_CREATED #1
      client > SUBMIT_JOB f u*63 data
      client < JOB_CREATED #2
      worker > CAN_DO f
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #1 f u*64 data
    `);
  });

  it('is refused above 64 bytes, without making the function', () => {
    plays(String.raw`
      client > SUBMIT_JOB_EPOCH f u*65 0 data
      client < ERROR ARGUMENT_TOO_LARGE "Unique value too large"
      client > SUBMIT_JOB_LOW_BG f u*8000 data
      client < ERROR ARGUMENT_TOO_LARGE "Unique value too large"
      admin > "status\n"
      admin < ".\n"
    `);
  });
});

describe('reduce jobs', () => {
  it.each([
    ['SUBMIT_REDUCE_JOB', false],
    ['SUBMIT_REDUCE_JOB_BACKGROUND', true],
  ])('%s hands function, unique, reducer and workload to GRAB_JOB_ALL', (packet, isBackground) => {
    plays(`
      client > ${packet} f u red ignored data
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB_ALL
      worker < JOB_ASSIGN_ALL #1 f u red data
      worker > WORK_COMPLETE #1 done
      ${isBackground ? '' : 'client < WORK_COMPLETE #1 done'}
    `);
  });

  it('look like others to GRAB_JOB and GRAB_JOB_UNIQ', () => {
    plays(`
      client > SUBMIT_REDUCE_JOB_BACKGROUND f u1 red "" a
      client < JOB_CREATED #1
      client > SUBMIT_REDUCE_JOB_BACKGROUND f u2 red "" b
      client < JOB_CREATED #2
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f a
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #2 f u2 b
    `);
  });

  it('have no reducer when its name is empty', () => {
    plays(`
      client > SUBMIT_REDUCE_JOB_BACKGROUND f u "" "" a
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB_ALL
      worker < JOB_ASSIGN_UNIQ #1 f u a
    `);
  });

  it('are refused when unique or reducer is over 64 bytes', () => {
    plays(`
      client > SUBMIT_REDUCE_JOB f u*65 red "" a
      client < ERROR ARGUMENT_TOO_LARGE "Unique value too large"
      client > SUBMIT_REDUCE_JOB f u r*65 "" a
      client < ERROR ARGUMENT_TOO_LARGE "Unique value too large"
      client > SUBMIT_REDUCE_JOB f u*64 r*64 "" a
      client < JOB_CREATED #1
    `);
  });

  it('keep their reducer when they are run again', () => {
    plays(`
      client > SUBMIT_REDUCE_JOB f u red "" a
      client < JOB_CREATED #1
      worker1 > CAN_DO f
      worker1 > GRAB_JOB_ALL
      worker1 < JOB_ASSIGN_ALL #1 f u red a
      worker1 > (end)
      worker1 < (closed)
      worker2 > CAN_DO f
      worker2 > GRAB_JOB_ALL
      worker2 < JOB_ASSIGN_ALL #1 f u red a
    `);
  });
});

describe('queue limits', () => {
  it('count all jobs of the function against the limit of the new one', () => {
    plays(String.raw`
      admin > "create function f\n"
      admin < "OK\r\n"
      admin > "maxqueue f 5 0 3\n"
      admin < "OK\r\n"
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      client > SUBMIT_JOB_LOW_BG f "" 3
      client < JOB_CREATED #3
      client > SUBMIT_JOB_LOW_BG f "" 4
      client < ERROR QUEUE_ERROR "Job queue is full"
      client > SUBMIT_JOB_BG f "" 5
      client < JOB_CREATED #4
      client > SUBMIT_JOB_HIGH_BG f "" 6
      client < JOB_CREATED #5
      client > SUBMIT_JOB_HIGH f "" 7
      client < ERROR QUEUE_ERROR "Job queue is full"
      client > SUBMIT_JOB f "" 8
      client < JOB_CREATED #6
    `);
  });

  it('refuse what would have no handle: the shard has no row left', () => {
    const dialogue = new MemoryDialogue();
    dialogue.play('client > SUBMIT_JOB_BG f "" 1\nclient < JOB_CREATED #1');
    const { table } = dialogue.thread.broker.jobs;
    const isFull = vi.spyOn(table, 'isFull', 'get').mockReturnValue(true);
    dialogue.play(`
      client > SUBMIT_JOB_BG f "" 2
      client < ERROR QUEUE_ERROR "Job queue is full"
      client > SUBMIT_JOB f u 3
      client < ERROR QUEUE_ERROR "Job queue is full"
    `);
    isFull.mockRestore();
    dialogue.play('client > SUBMIT_JOB_BG f "" 4\nclient < JOB_CREATED #2');
    dialogue.sweep();
  });

  it('count running jobs too', () => {
    plays(String.raw`
      admin > "create function f\n"
      admin < "OK\r\n"
      admin > "maxqueue f 1\n"
      admin < "OK\r\n"
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      client > SUBMIT_JOB_BG f "" 2
      client < ERROR QUEUE_ERROR "Job queue is full"
      worker > WORK_COMPLETE #1 ""
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
    `);
  });

  it('let a submit through that coalesces, and jobs that come back', () => {
    plays(String.raw`
      admin > "create function f\n"
      admin < "OK\r\n"
      admin > "maxqueue f 1\n"
      admin < "OK\r\n"
      client > SUBMIT_JOB f u 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB f u 2
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker > (end)
      worker < (closed)
      client > GET_STATUS #1
      client < STATUS_RES #1 1 0 0 0
    `);
  });

  it('do not spend a handle', () => {
    const dialogue = new MemoryDialogue();
    dialogue.play(String.raw`
      admin > "create function f\n"
      admin < "OK\r\n"
      admin > "maxqueue f 1\n"
      admin < "OK\r\n"
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f "" 2
      client < ERROR QUEUE_ERROR "Job queue is full"
      client > SUBMIT_JOB_BG g "" 3
      client < JOB_CREATED #2
    `);
    expect(dialogue.handle(1)).toMatch(/\D\d{20}1$/);
    expect(dialogue.handle(2)).toMatch(/\D\d{20}2$/);
    dialogue.sweep();
  });

  it('end with --max-functions names: a submit to one more is refused', () => {
    plays(
      `
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG g "" 1
      client < ERROR QUEUE_ERROR QUEUE_ERROR
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #2
    `,
      { functionsMax: 1 },
    );
  });
});

describe('--max-memory', () => {
  it.each([
    ['in the slab', 10_000],
    ['in blobs', 100_000],
  ])('refuses workloads %s beyond it until others have left', (_where, bytes) => {
    const dialogue = new MemoryDialogue({ memoryBytesMax: 1 << 20 });
    const submit = (unique: string): string => {
      dialogue.push('client', request('SUBMIT_JOB_BG', 'f', unique, Buffer.alloc(bytes, 'm')));
      dialogue.thread.run();
      return dialogue.take('client').toString('latin1').slice(12);
    };
    const refused = 'QUEUE_ERROR\0Job queue is full';
    let count = 0;
    while (submit(`u${count}`) !== refused) count++;
    const most = (1 << 20) / bytes;
    expect(count).toBeLessThanOrEqual(most);
    // New jobs stop at 7/8; rows and pages are counted by 64 KiB.
    expect(count).toBeGreaterThan(most * 0.6);
    // What coalesces needs no memory but for its data, which has room in the last eighth.
    expect(submit('u0')).not.toBe(refused);
    dialogue.push('worker', Buffer.concat([request('CAN_DO', 'f'), request('GRAB_JOB')]));
    dialogue.thread.run();
    const assigned = dialogue.take('worker').toString('latin1', 12).split('\0')[0] as string;
    dialogue.push('worker', request('WORK_COMPLETE', assigned, ''));
    dialogue.thread.run();
    expect(submit('another')).toMatch(/^H:t:/);
    dialogue.sweep();
  });
});
