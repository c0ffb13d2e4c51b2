import { describe, expect, it } from 'vitest';
import { MemoryDialogue, plays } from '../../support/dialogue/memory.ts';
import { request } from '../../support/packet-text.ts';

describe('a unique key', () => {
  it('that is empty never coalesces', () => {
    plays(`
      client > SUBMIT_JOB f "" data
      client < JOB_CREATED #1
      client > SUBMIT_JOB f "" data
      client < JOB_CREATED #2
    `);
  });

  it('names one live job inside a function', () => {
    plays(`
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      client > SUBMIT_JOB f u other
      client < JOB_CREATED #1
      client > SUBMIT_JOB g u data
      client < JOB_CREATED #2
      client > SUBMIT_JOB f U data
      client < JOB_CREATED #3
    `);
  });

  it('matches running jobs, and is free again when the job has ended', () => {
    plays(`
      worker > CAN_DO f
      client > SUBMIT_JOB f u 1
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      client > SUBMIT_JOB_BG f u 2
      client < JOB_CREATED #1
      worker > WORK_COMPLETE #1 done
      client < WORK_COMPLETE #1 done
      client > SUBMIT_JOB f u 3
      client < JOB_CREATED #2
    `);
  });

  it('leaves workload and priority of the live job as they are', () => {
    plays(`
      client > SUBMIT_JOB f u first
      client < JOB_CREATED #1
      client > SUBMIT_JOB_HIGH f u second
      client < JOB_CREATED #1
      client > SUBMIT_JOB_HIGH f v third
      client < JOB_CREATED #2
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f third
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f first
    `);
  });

  it('gives every submit its copy of what the worker sends, the latest first', () => {
    plays(`
      client1 > SUBMIT_JOB f u data
      client1 < JOB_CREATED #1
      client2 > SUBMIT_JOB f u data
      client2 < JOB_CREATED #1
      client1 > SUBMIT_JOB f u data
      client1 < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_DATA #1 part
      client1 < WORK_DATA #1 part
      client1 < WORK_DATA #1 part
      client2 < WORK_DATA #1 part
      worker > WORK_COMPLETE #1 done
      client1 < WORK_COMPLETE #1 done
      client1 < WORK_COMPLETE #1 done
      client2 < WORK_COMPLETE #1 done
    `);
  });

  it('attaches a foreground client to a background job, which outlives it', () => {
    plays(`
      client > SUBMIT_JOB_BG f u data
      client < JOB_CREATED #1
      other > SUBMIT_JOB f u data
      other < JOB_CREATED #1
      other > (end)
      other < (closed)
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_COMPLETE #1 done
    `);
  });

  it('makes a foreground job last when a background submit joins it', () => {
    plays(String.raw`
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      other > SUBMIT_JOB_BG f u data
      other < JOB_CREATED #1
      client > (end)
      client < (closed)
      admin > "show jobs\n"
      admin < "#1\x090\x090\x091\n"
      admin < ".\n"
    `);
  });

  it('is free at once when the last client of a job has gone', () => {
    plays(`
      client1 > SUBMIT_JOB f u 1
      client1 < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      client1 > (end)
      client1 < (closed)
      client2 > SUBMIT_JOB f u 2
      client2 < JOB_CREATED #2
      worker > WORK_COMPLETE #1 late
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f 2
      worker > WORK_COMPLETE #2 done
      client2 < WORK_COMPLETE #2 done
    `);
  });

  it('is free at once when the job was cancelled', () => {
    plays(String.raw`
      client > SUBMIT_JOB_BG f u 1
      client < JOB_CREATED #1
      admin > "cancel job #1\n"
      admin < "OK\r\n"
      client > SUBMIT_JOB_BG f u 2
      client < JOB_CREATED #2
    `);
  });

  it('of a scheduled job matches it while it waits', () => {
    plays(`
      client > SUBMIT_JOB_EPOCH f u 1700000060 later
      client < JOB_CREATED #1
      client > SUBMIT_JOB f u now
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < NO_JOB
    `);
  });
});

describe('the unique -', () => {
  it('stands for the workload', () => {
    plays(`
      client > SUBMIT_JOB f - same
      client < JOB_CREATED #1
      client > SUBMIT_JOB f - same
      client < JOB_CREATED #1
      client > SUBMIT_JOB f - sama
      client < JOB_CREATED #2
      client > SUBMIT_JOB f - samesame
      client < JOB_CREATED #3
      client > SUBMIT_JOB g - same
      client < JOB_CREATED #4
      worker > CAN_DO f
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #1 f - same
    `);
  });

  it('never coalesces without a workload', () => {
    plays(`
      client > SUBMIT_JOB f - ""
      client < JOB_CREATED #1
      client > SUBMIT_JOB f - ""
      client < JOB_CREATED #2
    `);
  });

  it('does not meet a key that spells the same as the workload', () => {
    plays(`
      client > SUBMIT_JOB f - same
      client < JOB_CREATED #1
      client > SUBMIT_JOB f same other
      client < JOB_CREATED #2
      client > SUBMIT_JOB f same other
      client < JOB_CREATED #2
      client > SUBMIT_JOB f - other
      client < JOB_CREATED #3
    `);
  });

  it.each([
    ['in the slab', 16 * 1024],
    ['in a blob of the job', 16 * 1024 + 1],
    ['in a blob, whole in one read', 60_000],
    ['in the blob that they arrived in', 200_000],
  ])('compares workloads that live %s', (_where, bytes) => {
    const dialogue = new MemoryDialogue();
    const data = Buffer.alloc(bytes, 'x');
    const other = Buffer.concat([data.subarray(1), Buffer.from('y')]);
    const submits = (workload: Buffer, n: number) => {
      dialogue.push('client', request('SUBMIT_JOB', 'f', '-', workload));
      dialogue.play(`
        client > ECHO_REQ x
        client < JOB_CREATED #${n}
        client < ECHO_RES x
      `);
    };
    submits(data, 1);
    submits(data, 1);
    submits(other, 2);
    submits(data, 1);
    submits(other, 2);
    dialogue.sweep();
  });
});

describe('many clients of one job', () => {
  it('come and go in any order, and each that is left gets the result once a submit', () => {
    const dialogue = new MemoryDialogue();
    const submit = request('SUBMIT_JOB', 'f', 'u', 'data');
    for (let i = 0; i < 300; i++) {
      dialogue.push(`client${i}`, submit);
      if (i % 10 === 0) dialogue.push(`client${i}`, submit);
    }
    dialogue.thread.run();
    for (let i = 0; i < 300; i++) if (i % 3 !== 1) dialogue.leave(`client${i}`);
    for (let i = 1; i < 300; i += 3) dialogue.take(`client${i}`);
    dialogue.play(`
      asker > GET_STATUS_UNIQUE u
      asker < STATUS_RES_UNIQUE u 1 0 0 0 110
      worker > CAN_DO f
    `);
    dialogue.push('worker', request('GRAB_JOB'));
    dialogue.thread.run();
    const handle = dialogue.take('worker').toString('latin1').slice(12).split('\0')[0] as string;
    dialogue.push('worker', request('WORK_COMPLETE', handle, 'done'));
    dialogue.thread.run();
    for (let i = 1; i < 300; i += 3) {
      const copies = dialogue.take(`client${i}`).toString('latin1').split('done').length - 1;
      expect(copies).toBe(i % 10 === 0 ? 2 : 1);
    }
    dialogue.sweep();
  });
});
