import { describe, expect, it } from 'vitest';
import { MemoryDialogue, plays } from '../../support/dialogue/memory.ts';
import { rawPacket, request } from '../../support/packet-text.ts';

// The wall clock begins at 1700000000 s.
describe('SUBMIT_JOB_EPOCH', () => {
  it('makes a background job of normal priority that starts at the second given, to the millisecond', () => {
    plays(String.raw`
      worker > CAN_DO f
      worker > PRE_SLEEP
      client > SUBMIT_JOB_EPOCH f u 1700000002 data
      client < JOB_CREATED #1
      admin > "prioritystatus\n"
      admin < "f\x090\x091\x090\x091\n"
      admin < ".\n"
      admin > "status\n"
      admin < "f\x091\x090\x091\n"
      admin < ".\n"
      admin > "show jobs\n"
      admin < "#1\x090\x090\x091\n"
      admin < ".\n"
      client > GET_STATUS #1
      client < STATUS_RES #1 1 0 0 0
      client > (end)
      client < (closed)
      worker > GRAB_JOB
      worker < NO_JOB
      worker > PRE_SLEEP
      + 1999 ms
      + 1 ms
      worker < NOOP
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #1 f u data
    `);
  });

  it.each(['0', '-5', 'abc', '""', '1699999999', '1700000000', '" 12x"'])(
    'runs now when the time is %s',
    (time) => {
      plays(`
        client > SUBMIT_JOB_EPOCH f "" ${time} data
        client < JOB_CREATED #1
        worker > CAN_DO f
        worker > GRAB_JOB
        worker < JOB_ASSIGN #1 f data
      `);
    },
  );

  it('closes the connection when the time is beyond 64 bits', () => {
    const { thread } = plays(`
      client > SUBMIT_JOB_EPOCH f "" 9223372036854775808 data
      client < (closed)
    `);
    expect(thread.warnings.join()).toContain('64 bits');
  });

  it('takes any time within 64 bits', () => {
    plays(`
      client > SUBMIT_JOB_EPOCH f "" 9000000000000000000 data
      client < JOB_CREATED #1
      + 100000 ms
      client > GET_STATUS #1
      client < STATUS_RES #1 1 0 0 0
      admin > "cancel job #1\\n"
      admin < "OK\\r\\n"
    `);
  });

  it('orders jobs by time, and jobs of one second by submit', () => {
    plays(`
      client > SUBMIT_JOB_EPOCH f "" 1700000003 c
      client < JOB_CREATED #1
      client > SUBMIT_JOB_EPOCH f "" 1700000002 a
      client < JOB_CREATED #2
      client > SUBMIT_JOB_EPOCH f "" 1700000002 b
      client < JOB_CREATED #3
      + 3000 ms
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f a
      worker > GRAB_JOB
      worker < JOB_ASSIGN #3 f b
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f c
    `);
  });

  it('queues a due job behind those that wait already', () => {
    plays(`
      client > SUBMIT_JOB_EPOCH f "" 1700000001 early
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f "" now
      client < JOB_CREATED #2
      + 1000 ms
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f now
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f early
    `);
  });

  it('follows the wall clock when it is set, within a second', () => {
    plays(`
      worker > CAN_DO f
      worker > PRE_SLEEP
      client > SUBMIT_JOB_EPOCH f "" 1700003600 data
      client < JOB_CREATED #1
      + 5000 ms
      wall + 3595000 ms
      + 1000 ms
      worker < NOOP
    `);
  });

  it('follows the wall clock also while a timeout is due earlier', () => {
    plays(`
      worker > CAN_DO_TIMEOUT f 3600000
      client > SUBMIT_JOB_BG f "" running
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f running
      worker > PRE_SLEEP
      client > SUBMIT_JOB_EPOCH f "" 1700036000 data
      client < JOB_CREATED #2
      wall + 36000000 ms
      + 1000 ms
      worker < NOOP
    `);
  });

  it('does not start early because time passes while the wall clock stands back', () => {
    const dialogue = new MemoryDialogue().play(`
      worker > CAN_DO f
      worker > PRE_SLEEP
      client > SUBMIT_JOB_EPOCH f "" 1700000010 data
      client < JOB_CREATED #1
    `);
    dialogue.thread.stepWall(-3_600_000);
    dialogue.play(`
      + 3609999 ms
      + 1 ms
      worker < NOOP
    `);
    dialogue.sweep();
  });

  it('starts 25,000 jobs of one second in several turns', () => {
    const dialogue = new MemoryDialogue();
    const { thread } = dialogue;
    const submit = request('SUBMIT_JOB_EPOCH', 'f', '', '1700000001', '');
    for (let i = 0; i < 250; i++) {
      dialogue.push('client', Buffer.concat(Array.from({ length: 100 }, () => submit)));
      thread.run();
    }
    thread.nowMs += 1000;
    thread.wallMs += 1000;
    const waiting: number[] = [];
    for (let i = 0; i < 4; i++) {
      thread.reactor.requestTurn();
      thread.turn();
      waiting.push(thread.broker.jobs.scheduled.size);
    }
    expect(waiting).toEqual([15_000, 5000, 0, 0]);
    expect(thread.broker.jobs.level).toBe(2);
  });

  it('keeps a workload of any size', () => {
    const dialogue = new MemoryDialogue();
    const data = Buffer.alloc(200_000, 'z');
    dialogue.push('client', request('SUBMIT_JOB_EPOCH', 'f', 'u', '1700000001', data));
    dialogue.play(`
      client > ECHO_REQ x
      client < JOB_CREATED #1
      client < ECHO_RES x
      worker > CAN_DO f
      + 1000 ms
    `);
    dialogue.push('worker', request('GRAB_JOB'));
    dialogue.thread.run();
    const assigned = Buffer.concat([Buffer.from(`${dialogue.handle(1)}\0f\0`), data]);
    expect(dialogue.take('worker').equals(rawPacket(11, assigned, { magic: '\0RES' }))).toBe(true);
    dialogue.sweep();
  });
});
