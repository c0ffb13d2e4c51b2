import { describe, expect, it } from 'vitest';
import { MemoryDialogue, plays } from '../../support/dialogue/memory.ts';
import { handleOf } from '../../support/handles.ts';
import { rawPacket, request } from '../../support/packet-text.ts';

/** A worker that runs #1 for a client, and a stranger. */
const RUNNING = `
  worker > CAN_DO f
  client > SUBMIT_JOB f u data
  client < JOB_CREATED #1
  worker > GRAB_JOB
  worker < JOB_ASSIGN #1 f data
`;

describe('what a worker tells of its job', () => {
  it.each(['WORK_DATA', 'WORK_WARNING'])('%s goes to the client and the job goes on', (packet) => {
    plays(String.raw`
      ${RUNNING}
      worker > ${packet} #1 "a\0b"
      client < ${packet} #1 "a\0b"
      worker > ${packet} #1 ""
      client < ${packet} #1 ""
      worker > WORK_COMPLETE #1 done
      client < WORK_COMPLETE #1 done
    `);
  });

  it.each([
    ['WORK_COMPLETE #1 done', 'WORK_COMPLETE #1 done'],
    ['WORK_COMPLETE #1 ""', 'WORK_COMPLETE #1 ""'],
    ['WORK_FAIL #1', 'WORK_FAIL #1'],
    ['WORK_EXCEPTION #1 why', 'WORK_FAIL #1'],
  ])('%s ends the job', (sent, heard) => {
    plays(`
      ${RUNNING}
      worker > ${sent}
      client < ${heard}
      client > GET_STATUS #1
      client < STATUS_RES #1 0 0 0 0
      worker > WORK_DATA #1 late
      worker < ERROR JOB_NOT_FOUND "Job does not exist on server"
    `);
  });

  it('is heard in the order in which the worker sent it', () => {
    plays(`
      ${RUNNING}
      worker >> WORK_DATA #1 1
      worker >> WORK_STATUS #1 1 3
      worker >> WORK_WARNING #1 2
      worker >> WORK_DATA #1 3
      worker > WORK_COMPLETE #1 4
      client < WORK_DATA #1 1
      client < WORK_STATUS #1 1 3
      client < WORK_WARNING #1 2
      client < WORK_DATA #1 3
      client < WORK_COMPLETE #1 4
    `);
  });

  it('goes nowhere for a background job, but its status is kept', () => {
    plays(`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f u data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_STATUS #1 3 4
      worker > WORK_DATA #1 x
      worker > WORK_WARNING #1 x
      client > GET_STATUS #1
      client < STATUS_RES #1 1 1 3 4
      worker > WORK_COMPLETE #1 x
    `);
  });

  it('is answered with ERROR unless it comes from the connection that runs the job', () => {
    plays(`
      ${RUNNING}
      client > SUBMIT_JOB_BG f v queued
      client < JOB_CREATED #2
      other > CAN_DO f
      other > WORK_DATA #1 x
      other < ERROR JOB_NOT_FOUND "Job does not exist on server"
      other > WORK_WARNING #1 x
      other < ERROR JOB_NOT_FOUND "Job does not exist on server"
      other > WORK_STATUS #1 1 2
      other < ERROR JOB_NOT_FOUND "Job given in work result not found"
      other > WORK_COMPLETE #1 x
      other < ERROR JOB_NOT_FOUND "Job given in work result not found"
      other > WORK_FAIL #1
      other < ERROR JOB_NOT_FOUND "Job given in work result not found"
      other > WORK_EXCEPTION #1 x
      other < ERROR JOB_NOT_FOUND "An exception was received for a job that does not exist"
      client > WORK_FAIL #1
      client < ERROR JOB_NOT_FOUND "Job given in work result not found"
      worker > WORK_COMPLETE #2 x
      worker < ERROR JOB_NOT_FOUND "Job given in work result not found"
      client > GET_STATUS #1
      client < STATUS_RES #1 1 1 0 0
    `);
  });

  it.each(['', 'H:t:1', 'rubbish', handleOf(0, 1, 1), 'x*500'])(
    'is answered with ERROR for the handle "%s"',
    (handle) => {
      const word = handle === '' ? '""' : handle;
      plays(`
        worker > WORK_COMPLETE ${word} x
        worker < ERROR JOB_NOT_FOUND "Job given in work result not found"
        worker > WORK_DATA ${word} x
        worker < ERROR JOB_NOT_FOUND "Job does not exist on server"
        worker > WORK_EXCEPTION ${word} x
        worker < ERROR JOB_NOT_FOUND "An exception was received for a job that does not exist"
      `);
    },
  );

  it('is refused when WORK_FAIL has a handle of 64 bytes or more', () => {
    plays(`
      worker > WORK_FAIL h*63
      worker < ERROR JOB_NOT_FOUND "Job given in work result not found"
      worker > WORK_FAIL h*64
      worker < ERROR ARGUMENT_TOO_LARGE "Error occurred due to GEARMAND_JOB_HANDLE_SIZE being too small from snprintf"
    `);
  });

  it('reaches the client of WORK_FAIL without the NUL that some workers send', () => {
    plays(String.raw`
      ${RUNNING}
      worker > WORK_FAIL "#1\0"
      client < WORK_FAIL #1
    `);
  });

  it.each([
    ['WORK_COMPLETE', 13],
    ['WORK_DATA', 28],
    ['WORK_WARNING', 29],
  ])('%s without any NUL is a handle with empty data', (name, type) => {
    plays(`
      ${RUNNING}
      worker > TYPE_${type} #1
      client < ${name} #1 ""
    `);
  });

  it('is dropped when nobody waits for it any more', () => {
    plays(`
      ${RUNNING}
      client > (end)
      client < (closed)
      worker > WORK_DATA #1 x
      worker > WORK_COMPLETE #1 x
      worker > WORK_COMPLETE #1 x
      worker < ERROR JOB_NOT_FOUND "Job given in work result not found"
    `);
  });
});

describe('WORK_STATUS', () => {
  it.each([
    ['1', '2', '1 2'],
    ['abc', '7x', '0 7'],
    ['-1', '-2', '4294967295 4294967294'],
    ['99999999999', '4294967296', '1215752191 0'],
    ['9007199254740993', '1', '1 1'],
    ['99999999999999999999', '1', '4294967295 1'],
    ['""', '""', '0 0'],
    ['" +5"', '"\\x095"', '5 5'],
  ])('reads %s of %s as C does and passes them on as they came', (numerator, denominator, read) => {
    plays(`
      ${RUNNING}
      worker > WORK_STATUS #1 ${numerator} ${denominator}
      client < WORK_STATUS #1 ${numerator} ${denominator}
      client > GET_STATUS #1
      client < STATUS_RES #1 1 1 ${read}
    `);
  });

  it('with a denominator over 10 characters is kept for its numerator and not passed on', () => {
    plays(`
      ${RUNNING}
      worker > WORK_STATUS #1 1 1234567890
      client < WORK_STATUS #1 1 1234567890
      worker > WORK_STATUS #1 2 12345678901
      client > GET_STATUS #1
      client < STATUS_RES #1 1 1 2 1234567890
    `);
  });

  it('with a handle alone resets the numbers and is not passed on', () => {
    plays(`
      ${RUNNING}
      worker > WORK_STATUS #1 1 2
      client < WORK_STATUS #1 1 2
      worker > TYPE_12 #1
      client > GET_STATUS #1
      client < STATUS_RES #1 1 1 0 0
    `);
  });
});

describe('exceptions', () => {
  it('go to clients that asked for them, WORK_FAIL to the others', () => {
    plays(`
      worker > CAN_DO f
      plain > SUBMIT_JOB f u data
      plain < JOB_CREATED #1
      keen > OPTION_REQ exceptions
      keen < OPTION_RES exceptions
      keen > SUBMIT_JOB f u data
      keen < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_EXCEPTION #1 why
      keen < WORK_EXCEPTION #1 why
      plain < WORK_FAIL #1
    `);
  });

  it('go to everyone with --exceptions', () => {
    plays(
      `
      ${RUNNING}
      worker > WORK_EXCEPTION #1 why
      client < WORK_EXCEPTION #1 why
    `,
      { exceptions: true },
    );
  });

  it.each([
    ['WORK_FAIL #1', ''],
    ['WORK_COMPLETE #1 x', ''],
    ['WORK_FAIL "#1\\0"', ''],
  ])('are followed by %s without an ERROR', (line) => {
    plays(`
      ${RUNNING}
      worker > WORK_EXCEPTION #1 why
      client < WORK_FAIL #1
      worker > ${line}
      worker > WORK_FAIL #1
      worker < ERROR JOB_NOT_FOUND "Job given in work result not found"
    `);
  });

  it('are swallowed behind for the job that ended with one only', () => {
    plays(`
      worker > CAN_DO f
      client > SUBMIT_JOB f u 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB f v 2
      client < JOB_CREATED #2
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f 2
      worker > WORK_EXCEPTION #1 why
      client < WORK_FAIL #1
      worker > WORK_COMPLETE #2 done
      client < WORK_COMPLETE #2 done
      worker > WORK_DATA #1 x
      worker < ERROR JOB_NOT_FOUND "Job does not exist on server"
      worker > WORK_FAIL #1
    `);
  });

  it('of a stranger swallow nothing', () => {
    plays(`
      ${RUNNING}
      other > WORK_EXCEPTION #1 why
      other < ERROR JOB_NOT_FOUND "An exception was received for a job that does not exist"
      other > WORK_FAIL #1
      other < ERROR JOB_NOT_FOUND "Job given in work result not found"
    `);
  });

  it('without any NUL have no data', () => {
    plays(`
      client > OPTION_REQ exceptions
      client < OPTION_RES exceptions
      ${RUNNING}
      worker > TYPE_25 #1
      client < WORK_EXCEPTION #1 ""
      worker > WORK_FAIL #1
    `);
  });
});

describe('large workloads and results', () => {
  it.each([
    ['16 KiB', 16 * 1024],
    ['one byte more', 16 * 1024 + 1],
    ['60 KB', 60_000],
    ['90 KB', 90_000],
    ['3 MB', 3_000_000],
  ])('of %s arrive whole, at several clients too', (_name, bytes) => {
    const dialogue = new MemoryDialogue();
    const data = Buffer.alloc(bytes);
    for (let i = 0; i < bytes; i++) data[i] = (i * 7) >> 3;
    dialogue.push('client', request('SUBMIT_JOB', 'f', 'u', data));
    dialogue.play('client > ECHO_REQ x\nclient < JOB_CREATED #1\nclient < ECHO_RES x');
    dialogue.play('other > SUBMIT_JOB f u short\nother < JOB_CREATED #1');
    dialogue.play('worker > CAN_DO f');
    dialogue.push('worker', request('GRAB_JOB_UNIQ'));
    dialogue.thread.run();
    const handle = dialogue.handle(1);
    const assigned = Buffer.concat([Buffer.from(`${handle}\0f\0u\0`), data]);
    expect(dialogue.take('worker').equals(rawPacket(31, assigned, { magic: '\0RES' }))).toBe(true);
    for (const name of ['WORK_DATA', 'WORK_COMPLETE'] as const) {
      dialogue.push('worker', request(name, handle, data));
      dialogue.thread.run();
      const result = Buffer.concat([Buffer.from(`${handle}\0`), data]);
      const packet = rawPacket(name === 'WORK_DATA' ? 28 : 13, result, { magic: '\0RES' });
      expect(dialogue.take('client').equals(packet)).toBe(true);
      expect(dialogue.take('other').equals(packet)).toBe(true);
    }
    dialogue.sweep();
  });

  it('leave no blob behind when nobody wants them', () => {
    const dialogue = new MemoryDialogue();
    const data = Buffer.alloc(200_000, 'x');
    dialogue.push('client', request('WORK_COMPLETE', 'nobody', data));
    dialogue.push('client', request('WORK_EXCEPTION', 'nobody', data));
    dialogue.push('client', request('SUBMIT_JOB', 'f', 'u'.repeat(65), data));
    dialogue.push('client', rawPacket(17, data));
    dialogue.push(
      'client',
      rawPacket(7, Buffer.concat([Buffer.from('f\0u\0'), data]), { magic: '\0RES' }),
    );
    dialogue.play(`
      client > ECHO_REQ x
      client < ERROR JOB_NOT_FOUND "Job given in work result not found"
      client < ERROR JOB_NOT_FOUND "An exception was received for a job that does not exist"
      client < ERROR ARGUMENT_TOO_LARGE "Unique value too large"
      client < ERROR INVALID_COMMAND "Command not expected"
      client < ERROR INVALID_MAGIC "Request magic expected"
      client < ECHO_RES x
    `);
    expect(dialogue.thread.blobKib).toBe(0);
    dialogue.sweep();
  });

  it('are swallowed without a trace behind an exception', () => {
    const dialogue = new MemoryDialogue().play(`
      ${RUNNING}
      worker > WORK_EXCEPTION #1 why
      client < WORK_FAIL #1
    `);
    dialogue.push('worker', request('WORK_COMPLETE', dialogue.handle(1), Buffer.alloc(200_000)));
    dialogue.thread.run();
    expect(dialogue.thread.blobKib).toBe(0);
    dialogue.sweep();
  });

  it('give their blob back when the job is dropped', () => {
    const dialogue = new MemoryDialogue();
    for (const n of [1, 2]) {
      const data = Buffer.alloc(100_000 * n, 'x');
      dialogue.push('client', request('SUBMIT_JOB', 'f', `u${n}`, data));
      dialogue.thread.run();
    }
    expect(dialogue.thread.blobKib).toBeGreaterThan(290);
    dialogue.thread.reactor.end(dialogue.peer('client').conn);
    dialogue.thread.run();
    expect(dialogue.thread.blobKib).toBe(0);
  });
});
