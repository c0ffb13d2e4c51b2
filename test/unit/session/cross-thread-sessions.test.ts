import { describe, expect, it } from 'vitest';
import { Packet } from '../../../src/protocol/packets.ts';
import { CrossThreadDialogue } from '../../support/cross-thread.ts';
import { BOOT, handleOf } from '../../support/handles.ts';
import { rawPacket, request } from '../../support/packet-text.ts';

/** Shard 1 of 3 as home of connections; `near` is its own function, `two` and `three` belong to other shards. */
function sessions(options = {}) {
  const dialogue = new CrossThreadDialogue({ thread: 1, shardCount: 3, ...options });
  const own = dialogue.functionOf(1);
  const two = dialogue.functionOf(2);
  const three = dialogue.functionOf(3);
  /** A packet of an owner for connection 0. */
  const reply = (from: number, replyId: number, type: keyof typeof Packet, payload = '') =>
    dialogue.heard(
      from,
      'REPLY',
      [conn(), replyId],
      rawPacket(Packet[type], payload, { magic: '\0RES' }),
    );
  const notify = (from: number, type: keyof typeof Packet, payload: string | Buffer) =>
    dialogue.heard(
      from,
      'NOTIFY',
      [conn(), 1],
      rawPacket(Packet[type], payload, { magic: '\0RES' }),
    );
  const conn = () => dialogue.peer('peer').conn;
  const answer = (from: number, id: number, bytes = '', more = {}) => {
    const result = { result: 0, cursor: 0, part: 0, status: null, stats: null, ...more };
    dialogue.heard(from, 'RESULT', [id], `${JSON.stringify(result)}\0${bytes}`);
  };
  /** The peer sends `line`; then what other threads were told. */
  const says = (line: string): string[] => {
    dialogue.play(`peer > ${line}`);
    return dialogue.told();
  };
  /** What the peer hears now, in the lines of a dialogue. */
  const hears = (lines: string): void => {
    dialogue.play(`other > (connect)\n${lines}`);
  };
  return { dialogue, own, two, three, reply, notify, answer, says, hears, conn };
}

/** Handles of shard 2 and 3. */
const H2 = handleOf(2, 1, 1);
const H3 = handleOf(3, 1, 1);

describe('a home, for clients,', () => {
  it('sends a submit to the owner of the function and waits for its reply', () => {
    const { two, says, reply, hears } = sessions();
    expect(says(`SUBMIT_JOB ${two} u data`)).toEqual([
      `to 2: FRAME 0 place 1 SUBMIT_JOB ${two}\\0u\\0data`,
    ]);
    reply(2, 1, 'JOB_CREATED', H2);
    hears('peer < JOB_CREATED #1');
  });

  it('keeps replies in the order of requests, however late and mixed they come', () => {
    const { own, two, three, says, reply, hears } = sessions();
    says(`SUBMIT_JOB_BG ${two} a data`);
    says(`SUBMIT_JOB_BG ${three} b data`);
    says(`SUBMIT_JOB_BG ${own} c data`);
    says('OPTION_REQ exceptions');
    says('GRAB_JOB');
    says('SUBMIT_JOB_SCHED f u 1 2 3 4 5 x');
    says(`SUBMIT_JOB_BG ${two} d data`);
    reply(2, 7, 'ERROR', 'QUEUE_ERROR\0Job queue is full');
    reply(3, 2, 'JOB_CREATED', H3);
    hears('');
    reply(2, 1, 'JOB_CREATED', H2);
    hears(`
      peer < JOB_CREATED #1
      peer < JOB_CREATED #2
      peer < JOB_CREATED #3
      peer < OPTION_RES exceptions
      peer < NO_JOB
      peer < ERROR INVALID_COMMAND "Command not expected"
      peer < ERROR QUEUE_ERROR "Job queue is full"
    `);
    // Nothing waits any more: replies of this thread go straight out again.
    says(`SUBMIT_JOB_BG ${own} e data\npeer < JOB_CREATED #4`);
  });

  it('keeps results behind the JOB_CREATED that still waits', () => {
    const { two, three, says, reply, notify, hears } = sessions();
    says(`SUBMIT_JOB ${three} a data`);
    says(`SUBMIT_JOB ${two} b data`);
    reply(2, 2, 'JOB_CREATED', H2);
    notify(2, 'WORK_STATUS', `${H2}\x001\x002`);
    notify(2, 'WORK_COMPLETE', `${H2}\0done`);
    hears('');
    reply(3, 1, 'JOB_CREATED', H3);
    hears(`
      peer < JOB_CREATED #1
      peer < JOB_CREATED #2
      peer < WORK_STATUS #2 1 2
      peer < WORK_COMPLETE #2 done
    `);
  });

  it('decides about exceptions when they arrive', () => {
    const { two, says, reply, notify, hears } = sessions();
    says(`SUBMIT_JOB ${two} "" data`);
    reply(2, 1, 'JOB_CREATED', H2);
    notify(2, 'WORK_EXCEPTION', `${H2}\0why`);
    says(`OPTION_REQ exceptions
      peer < JOB_CREATED #1
      peer < WORK_FAIL #1
      peer < OPTION_RES exceptions
    `);
    notify(2, 'WORK_EXCEPTION', `${H2}\0why`);
    hears('peer < WORK_EXCEPTION #1 why');
  });

  it('turns an exception into WORK_FAIL with the handle alone', () => {
    const { dialogue, notify } = sessions();
    dialogue.peer('peer');
    dialogue.thread.run();
    notify(2, 'WORK_EXCEPTION', `${H2}\0why\0`);
    expect(dialogue.take('peer').equals(rawPacket(14, H2, { magic: '\0RES' }))).toBe(true);
  });

  it('passes large results on whole', () => {
    const { dialogue, notify } = sessions();
    dialogue.peer('peer');
    dialogue.thread.run();
    const payload = Buffer.concat([Buffer.from(`${H2}\0`), Buffer.alloc(3_000_000, 'r')]);
    notify(2, 'WORK_COMPLETE', payload);
    const packet = rawPacket(13, payload, { magic: '\0RES' });
    expect(dialogue.take('peer').equals(packet)).toBe(true);
  });

  it('sends a large workload as one record and keeps no blob', () => {
    const { dialogue, two } = sessions();
    const data = Buffer.alloc(3_000_000, 'w');
    dialogue.push('peer', request('SUBMIT_JOB', two, 'u', data));
    dialogue.thread.run();
    const payload = Buffer.concat([Buffer.from(`${two}\0u\0`), data]);
    expect(dialogue.records[0]?.payload.equals(payload)).toBe(true);
    expect(dialogue.thread.blobKib).toBe(0);
  });

  it('tells every owner that was ever named when the connection ends, behind all else', () => {
    const { dialogue, two, three, says } = sessions();
    says(`CAN_DO ${three}`);
    says(`CANT_DO ${three}`);
    dialogue.play(`
      peer >> SUBMIT_JOB_BG ${two} u data
      peer > (end)
    `);
    expect(dialogue.told()).toEqual([
      `to 2: FRAME 0 place 1 SUBMIT_JOB_BG ${two}\\0u\\0data`,
      'to 2: GONE 0',
      'to 3: GONE 0',
    ]);
  });

  it('still delivers the replies that are under way when the peer has sent its end', () => {
    const { dialogue, two, says, reply, hears } = sessions();
    says(`SUBMIT_JOB_BG ${two} u data`);
    dialogue.play('peer > (end)');
    reply(2, 1, 'JOB_CREATED', H2);
    hears(`
      peer < JOB_CREATED #1
      peer < (closed)
    `);
    expect(dialogue.thread.table.connectionCount).toBe(1);
  });

  it('drops records for a connection that is gone, also when its slot is taken again', () => {
    const { dialogue, two, says } = sessions();
    says(`SUBMIT_JOB ${two} u data`);
    const old = dialogue.peer('peer').conn;
    dialogue.play(`
      peer > (reset)
      peer < (closed)
    `);
    dialogue.play('next > ECHO_REQ x\nnext < ECHO_RES x');
    const packet = rawPacket(8, H2, { magic: '\0RES' });
    dialogue.heard(2, 'REPLY', [old, 1], packet);
    dialogue.heard(2, 'NOTIFY', [old], packet);
    dialogue.heard(2, 'WAKE', [old, 1]);
    dialogue.heard(2, 'CLOSE', [old], 'why');
    dialogue.heard(2, 'REVOKE', [1, 1, 0, old]);
    dialogue.play('next > ECHO_REQ y\nnext < ECHO_RES y');
  });

  it('closes a connection when an owner asks for it', () => {
    const { dialogue, two, says, hears } = sessions();
    says(`CAN_DO ${two}`);
    dialogue.heard(2, 'CLOSE', [dialogue.peer('peer').conn], 'too much');
    hears('peer < (closed)');
    expect(dialogue.thread.warnings.join()).toContain('too much');
  });

  it('closes a connection whose owner does not run', () => {
    const { dialogue, two, three, says, hears } = sessions();
    says(`CAN_DO ${three}`);
    dialogue.cut(2);
    expect(says(`SUBMIT_JOB ${two} u data\npeer < (closed)`)).toEqual(['to 3: GONE 0']);
    hears('');
    expect(dialogue.thread.table.connectionCount).toBe(1);
  });
});

describe('ECHO_RES and text replies', () => {
  it('wait until all earlier frames have taken effect elsewhere', () => {
    const { two, three, says, answer, hears } = sessions();
    says(`CAN_DO ${two}`);
    says(`CAN_DO ${three}`);
    expect(says('ECHO_REQ x')).toEqual([
      'to 2: QUERY 1 {"kind":"echoBarrier"}',
      'to 3: QUERY 2 {"kind":"echoBarrier"}',
    ]);
    // Nothing was sent since: the next one only waits for its turn.
    expect(says('ECHO_REQ y')).toEqual([]);
    expect(says('"version\\n"')).toEqual([]);
    answer(3, 2);
    hears('');
    answer(2, 1);
    hears(String.raw`
      peer < ECHO_RES x
      peer < ECHO_RES y
      peer < "OK 2.0.0+test\n"
    `);
    expect(says('ECHO_REQ z\npeer < ECHO_RES z')).toEqual([]);
  });

  it('wait behind frames that owe no reply, in text too', () => {
    const { two, says, answer, hears } = sessions();
    says(`CAN_DO ${two}`);
    says('PRE_SLEEP');
    expect(says('"version\\n"')).toEqual(['to 2: QUERY 1 {"kind":"echoBarrier"}']);
    answer(2, 1);
    hears('peer < "OK 2.0.0+test\\n"');
  });

  it('of a change at one owner wait for all others too', () => {
    const { dialogue, two, three, says, answer, hears } = sessions();
    says(`CAN_DO ${two}`);
    says(`CAN_DO ${three}`);
    expect(says(`"create function ${two}\\n"`)).toEqual([
      `to 2: QUERY 1 {"kind":"create","name":"${two}"}`,
    ]);
    answer(2, 1);
    expect(dialogue.told()).toEqual([
      expect.stringMatching(
        `^to 0: QUERY 2 {"kind":"audit",.*"action":"create","target":"function ${two}",.*"result":"ok"`,
      ),
      'to 2: QUERY 3 {"kind":"echoBarrier"}',
      'to 3: QUERY 4 {"kind":"echoBarrier"}',
    ]);
    answer(2, 3);
    hears('');
    answer(3, 4);
    hears('peer < "OK\\r\\n"');
  });

  it('with large data keep their blob while they wait, and give it back', () => {
    const { dialogue, two, says, answer } = sessions();
    says(`CAN_DO ${two}`);
    const data = Buffer.alloc(200_000, 'e');
    dialogue.push('peer', rawPacket(16, data));
    dialogue.thread.run();
    expect(dialogue.take('peer').length).toBe(0);
    expect(dialogue.thread.blobKib).toBe(196);
    answer(2, 1);
    expect(dialogue.take('peer').equals(rawPacket(17, data, { magic: '\0RES' }))).toBe(true);
    expect(dialogue.thread.blobKib).toBe(0);
    says(`CAN_DO ${two}`);
    dialogue.push('peer', rawPacket(16, data));
    dialogue.thread.run();
    dialogue.play(`
      peer > (reset)
      peer < (closed)
    `);
    expect(dialogue.thread.blobKib).toBe(0);
  });
});

describe('questions about jobs of other shards', () => {
  const known = (numbers: object) => ({
    status: {
      isKnown: true,
      isRunning: false,
      numerator: 0,
      denominator: 0,
      watcherCount: 0,
      serial: 1,
      ...numbers,
    },
  });

  it('go to the shard in the handle, or are answered at once', () => {
    const { says, answer, hears } = sessions();
    expect(says(`GET_STATUS ${H3}`)).toEqual([
      'to 3: QUERY 1 {"kind":"handle","slot":1,"serial":1}',
    ]);
    answer(3, 1, '', known({ isRunning: true, numerator: 5, denominator: 6 }));
    hears('peer < STATUS_RES #1 1 1 5 6');
    let n = 1;
    const foreign = `H:${'1'.repeat(20)}`;
    says(`GET_STATUS ${foreign}\npeer < STATUS_RES ${foreign} 0 0 0 0`);
    for (const handle of [handleOf(0, 1, 1), handleOf(4, 1, 1), handleOf(99, 1, 1)])
      expect(says(`GET_STATUS ${handle}\npeer < STATUS_RES #${++n} 0 0 0 0`)).toEqual([]);
  });

  it('go to all shards when the handle is of an earlier run, until one has the job', () => {
    const { says, answer, hears, dialogue } = sessions();
    const handle = handleOf(2, 7, 7, { boot: BOOT - 100 });
    const find = `{"kind":"find","handle":"${handle}"}`;
    expect(says(`GET_STATUS ${handle}`)).toEqual([`to 2: QUERY 1 ${find}`]);
    answer(2, 1);
    hears('');
    expect(dialogue.told()).toEqual([`to 3: QUERY 2 ${find}`]);
    answer(3, 2, '', { cursor: 5, part: 6 });
    hears('');
    expect(dialogue.told()).toEqual(['to 3: QUERY 3 {"kind":"handle","slot":5,"serial":6}']);
    answer(3, 3, '', known({ isRunning: true }));
    hears('peer < STATUS_RES #1 1 1 0 0');
    expect(says(`"cancel job ${handle}\\n"`)).toEqual([`to 2: QUERY 4 ${find}`]);
    answer(2, 4);
    hears('');
    answer(3, 5);
    hears('peer < "ERR UNKNOWN_JOB\\r\\n"');
  });

  it('by unique go to all shards and are answered once: running first, then the newest', () => {
    const { dialogue, own, says, answer, hears } = sessions();
    says(`SUBMIT_JOB_BG ${own} u x\npeer < JOB_CREATED #1`);
    expect(says('GET_STATUS_UNIQUE u')).toEqual([
      'to 2: QUERY 1 {"kind":"unique","unique":"u","cursor":0}',
    ]);
    // One with more functions than a turn looks at is asked again.
    answer(2, 1, '', { ...known({ serial: 99 }), cursor: 10_000 });
    hears('');
    expect(dialogue.told()).toEqual([
      'to 2: QUERY 2 {"kind":"unique","unique":"u","cursor":10000}',
    ]);
    answer(2, 2, '');
    hears('');
    expect(dialogue.told()).toEqual(['to 3: QUERY 3 {"kind":"unique","unique":"u","cursor":0}']);
    answer(3, 3, '', known({ isRunning: true, numerator: 7, watcherCount: 4 }));
    hears('peer < STATUS_RES_UNIQUE u 1 1 7 0 4');
  });

  it('about a cancelled job go to its shard', () => {
    const { says, answer, hears } = sessions();
    expect(says(`"cancel job ${H3}\\n"`)).toEqual([
      'to 3: QUERY 1 {"kind":"cancel","slot":1,"serial":1}',
    ]);
    answer(3, 1, '', { result: 1 });
    hears('peer < "ERR UNKNOWN_JOB\\r\\n"');
  });

  it('are answered with nothing when the shard has died meanwhile', () => {
    const { dialogue, says, hears } = sessions();
    says(`GET_STATUS ${H3}`);
    dialogue.thread.table.forgetThread(3);
    dialogue.thread.reactor.requestTurn();
    hears('peer < STATUS_RES #1 0 0 0 0');
  });

  it('join listings of all shards in their order, with one end', () => {
    const { dialogue, own, says, answer, hears } = sessions();
    dialogue.play(`other > CAN_DO ${own}`);
    expect(says('"status\\n"')).toEqual([`to 2: QUERY 1 {"kind":"list","listing":1,"cursor":0}`]);
    answer(2, 1, 'a\t0\t0\t0\n', { cursor: 1000 });
    expect(dialogue.told()).toEqual([`to 2: QUERY 2 {"kind":"list","listing":1,"cursor":1000}`]);
    answer(2, 2, 'b\t0\t0\t0\n');
    expect(dialogue.told()).toEqual([`to 3: QUERY 3 {"kind":"list","listing":1,"cursor":0}`]);
    hears('');
    answer(3, 3, 'c\t0\t0\t0\n');
    hears(String.raw`
      peer < "${own}\x090\x090\x091\n"
      peer < "a\x090\x090\x090\n"
      peer < "b\x090\x090\x090\n"
      peer < "c\x090\x090\x090\n"
      peer < ".\n"
    `);
  });

  it('list the connections of every thread, the acceptor included', () => {
    const { dialogue, says, answer, hears } = sessions();
    expect(says('"workers\\n"')).toEqual(['to 0: QUERY 1 {"kind":"workers","cursor":0,"part":0}']);
    answer(0, 1, 'zero\n');
    expect(dialogue.told()).toEqual(['to 2: QUERY 2 {"kind":"workers","cursor":0,"part":0}']);
    answer(2, 2, 'two\n');
    answer(3, 3, 'three\n');
    hears(String.raw`
      peer < "zero\n"
      peer < "1 127.0.0.1 - :\n"
      peer < "two\n"
      peer < "three\n"
      peer < ".\n"
    `);
  });
});

describe('more than 4,096 waiting replies', () => {
  it('stop the reading of their connection until a quarter is left', () => {
    const { dialogue, two, reply } = sessions();
    const submit = request('SUBMIT_JOB_BG', two, '', '');
    for (let i = 0; i < 5000; i++) dialogue.push('peer', submit);
    dialogue.thread.run();
    expect(dialogue.records.length).toBe(4097);
    for (let replyId = 1; replyId <= 4097 - 1024; replyId++) reply(2, replyId, 'JOB_CREATED', H2);
    expect(dialogue.records.length).toBe(4097);
    reply(2, 4097 - 1023, 'JOB_CREATED', H2);
    expect(dialogue.records.length).toBe(5000);
    for (let replyId = 4097 - 1022; replyId <= 5000; replyId++)
      reply(2, replyId, 'JOB_CREATED', H2);
    const created = rawPacket(8, H2, { magic: '\0RES' });
    expect(dialogue.take('peer').length).toBe(5000 * created.length);
    expect(dialogue.session('peer').replies).toBeNull();
  });

  it('do so whatever kind they are of', () => {
    const { dialogue, two } = sessions();
    dialogue.push('peer', request('SUBMIT_JOB_BG', two, '', ''));
    for (let i = 0; i < 2000; i++) {
      dialogue.push('peer', request('ECHO_REQ', 'x'));
      dialogue.push('peer', 'version\n');
      dialogue.push('peer', request('GET_STATUS', H3));
    }
    dialogue.thread.run();
    expect(dialogue.session('peer').replies?.length).toBe(4097);
  });
});
