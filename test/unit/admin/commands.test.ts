import { describe, expect, it } from 'vitest';
import { MemoryDialogue, plays } from '../../support/dialogue/memory.ts';
import { handleOf } from '../../support/handles.ts';
import { request } from '../../support/packet-text.ts';

const UNKNOWN = 'ERR UNKNOWN_COMMAND Unknown+server+command';
const INCOMPLETE = 'ERR INVALID_ARGUMENTS An+incomplete+set+of+arguments+was+sent+to+this+command+';
const SHOW = 'ERR UNKNOWN_SHOW_ARGUMENTS\r\n';
const UNKNOWN_JOB = 'ERR UNKNOWN_JOB\r\n';
const OK = 'OK\r\n';

/** What a fresh server answers; as observed on gearmand 1.1.20, but for version, pid and our own `functions` and `store`. */
const ANSWERS: readonly (readonly [string, string])[] = [
  ['version', 'OK 2.0.0+test\n'],
  ['VERSION', 'OK 2.0.0+test\n'],
  ['version ', 'OK 2.0.0+test\n'],
  ['version x y z', 'OK 2.0.0+test\n'],
  ['getpid', 'OK 4242\n'],
  ['getpid x y z', 'OK 4242\n'],
  ['verbose', 'OK ERROR\n'],
  ['verbose x', 'OK ERROR\n'],
  ['status', '.\n'],
  ['status x', '.\n'],
  ['prioritystatus', '.\n'],
  ['PriorityStatus x', '.\n'],
  ['workers', '0 127.0.0.1 - :\n.\n'],
  ['workers ', '0 127.0.0.1 - :\n.\n'],
  ['functions', '.\n'],
  ['store', '.\n'],
  ['show jobs', '.\n'],
  ['show  jobs', '.\n'],
  ['Show Jobs', '.\n'],
  ['show unique jobs', '.\n'],
  ['SHOW UNIQUE JOBS', '.\n'],
  ['show jobs ', SHOW],
  ['show jobs x', SHOW],
  ['show unique', SHOW],
  ['show unique jobs x', SHOW],
  ['show ', SHOW],
  ['show x', SHOW],
  ['show', `${UNKNOWN}show\r\n`],
  ['cancel', `${UNKNOWN}cancel\r\n`],
  ['cancel job', `${UNKNOWN}cancel\r\n`],
  ['cancel job ', UNKNOWN_JOB],
  ['cancel job x', UNKNOWN_JOB],
  ['CANCEL JOB x', UNKNOWN_JOB],
  ['cancel job H:t:1', UNKNOWN_JOB],
  [`cancel job ${handleOf(0, 1, 1)}`, UNKNOWN_JOB],
  [`cancel job ${handleOf(5, 1, 1)}`, UNKNOWN_JOB],
  ['cancel A B', 'ERR UNKNOWN_ERROR\r\n'],
  ['cancel A B C', 'ERR UNKNOWN_ERROR\r\n'],
  ['cancel job A B', 'ERR UNKNOWN_ERROR\r\n'],
  ['create', `${INCOMPLETE}create\r\n`],
  ['create function', `${INCOMPLETE}create\r\n`],
  ['create function a b', `${INCOMPLETE}create\r\n`],
  ['create x y', `${INCOMPLETE}create\r\n`],
  ['create function f', OK],
  ['Create Function f', OK],
  ['drop', `${INCOMPLETE}drop\r\n`],
  ['drop function', `${INCOMPLETE}drop\r\n`],
  ['drop function a b', `${INCOMPLETE}drop\r\n`],
  ['drop x y', `${INCOMPLETE}drop\r\n`],
  ['drop function f', 'ERR function not found\r\n'],
  ['maxqueue', `${INCOMPLETE}maxqueue\r\n`],
  ['maxqueue ', OK],
  ['maxqueue f', OK],
  ['maxqueue f 1', OK],
  ['maxqueue f 1 2', OK],
  ['maxqueue f 1 2 3', OK],
  ['maxqueue f -1 x 99999999999999999999', OK],
  ['', `${UNKNOWN}\r\n`],
  [' version', `${UNKNOWN}\r\n`],
  ['shutdown', `${UNKNOWN}shutdown\r\n`],
  ['shutdown graceful', `${UNKNOWN}shutdown\r\n`],
  ['jobs', `${UNKNOWN}jobs\r\n`],
  ['clients', `${UNKNOWN}clients\r\n`],
  ['gladiator', `${UNKNOWN}gladiator\r\n`],
  ['status\tx', `${UNKNOWN}status\tx\r\n`],
  ['constructor', `${UNKNOWN}constructor\r\n`],
  ['__proto__', `${UNKNOWN}__proto__\r\n`],
  ['caf\xe9 \xff', `${UNKNOWN}caf\xe9\r\n`],
  ['a b c d e', `${UNKNOWN}a\r\n`],
];

describe('a text command', () => {
  it.each(ANSWERS)('%j is answered with %j', (line, answer) => {
    for (const end of ['\n', '\r\n']) {
      const dialogue = new MemoryDialogue();
      dialogue.push('admin', line + end);
      dialogue.thread.run();
      expect(dialogue.take('admin').toString('latin1')).toBe(answer);
      dialogue.sweep();
    }
  });

  it.each(['a b c d e f', 'a b c d e ', 'status 1 2 3 4 5', 'maxqueue f 1 2 3 4'])(
    'of over five words closes: %j',
    (line) => {
      plays(String.raw`
        admin >> "version\n"
        admin > "${line}\n"
        admin < "OK 2.0.0+test\n"
        admin < (closed)
      `);
    },
  );

  it('of 8191 bytes is read, of one more closes', () => {
    const dialogue = new MemoryDialogue();
    dialogue.push('admin', `${'x'.repeat(8191)}\n`);
    dialogue.thread.run();
    expect(dialogue.take('admin').toString('latin1')).toBe(`${UNKNOWN}${'x'.repeat(8191)}\r\n`);
    dialogue.push('admin', `${'x'.repeat(8192)}\n`);
    dialogue.play(`
      other > (connect)
      admin < (closed)
    `);
    dialogue.sweep();
  });

  it('from an address that may not is refused, and the connection stays', () => {
    plays(
      String.raw`
      admin > "status\n"
      admin < "ERR NOT_ALLOWED Not+allowed+from+this+address\r\n"
      admin > "rubbish\n"
      admin < "ERR NOT_ALLOWED Not+allowed+from+this+address\r\n"
      admin > ECHO_REQ x
      admin < ECHO_RES x
    `,
      { isAllowed: () => false },
    );
  });
});

describe('status and prioritystatus', () => {
  it('count total, running and workers, and waiting jobs by priority', () => {
    plays(String.raw`
      worker > CAN_DO f
      worker > CAN_DO f
      client > SUBMIT_JOB_HIGH_BG f "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      client > SUBMIT_JOB_LOW_BG f "" 3
      client < JOB_CREATED #3
      client > SUBMIT_JOB_LOW_BG f "" 4
      client < JOB_CREATED #4
      client > SUBMIT_JOB_EPOCH f "" 1700000100 5
      client < JOB_CREATED #5
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      admin > "status\n"
      admin < "f\x095\x091\x092\n"
      admin < ".\n"
      admin > "prioritystatus\n"
      admin < "f\x090\x092\x092\x092\n"
      admin < ".\n"
    `);
  });

  it('print names as they are', () => {
    plays(String.raw`
      client > SUBMIT_JOB_BG "a b\x09c\xe9" "" 1
      client < JOB_CREATED #1
      admin > "status\n"
      admin < "a b\x09c\xe9\x091\x090\x090\n"
      admin < ".\n"
    `);
  });
});

describe('functions', () => {
  it('tells queued, running, workers, jobs so far and the age of the oldest waiting one', () => {
    plays(String.raw`
      worker > CAN_DO f
      client > SUBMIT_JOB_LOW_BG f "" 1
      client < JOB_CREATED #1
      + 1000 ms
      client > SUBMIT_JOB_HIGH_BG f "" 2
      client < JOB_CREATED #2
      + 500 ms
      admin > "functions\n"
      admin < "f\x092\x090\x091\x092\x091500\x09-\x090\x090\n"
      admin < ".\n"
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f 2
      worker > WORK_COMPLETE #2 ""
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      + 500 ms
      admin > "functions\n"
      admin < "f\x090\x091\x091\x092\x090\x09-\x090\x090\n"
      admin < ".\n"
    `);
  });

  it('writes names with columns and line ends so that each row is one line', () => {
    plays(String.raw`
      worker > CAN_DO "a\x0ab\x09c\x5c\x7f\xe9"
      admin > "functions\n"
      admin < "a\\x0ab\\x09c\\x5c\\x7f\xe9\x090\x090\x091\x090\x090\x09-\x090\x090\n"
      admin < ".\n"
    `);
  });

  it('tells the gate of the function', () => {
    const kept = String.raw`admin < "OK until+the+server+ends\r\n"`;
    const row = (figures: string, gate: string) => String.raw`
      admin > "functions\n"
      admin < "f\x09${figures.replaceAll(' ', String.raw`\x09`)}\x09${gate}\x090\x090\n"
      admin < ".\n"
    `;
    plays(String.raw`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      ${row('2 0 1 2 0', '-')}
      admin > "policy f concurrency:1,rate:1/m\n"
      ${kept}
      ${row('2 0 1 2 0', 'open')}
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      ${row('1 1 1 2 0', 'concurrency')}
      worker > WORK_COMPLETE #1 ""
      ${row('1 0 1 2 0', 'rate')}
      admin > "pause f\n"
      ${kept}
      ${row('1 0 1 2 0', 'paused')}
      admin > "drain f\n"
      ${kept}
      ${row('1 0 1 2 0', 'paused+draining')}
      admin > "resume f\n"
      ${kept}
      admin > "policy f reset\n"
      ${kept}
      admin > "drain f\n"
      ${kept}
      ${row('1 0 1 2 0', 'open+draining')}
      admin > "resume f\n"
      ${kept}
      ${row('1 0 1 2 0', '-')}
    `);
  });

  it('ends each row with the jobs that wait for their next run and the dead ones', () => {
    plays(String.raw`
      worker > CAN_DO f
      admin > "policy f attempts:2,backoff:fixed:1s,jitter:0\n"
      admin < "OK until+the+server+ends\r\n"
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker > WORK_FAIL #1
      admin > "functions\n"
      admin < "f\x091\x090\x091\x091\x090\x09-\x091\x090\n"
      admin < ".\n"
      + 1000 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker > WORK_FAIL #1
      admin > "functions\n"
      admin < "f\x090\x090\x091\x091\x090\x09-\x090\x091\n"
      admin < ".\n"
      admin > "kick job #1\n"
      admin < "OK\r\n"
      admin > "functions\n"
      admin < "f\x091\x090\x091\x091\x090\x09-\x090\x090\n"
      admin < ".\n"
    `);
  });

  it('counts a job that joined another once, and ages a job anew that comes back', () => {
    plays(String.raw`
      client > SUBMIT_JOB_BG f u 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f u 1
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      + 1000 ms
      worker > CANT_DO f
      + 200 ms
      admin > "functions\n"
      admin < "f\x091\x090\x090\x091\x09200\x09-\x090\x090\n"
      admin < ".\n"
    `);
  });
});

describe('show', () => {
  it('lists every job with its lost runs, whether nobody waits for it, and whether it is in the background', () => {
    plays(String.raw`
      client > SUBMIT_JOB f u1 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f - 2
      client < JOB_CREATED #2
      client > SUBMIT_JOB_BG f "" 3
      client < JOB_CREATED #3
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker > CANT_DO f
      admin > "show jobs\n"
      admin < "#1\x091\x090\x090\n"
      admin < "#2\x090\x090\x091\n"
      admin < "#3\x090\x090\x091\n"
      admin < ".\n"
      admin > "show unique jobs\n"
      admin < "u1\n"
      admin < "-\n"
      admin < "\n"
      admin < ".\n"
    `);
  });
});

describe('cancel', () => {
  it('drops a waiting job and tells its clients', () => {
    plays(String.raw`
      client > SUBMIT_JOB f u 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB f u 1
      client < JOB_CREATED #1
      admin > "cancel job #1\n"
      admin < "OK\r\n"
      client < WORK_FAIL #1
      client < WORK_FAIL #1
      admin > "cancel job #1\n"
      admin < "ERR UNKNOWN_JOB\r\n"
      admin > "status\n"
      admin < "f\x090\x090\x090\n"
      admin < ".\n"
    `);
  });

  it('tells the clients of a running job, whose result then goes nowhere', () => {
    plays(String.raw`
      client > SUBMIT_JOB f u 1
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      admin > "cancel job #1\n"
      admin < "OK\r\n"
      client < WORK_FAIL #1
      admin > "show jobs\n"
      admin < "#1\x090\x091\x090\n"
      admin < ".\n"
      admin > "cancel job #1\n"
      admin < "OK\r\n"
      worker > WORK_COMPLETE #1 done
    `);
  });

  it('of a running background job lists it as one that nobody waits for', () => {
    plays(String.raw`
      client > SUBMIT_JOB_BG f u 1
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      admin > "cancel job #1\n"
      admin < "OK\r\n"
      admin > "show jobs\n"
      admin < "#1\x090\x091\x090\n"
      admin < ".\n"
    `);
  });

  it('of a running job keeps it from being run again', () => {
    plays(String.raw`
      client > SUBMIT_JOB_BG f u 1
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      admin > "cancel job #1\n"
      admin < "OK\r\n"
      worker > CANT_DO f
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < NO_JOB
    `);
  });

  it('drops a scheduled job', () => {
    plays(String.raw`
      worker > CAN_DO f
      worker > PRE_SLEEP
      client > SUBMIT_JOB_EPOCH f u 1700000001 1
      client < JOB_CREATED #1
      admin > "cancel job #1\n"
      admin < "OK\r\n"
      + 2000 ms
    `);
  });
});

describe('create and drop function', () => {
  it('keep the whole name behind a bare LF', () => {
    plays(String.raw`
      admin > "create function foo\n"
      admin < "OK\r\n"
      admin > "create function foo\r\n"
      admin < "OK\r\n"
      admin > "status\n"
      admin < "foo\x090\x090\x090\n"
      admin < ".\n"
    `);
  });

  it('match the exact name', () => {
    plays(String.raw`
      admin > "create function foo\n"
      admin < "OK\r\n"
      admin > "drop function FOO\n"
      admin < "ERR function not found\r\n"
      admin > "drop function foo\n"
      admin < "OK\r\n"
      admin > "drop function foo\n"
      admin < "ERR function not found\r\n"
      admin > "status\n"
      admin < ".\n"
    `);
  });

  it('leave a function alone that has workers or jobs', () => {
    plays(String.raw`
      worker > CAN_DO f
      admin > "drop function f\n"
      admin < "ERR there are still connected workers or executing clients\r\n"
      worker > CANT_DO f
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      admin > "drop function f\n"
      admin < "ERR there are still connected workers or executing clients\r\n"
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker > WORK_COMPLETE #1 ""
      worker > (end)
      worker < (closed)
      admin > "drop function f\n"
      admin < "OK\r\n"
    `);
  });

  it('forget the limits of the function', () => {
    plays(String.raw`
      admin > "create function f\n"
      admin < "OK\r\n"
      admin > "maxqueue f 1\n"
      admin < "OK\r\n"
      admin > "drop function f\n"
      admin < "OK\r\n"
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
    `);
  });

  it('say when there are too many', () => {
    plays(
      String.raw`
      admin > "create function f\n"
      admin < "OK\r\n"
      admin > "create function g\n"
      admin < "ERR QUEUE_ERROR Too+many+functions\r\n"
      admin > "create function f\n"
      admin < "OK\r\n"
    `,
      { functionsMax: 1 },
    );
  });
});

describe('maxqueue', () => {
  /** Submits of high, normal, low until one is refused. */
  function room(limits: string): number[] {
    return ['SUBMIT_JOB_HIGH_BG', 'SUBMIT_JOB_BG', 'SUBMIT_JOB_LOW_BG'].map((packet) => {
      const dialogue = new MemoryDialogue();
      dialogue.push('admin', `create function f\n${limits}\n`);
      for (let i = 0; i < 6; i++)
        dialogue.push('client', request(packet as 'SUBMIT_JOB_BG', 'f', '', 'x'));
      dialogue.thread.run();
      const created = dialogue.take('client').toString('latin1').split('H:t:').length - 1;
      dialogue.sweep();
      return created;
    });
  }

  it.each([
    ['maxqueue f 3', [3, 3, 3]],
    ['maxqueue f 3 2', [3, 2, 6]],
    ['maxqueue f 1 2 3', [1, 2, 3]],
    ['maxqueue f 0 -2 x', [6, 6, 6]],
    ['maxqueue f', [6, 6, 6]],
    ['maxqueue F 1', [6, 6, 6]],
    ['maxqueue f 1\nmaxqueue f', [6, 6, 6]],
    ['maxqueue f +2', [2, 2, 2]],
  ])('%j allows %j jobs of high, normal and low', (limits, allowed) => {
    expect(room(limits)).toEqual(allowed);
  });

  it('does not make the function', () => {
    plays(String.raw`
      admin > "maxqueue f 1\n"
      admin < "OK\r\n"
      admin > "status\n"
      admin < ".\n"
    `);
  });
});
