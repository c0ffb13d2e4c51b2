import { describe, expect, it } from 'vitest';
import { MemoryDialogue, plays } from '../../support/dialogue/memory.ts';
import { BOOT, handleOf, numbersOf } from '../../support/handles.ts';
import { rawPacket } from '../../support/packet-text.ts';

describe('OPTION_REQ', () => {
  it('takes exceptions in any case and echoes the bytes that came', () => {
    plays(String.raw`
      client > OPTION_REQ exceptions
      client < OPTION_RES exceptions
      client > OPTION_REQ eXcEpTiOnS
      client < OPTION_RES eXcEpTiOnS
      client > OPTION_REQ "exceptions\0"
      client < OPTION_RES "exceptions\0"
    `);
  });

  it.each(['""', 'exception', 'exceptions2', 'x*63', 'x*64', 'x*8000'])('refuses %s', (option) => {
    plays(`
      client > OPTION_REQ ${option}
      client < ERROR UNKNOWN_OPTION "Server does not recognize given option"
    `);
  });
});

describe('ECHO_REQ', () => {
  it('comes back with its bytes, also without any', () => {
    plays(String.raw`
      client > ECHO_REQ "a\0b\n"
      client < ECHO_RES "a\0b\n"
      client > ECHO_REQ ""
      client < ECHO_RES ""
    `);
  });

  it.each([20_000, 70_000, 3_000_000])('comes back with %i bytes', (bytes) => {
    const dialogue = new MemoryDialogue();
    const data = Buffer.alloc(bytes, 'e');
    dialogue.push('client', rawPacket(16, data));
    dialogue.push('client', rawPacket(16, 'x'));
    dialogue.thread.run();
    const both = [rawPacket(17, data, { magic: '\0RES' }), rawPacket(17, 'x', { magic: '\0RES' })];
    expect(dialogue.take('client').equals(Buffer.concat(both))).toBe(true);
    dialogue.sweep();
  });
});

describe('SET_CLIENT_ID', () => {
  it.each([
    ['me', 'me'],
    ['"two words"', 'two words'],
    ['"cut\\0here"', 'cut'],
  ])('of %s shows as %s', (id, shown) => {
    plays(String.raw`
      client > SET_CLIENT_ID first
      client > SET_CLIENT_ID ${id}
      client > "workers\n"
      client < "0 127.0.0.1 ${shown} :\n"
      client < ".\n"
    `);
  });

  it('keeps 127 bytes', () => {
    for (const count of [127, 128, 1000]) {
      const dialogue = new MemoryDialogue();
      dialogue.play(`client > SET_CLIENT_ID c*${count}`);
      dialogue.push('client', 'workers\n');
      dialogue.thread.run();
      const shown = dialogue.take('client').toString('latin1');
      expect(shown).toBe(`0 127.0.0.1 ${'c'.repeat(127)} :\n.\n`);
      dialogue.sweep();
    }
  });
});

describe('abilities', () => {
  it('are listed by registration, newest first, and counted twice when registered twice', () => {
    plays(String.raw`
      worker > CAN_DO f
      worker > CAN_DO g
      worker > CAN_DO_TIMEOUT f 5000
      worker > "workers\n"
      worker < "0 127.0.0.1 - : f g f\n"
      worker < ".\n"
      worker > "status\n"
      worker < "f\x090\x090\x092\n"
      worker < "g\x090\x090\x091\n"
      worker < ".\n"
      worker > CANT_DO f
      worker > CANT_DO unknown
      worker > "workers\n"
      worker < "0 127.0.0.1 - : g\n"
      worker < ".\n"
      worker > RESET_ABILITIES
      worker > "status\n"
      worker < "f\x090\x090\x090\n"
      worker < "g\x090\x090\x090\n"
      worker < ".\n"
    `);
  });

  it('beyond --max-functions end the connection, asleep or not', () => {
    const options = { functionsMax: 1 };
    plays(
      `
      worker > CAN_DO f
      worker > PRE_SLEEP
      worker > CAN_DO g
      worker < (closed)
      other > PRE_SLEEP
      other > CAN_DO h
      other < (closed)
      third > CAN_DO f
    `,
      options,
    );
  });
});

describe('status requests', () => {
  it('know nothing of a handle that never was, was of another run, or has ended', () => {
    plays(`
      client > GET_STATUS H:t:1
      client < STATUS_RES H:t:1 0 0 0 0
      client > GET_STATUS ""
      client < STATUS_RES "" 0 0 0 0
      client > GET_STATUS h*200
      client < STATUS_RES h*200 0 0 0 0
      client > SUBMIT_JOB f u x
      client < JOB_CREATED #1
      client > GET_STATUS ${handleOf(0, 1, 1, { boot: BOOT - 1 })}
      client < STATUS_RES #2 0 0 0 0
      client > GET_STATUS ${handleOf(1, 1, 1, { boot: BOOT - 1 })}
      client < STATUS_RES #3 0 0 0 0
    `);
  });

  it('cut a handle at its first NUL', () => {
    plays(String.raw`
      client > SUBMIT_JOB f u x
      client < JOB_CREATED #1
      client > GET_STATUS "#1\0"
      client < STATUS_RES #1 1 0 0 0
      client > GET_STATUS "#1\0rest"
      client < STATUS_RES #1 1 0 0 0
    `);
  });

  it('by unique count every subscription', () => {
    plays(`
      client1 > SUBMIT_JOB f u x
      client1 < JOB_CREATED #1
      client1 > SUBMIT_JOB f u x
      client1 < JOB_CREATED #1
      client2 > SUBMIT_JOB f u x
      client2 < JOB_CREATED #1
      client2 > GET_STATUS_UNIQUE u
      client2 < STATUS_RES_UNIQUE u 1 0 0 0 3
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f x
      worker > WORK_STATUS #1 5 6
      client1 < WORK_STATUS #1 5 6
      client1 < WORK_STATUS #1 5 6
      client2 < WORK_STATUS #1 5 6
      client2 > GET_STATUS_UNIQUE u
      client2 < STATUS_RES_UNIQUE u 1 1 5 6 3
    `);
  });

  it('by unique know background jobs, without clients', () => {
    plays(String.raw`
      client > SUBMIT_JOB_BG f u x
      client < JOB_CREATED #1
      client > GET_STATUS_UNIQUE "u\0more"
      client < STATUS_RES_UNIQUE u 1 0 0 0 0
    `);
  });

  it('by unique never find an empty key, the key -, or the workload that it stands for', () => {
    plays(`
      client > SUBMIT_JOB f "" x
      client < JOB_CREATED #1
      client > SUBMIT_JOB f - load
      client < JOB_CREATED #2
      client > GET_STATUS_UNIQUE ""
      client < STATUS_RES_UNIQUE "" 0 0 0 0 0
      client > GET_STATUS_UNIQUE -
      client < STATUS_RES_UNIQUE - 0 0 0 0 0
      client > GET_STATUS_UNIQUE load
      client < STATUS_RES_UNIQUE load 0 0 0 0 0
      client > GET_STATUS_UNIQUE u*300
      client < STATUS_RES_UNIQUE u*300 0 0 0 0 0
    `);
  });

  it('by unique tell of a running job first, then of the newest', () => {
    plays(`
      client > SUBMIT_JOB_BG f u x
      client < JOB_CREATED #1
      client > SUBMIT_JOB g u x
      client < JOB_CREATED #2
      client > GET_STATUS_UNIQUE u
      client < STATUS_RES_UNIQUE u 1 0 0 0 1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f x
      client > GET_STATUS_UNIQUE u
      client < STATUS_RES_UNIQUE u 1 1 0 0 0
    `);
  });
});

describe('handles', () => {
  it('never repeat, though their rows are used again', () => {
    const dialogue = new MemoryDialogue().play(`
      client > SUBMIT_JOB f "" 1
      client < JOB_CREATED #1
      client > (end)
      client < (closed)
      other > SUBMIT_JOB f "" 1
      other < JOB_CREATED #2
      other > GET_STATUS #1
      other < STATUS_RES #1 0 0 0 0
      other > GET_STATUS #2
      other < STATUS_RES #2 1 0 0 0
    `);
    const [first, second] = [numbersOf(dialogue.handle(1)), numbersOf(dialogue.handle(2))];
    expect(first.slot).toBe(second.slot);
    expect(first.serial).not.toBe(second.serial);
    dialogue.sweep();
  });
});

describe('ALL_YOURS', () => {
  it('is taken without a reply', () => {
    plays(`
      worker > ALL_YOURS
      worker > ECHO_REQ x
      worker < ECHO_RES x
    `);
  });
});

describe('unexpected input', () => {
  it.each([5, 6, 8, 10, 11, 17, 19, 20, 27, 31, 40, 42])(
    'of type %i is answered with INVALID_COMMAND',
    (type) => {
      plays(String.raw`
        peer > TYPE_${type} "1\02\03\04\05\06\07\0"
        peer < ERROR INVALID_COMMAND "Command not expected"
        peer > ECHO_REQ x
        peer < ECHO_RES x
      `);
    },
  );

  it('of type 35, SUBMIT_JOB_SCHED, is answered with INVALID_COMMAND', () => {
    plays(`
      peer > SUBMIT_JOB_SCHED f u 1 2 3 4 5 x
      peer < ERROR INVALID_COMMAND "Command not expected"
    `);
  });

  it.each([0, 43, 100, 2147483647, 2147483648, 4294967295])('of type %i closes', (type) => {
    plays(`
      peer > TYPE_${type}
      peer < (closed)
    `);
  });

  it('with the magic of replies is answered with INVALID_MAGIC and has no effect', () => {
    plays(String.raw`
      peer > RES_CAN_DO f
      peer < ERROR INVALID_MAGIC "Request magic expected"
      peer > RES_SUBMIT_JOB_BG f u x
      peer < ERROR INVALID_MAGIC "Request magic expected"
      peer > RES_TYPE_13 short
      peer < ERROR INVALID_MAGIC "Request magic expected"
      peer > "status\n"
      peer < ".\n"
    `);
  });

  it('with the magic of replies and a type that does not exist closes', () => {
    plays(`
      peer > RES_TYPE_43
      peer < (closed)
    `);
  });

  it('with another magic closes, once 12 bytes are there', () => {
    plays(String.raw`
      peer > "\0REX\0\0\0\x10\0\0\0"
      peer > "\0"
      peer < (closed)
    `);
  });

  it.each([
    ['SUBMIT_JOB', 7, 'f\0u'],
    ['SUBMIT_REDUCE_JOB with three arguments', 37, 'f\0u\0r\0data'],
    ['CAN_DO_TIMEOUT', 23, 'f'],
  ])('of too few arguments closes: %s', (_name, type, payload) => {
    const dialogue = new MemoryDialogue();
    dialogue.push('peer', rawPacket(type, payload));
    dialogue.play(`
      peer > ECHO_REQ x
      peer < (closed)
    `);
    dialogue.sweep();
  });

  it('of over 8192 bytes in its arguments closes', () => {
    plays(`
      peer > CAN_DO f*8180
      peer > CAN_DO f*8181
      peer < (closed)
    `);
  });

  it('above --max-packet-size is answered and then closes', () => {
    const dialogue = new MemoryDialogue({ packetBytesMax: 1000 });
    dialogue.push('peer', rawPacket(16, '', { size: 1001 }));
    dialogue.play(`
      peer > CAN_DO f
      peer < ERROR ARGUMENT_TOO_LARGE "packet is 1001 bytes, limit 1000"
      peer < (closed)
    `);
    dialogue.sweep();
  });

  it('with a payload where none belongs is handled as without', () => {
    plays(`
      peer > TYPE_4 payload
      peer > TYPE_3 payload
      peer > TYPE_39 payload
      peer < NO_JOB
    `);
  });

  it('gets the replies that are due before the connection is closed', () => {
    plays(String.raw`
      peer >> ECHO_REQ x
      peer >> "version\n"
      peer > TYPE_43
      peer < ECHO_RES x
      peer < "OK 2.0.0+test\n"
      peer < (closed)
    `);
  });

  it('of text and packets in one write is answered in its order', () => {
    plays(String.raw`
      peer >> "version\nversion\r\n"
      peer >> ECHO_REQ x
      peer >> "getpid\n"
      peer > SUBMIT_JOB f u x
      peer < "OK 2.0.0+test\n"
      peer < "OK 2.0.0+test\n"
      peer < ECHO_RES x
      peer < "OK 4242\n"
      peer < JOB_CREATED #1
    `);
  });

  it('byte by byte is answered like in one piece', () => {
    const dialogue = new MemoryDialogue();
    const bytes = Buffer.concat([
      rawPacket(7, 'f\0u\0data'),
      Buffer.from('version\n'),
      rawPacket(16, 'echo'),
    ]);
    for (const byte of bytes) {
      dialogue.push('peer', Buffer.of(byte));
      dialogue.thread.run();
    }
    dialogue.play(String.raw`
      peer > "verbose\n"
      peer < JOB_CREATED #1
      peer < "OK 2.0.0+test\n"
      peer < ECHO_RES echo
      peer < "OK ERROR\n"
    `);
    dialogue.sweep();
  });
});

describe('the end of a connection', () => {
  it('comes behind the requests and replies before it', () => {
    plays(String.raw`
      client >> SUBMIT_JOB_BG f "" x
      client >> "status\n"
      client > (end)
      client < JOB_CREATED #1
      client < "f\x091\x090\x090\n"
      client < ".\n"
      client < (closed)
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f x
    `);
  });

  it('is refused to none: one more than --max-connections is closed at once', () => {
    plays(
      `
      one > (connect)
      two > (connect)
      three > ECHO_REQ x
      three < (closed)
      two > (end)
      two < (closed)
      four > ECHO_REQ x
      four < ECHO_RES x
    `,
      { connectionsMax: 2 },
    );
  });
});
