import { describe, expect, it } from 'vitest';
import { Packet } from '../../../src/protocol/packets.ts';
import { CrossThreadDialogue } from '../../support/cross-thread.ts';
import { handleOf } from '../../support/handles.ts';
import { rawPacket, request } from '../../support/packet-text.ts';

/** Shard 1 of 3 as home of a worker; `near` is its own function, `two` and `three` belong to other shards. */
function sessions(options = {}) {
  const dialogue = new CrossThreadDialogue({ thread: 1, shardCount: 3, ...options });
  const conn = () => dialogue.peer('worker').conn;
  const reply = (from: number, replyId: number, type: keyof typeof Packet, payload = '') =>
    dialogue.heard(
      from,
      'REPLY',
      [conn(), replyId],
      rawPacket(Packet[type], payload, { magic: '\0RES' }),
    );
  return {
    dialogue,
    conn,
    reply,
    own: dialogue.functionOf(1),
    two: dialogue.functionOf(2),
    three: dialogue.functionOf(3),
    /** The worker sends `line` and hears what follows it; then what other threads were told. */
    says(line: string): string[] {
      dialogue.play(`worker > ${line}`);
      return dialogue.told();
    },
    hears(lines: string): void {
      dialogue.play(`other > (connect)\n${lines}`);
    },
    wakes(from: number, sleep: number): void {
      dialogue.heard(from, 'WAKE', [conn(), sleep]);
    },
  };
}

const H2 = handleOf(2, 1, 1);
const H3 = handleOf(3, 1, 1);

describe('a worker of one function elsewhere', () => {
  it('has all that it says sent there, in order', () => {
    const { dialogue, two, says, reply, hears } = sessions();
    dialogue.play(`
      worker >> CAN_DO_TIMEOUT ${two} 5000
      worker >> PRE_SLEEP
      worker > GRAB_JOB_UNIQ
    `);
    expect(dialogue.told()).toEqual([
      'to 2: PEER 0 127.0.0.1:1000',
      `to 2: FRAME 0 CAN_DO_TIMEOUT ${two}\\05000`,
      'to 2: SLEEP 0 sleep 1',
      'to 2: FRAME 0 place 1 GRAB_JOB_UNIQ',
    ]);
    reply(2, 1, 'JOB_ASSIGN_UNIQ', `${H2}\0${two}\0u\0data`);
    hears(`worker < JOB_ASSIGN_UNIQ #1 ${two} u data`);
    expect(says('SET_CLIENT_ID me')).toEqual(['to 2: PEER 0 127.0.0.1:1000 me']);
    expect(says('WORK_STATUS #1 1 2')).toEqual([`to 2: FRAME 0 WORK_STATUS ${H2}\\01\\02`]);
    expect(says('WORK_COMPLETE #1 done')).toEqual([`to 2: FRAME 0 WORK_COMPLETE ${H2}\\0done`]);
    expect(says(`CANT_DO ${two}`)).toEqual([`to 2: FRAME 0 CANT_DO ${two}`]);
    expect(says(`CANT_DO ${two}`)).toEqual([]);
    expect(says('GRAB_JOB\nworker < NO_JOB')).toEqual([]);
  });

  it('that asks too long for a timeout offers nothing', () => {
    const { two, says } = sessions();
    expect(says(`CAN_DO_TIMEOUT ${two} 100000000000000000000`)).toEqual([]);
    expect(says('GRAB_JOB\nworker < NO_JOB')).toEqual([]);
  });

  it('grabs again and again without waiting for the answers', () => {
    const { dialogue, two, says, reply, hears } = sessions();
    says(`CAN_DO ${two}`);
    dialogue.play(`
      worker >> GRAB_JOB
      worker > GRAB_JOB
    `);
    expect(dialogue.told()).toEqual([
      'to 2: FRAME 0 place 1 GRAB_JOB',
      'to 2: FRAME 0 place 2 GRAB_JOB',
    ]);
    reply(2, 2, 'NO_JOB');
    reply(2, 1, 'JOB_ASSIGN', `${H2}\0${two}\0data`);
    hears(`
      worker < JOB_ASSIGN #1 ${two} data
      worker < NO_JOB
    `);
  });
});

describe('results for jobs of other shards', () => {
  function assigned() {
    const parts = sessions();
    parts.says(`CAN_DO ${parts.two}`);
    parts.says('GRAB_JOB');
    parts.reply(2, 1, 'JOB_ASSIGN', `${H2}\0${parts.two}\0data`);
    parts.hears(`worker < JOB_ASSIGN #1 ${parts.two} data`);
    return parts;
  }

  it.each([
    ['WORK_DATA #1 x', 'Job does not exist on server'],
    ['WORK_STATUS #1 1 2', 'Job given in work result not found'],
    ['WORK_EXCEPTION #1 x', 'An exception was received for a job that does not exist'],
  ])('are refused here when the job is not the connection’s: %s', (line, text) => {
    const { dialogue } = assigned();
    dialogue.play(`
      stranger > ${line}
      stranger < ERROR JOB_NOT_FOUND "${text}"
    `);
    expect(dialogue.told()).toEqual([]);
  });

  it.each(['WORK_COMPLETE #1 x', 'WORK_FAIL #1'])('are refused here behind %s', (line) => {
    const { says } = assigned();
    expect(says(line).length).toBe(1);
    expect(
      says('WORK_COMPLETE #1 x\nworker < ERROR JOB_NOT_FOUND "Job given in work result not found"'),
    ).toEqual([]);
  });

  it('are refused here when the owner has taken the job back', () => {
    const { dialogue, says, conn } = assigned();
    dialogue.heard(2, 'REVOKE', [0, 1, 0, conn()]);
    expect(
      says('WORK_COMPLETE #1 x\nworker < ERROR JOB_NOT_FOUND "Job given in work result not found"'),
    ).toEqual([]);
  });

  it('go on to the owner that has taken the job back for its timeout: the first end, nothing else', () => {
    const { dialogue, says, conn } = assigned();
    dialogue.heard(2, 'REVOKE', [1, 1, 0, conn()]);
    for (const line of ['WORK_DATA #1 x', 'WORK_WARNING #1 x', 'WORK_STATUS #1 1 2'])
      expect(says(line)).toEqual([]);
    dialogue.push('worker', request('WORK_DATA', H2, Buffer.alloc(200_000)));
    expect(says('WORK_EXCEPTION #1 why')).toEqual([`to 2: FRAME 0 WORK_EXCEPTION ${H2}\\0why`]);
    expect(dialogue.thread.blobKib).toBe(0);
    expect(says('WORK_FAIL #1')).toEqual([]);
    expect(
      says('WORK_COMPLETE #1 x\nworker < ERROR JOB_NOT_FOUND "Job given in work result not found"'),
    ).toEqual([]);
  });

  it('go on once more when the connection has got the job again', () => {
    const { dialogue, two, says, reply, hears, conn } = assigned();
    dialogue.heard(2, 'REVOKE', [1, 1, 0, conn()]);
    says('GRAB_JOB');
    reply(2, 2, 'JOB_ASSIGN', `${H2}\0${two}\0data`);
    hears(`worker < JOB_ASSIGN #1 ${two} data`);
    expect(says('WORK_DATA #1 x')).toEqual([`to 2: FRAME 0 WORK_DATA ${H2}\\0x`]);
    expect(says('WORK_COMPLETE #1 x')).toEqual([`to 2: FRAME 0 WORK_COMPLETE ${H2}\\0x`]);
    expect(says('WORK_COMPLETE #1 y')).toEqual([`to 2: FRAME 0 WORK_COMPLETE ${H2}\\0y`]);
    expect(
      says('WORK_COMPLETE #1 z\nworker < ERROR JOB_NOT_FOUND "Job given in work result not found"'),
    ).toEqual([]);
  });

  it('count for the run in their handle alone', () => {
    const { dialogue, two, says, reply, hears, conn } = assigned();
    expect(says('OPTION_REQ attempts\nworker < OPTION_RES attempts')).toEqual([
      'to 2: PEER 0 attempts 127.0.0.1:1000',
    ]);
    dialogue.heard(2, 'REVOKE', [1, 1, 0, conn()]);
    says('GRAB_JOB');
    reply(2, 2, 'JOB_ASSIGN', `${H2}~2.1\0${two}\0data`);
    hears(`worker < JOB_ASSIGN #1~2.1 ${two} data`);
    expect(says('WORK_DATA #1~2.1 x')).toEqual([`to 2: FRAME 0 WORK_DATA ${H2}~2.1\\0x`]);
    // The owner hears the late end of the first run once, and the second run is still held.
    for (const line of ['WORK_DATA #1 x', 'WORK_FAIL #1~9.9', 'WORK_EXCEPTION #1~9.9 x'])
      expect(says(line)).toEqual([]);
    expect(says('WORK_COMPLETE #1 x')).toEqual([`to 2: FRAME 0 WORK_COMPLETE ${H2}\\0x`]);
    expect(says('WORK_COMPLETE #1 y')).toEqual([]);
    dialogue.heard(2, 'REVOKE', [1, 1, 0, conn()]);
    expect(says('WORK_COMPLETE #1~2.1 z')).toEqual([`to 2: FRAME 0 WORK_COMPLETE ${H2}~2.1\\0z`]);
    expect(
      says('WORK_FAIL #1~2.1\nworker < ERROR JOB_NOT_FOUND "Job given in work result not found"'),
    ).toEqual([]);
  });

  it('that cross the end of their time were the end of that assignment', () => {
    const { dialogue, says, conn } = assigned();
    expect(says('WORK_COMPLETE #1 x').length).toBe(1);
    dialogue.heard(2, 'REVOKE', [1, 1, 0, conn()]);
    expect(
      says('WORK_COMPLETE #1 y\nworker < ERROR JOB_NOT_FOUND "Job given in work result not found"'),
    ).toEqual([]);
  });

  it('are not refused for a job of the same number in another shard', () => {
    const { dialogue, three, says, reply, hears, conn } = assigned();
    says(`CAN_DO ${three}`);
    dialogue.levels[3] = 2;
    // It holds a job of one owner: all owners hear of it.
    expect(says('GRAB_JOB')).toEqual([
      'to 2: PEER 0 parallel 127.0.0.1:1000',
      'to 3: PEER 0 parallel 127.0.0.1:1000',
      'to 3: FRAME 0 place 2 GRAB_JOB',
    ]);
    reply(3, 2, 'JOB_ASSIGN', `${H3}\0${three}\0data`);
    hears(`worker < JOB_ASSIGN #2 ${three} data`);
    dialogue.heard(2, 'REVOKE', [0, 1, 0, conn()]);
    expect(says('WORK_COMPLETE #2 x')).toEqual([`to 3: FRAME 0 WORK_COMPLETE ${H3}\\0x`]);
  });

  it('for jobs of this shard are answered here', () => {
    const { own, says } = assigned();
    expect(says(`CAN_DO ${own}`)).toEqual([]);
    expect(says(`SUBMIT_JOB_BG ${own} u x\nworker < JOB_CREATED #2`)).toEqual([]);
    expect(says(`GRAB_JOB\nworker < JOB_ASSIGN #2 ${own} x`)).toEqual([
      'to 2: PEER 0 parallel 127.0.0.1:1000',
    ]);
    expect(says('WORK_COMPLETE #2 x')).toEqual([]);
    expect(
      says('WORK_COMPLETE #2 x\nworker < ERROR JOB_NOT_FOUND "Job given in work result not found"'),
    ).toEqual([]);
  });

  it('behind an exception are swallowed once', () => {
    const { says } = assigned();
    expect(says('WORK_EXCEPTION #1 why').length).toBe(1);
    expect(says('WORK_FAIL #1')).toEqual([]);
    expect(
      says('WORK_FAIL #1\nworker < ERROR JOB_NOT_FOUND "Job given in work result not found"'),
    ).toEqual([]);
  });

  it('with a handle of 64 bytes or more are refused here', () => {
    const { says } = assigned();
    expect(
      says(
        'WORK_FAIL h*64\nworker < ERROR ARGUMENT_TOO_LARGE "Error occurred due to GEARMAND_JOB_HANDLE_SIZE being too small from snprintf"',
      ),
    ).toEqual([]);
  });

  it('that are large leave no blob behind, taken or refused', () => {
    const { dialogue } = assigned();
    const data = Buffer.alloc(200_000, 'x');
    dialogue.push('worker', request('WORK_DATA', H2, data));
    dialogue.push('worker', request('WORK_DATA', H3, data));
    dialogue.push('worker', request('WORK_EXCEPTION', H2, data));
    dialogue.push('worker', request('WORK_COMPLETE', H2, data));
    dialogue.thread.run();
    const bytes = H2.length + 1 + data.length;
    expect(dialogue.records.map((record) => record.payload.length)).toEqual([bytes, bytes]);
    expect(dialogue.thread.blobKib).toBe(0);
  });
});

describe('a worker with functions of several shards', () => {
  function offering() {
    const parts = sessions();
    for (const name of [parts.own, parts.two, parts.three]) parts.says(`CAN_DO ${name}`);
    return parts;
  }

  it('sleeps at all of them and is woken once a sleep', () => {
    const { says, wakes, hears } = offering();
    expect(says('PRE_SLEEP')).toEqual(['to 2: SLEEP 0 sleep 1', 'to 3: SLEEP 0 sleep 1']);
    wakes(2, 1);
    hears('worker < NOOP');
    wakes(3, 1);
    hears('');
    expect(says('PRE_SLEEP')).toEqual(['to 2: SLEEP 0 sleep 2', 'to 3: SLEEP 0 sleep 2']);
    wakes(3, 1);
    hears('');
    wakes(3, 2);
    hears('worker < NOOP');
  });

  it('is not woken any more when it has grabbed', () => {
    const { says, wakes, hears } = offering();
    says('PRE_SLEEP');
    expect(says('GRAB_JOB\nworker < NO_JOB')).toEqual(['to 2: AWAKE 0', 'to 3: AWAKE 0']);
    wakes(2, 1);
    hears('');
    expect(says('GRAB_JOB\nworker < NO_JOB')).toEqual([]);
  });

  it('is woken by this shard too, and passes the wake on when it grabs elsewhere', () => {
    const { dialogue, own, two, says, reply, hears } = offering();
    dialogue.play(`
      second > CAN_DO ${own}
    `);
    says('PRE_SLEEP');
    dialogue.play(`
      second > PRE_SLEEP
      client > SUBMIT_JOB_LOW_BG ${own} "" x
      client < JOB_CREATED #1
      worker < NOOP
    `);
    dialogue.levels[2] = 3;
    expect(says('GRAB_JOB\nsecond < NOOP')).toEqual([
      'to 2: FRAME 0 place 1 GRAB_JOB',
      'to 3: AWAKE 0',
    ]);
    reply(2, 1, 'JOB_ASSIGN', `${H2}\0${two}\0data`);
    hears(`worker < JOB_ASSIGN #2 ${two} data`);
  });

  it('sleeps also where it begins to offer something, and wakes up where it no longer does', () => {
    const { two, three, says } = sessions();
    says(`CAN_DO ${two}`);
    says('PRE_SLEEP');
    expect(says(`CAN_DO ${three}`)).toEqual([
      'to 3: PEER 0 127.0.0.1:1000',
      `to 3: FRAME 0 CAN_DO ${three}`,
      'to 3: SLEEP 0 sleep 1',
    ]);
    expect(says(`CANT_DO ${two}`)).toEqual([`to 2: FRAME 0 CANT_DO ${two}`]);
    expect(says('GRAB_JOB')).toEqual(['to 2: AWAKE 0', 'to 3: FRAME 0 place 1 GRAB_JOB']);
  });

  it('withdraws everything everywhere with RESET_ABILITIES', () => {
    const { says } = offering();
    expect(says('RESET_ABILITIES')).toEqual([
      'to 2: FRAME 0 RESET_ABILITIES',
      'to 3: FRAME 0 RESET_ABILITIES',
    ]);
    expect(says('RESET_ABILITIES')).toEqual([]);
    expect(says('PRE_SLEEP')).toEqual([]);
  });

  it('asks nobody when nothing is runnable anywhere', () => {
    const { says } = offering();
    expect(says('GRAB_JOB\nworker < NO_JOB')).toEqual([]);
  });

  it('asks the highest level first, each shard at most once, and gets NO_JOB when none is left', () => {
    const { dialogue, says, reply, hears } = offering();
    dialogue.levels[2] = 1;
    dialogue.levels[3] = 3;
    expect(says('GRAB_JOB_ALL')).toEqual(['to 3: FRAME 0 place 1 GRAB_JOB_ALL']);
    reply(3, 1, 'NO_JOB');
    expect(dialogue.told()).toEqual(['to 2: FRAME 0 place 1 GRAB_JOB_ALL']);
    reply(2, 1, 'NO_JOB');
    expect(dialogue.told()).toEqual([]);
    hears('worker < NO_JOB');
  });

  it('takes the first job that it is given', () => {
    const { dialogue, two, says, reply, hears } = offering();
    dialogue.levels[2] = 1;
    dialogue.levels[3] = 3;
    says('GRAB_JOB_UNIQ');
    reply(3, 1, 'NO_JOB');
    reply(2, 1, 'JOB_ASSIGN_UNIQ', `${H2}\0${two}\0u\0data`);
    hears(`worker < JOB_ASSIGN_UNIQ #1 ${two} u data`);
    dialogue.told();
    expect(says('WORK_COMPLETE #1 x')).toEqual([`to 2: FRAME 0 WORK_COMPLETE ${H2}\\0x`]);
  });

  it('takes a job of this shard when its level is the highest', () => {
    const { dialogue, own, says } = offering();
    dialogue.levels[2] = 2;
    dialogue.play(`
      client > SUBMIT_JOB_HIGH_BG ${own} "" x
      client < JOB_CREATED #1
    `);
    expect(says(`GRAB_JOB\nworker < JOB_ASSIGN #1 ${own} x`)).toEqual([]);
    expect(says('GRAB_JOB')).toEqual([
      'to 2: PEER 0 parallel 127.0.0.1:1000',
      'to 2: FRAME 0 place 2 GRAB_JOB',
      'to 3: PEER 0 parallel 127.0.0.1:1000',
    ]);
  });

  it('is not served with jobs of this shard that are for others', () => {
    const { dialogue, says } = offering();
    dialogue.levels[2] = 1;
    dialogue.play(`
      client > SUBMIT_JOB_HIGH_BG ${dialogue.functionOf(1, 'g')} "" x
      client < JOB_CREATED #1
    `);
    expect(says('GRAB_JOB')).toEqual(['to 2: FRAME 0 place 1 GRAB_JOB']);
  });

  it('asks shards of one level in rotation', () => {
    const { dialogue, says, reply, hears } = offering();
    dialogue.levels[2] = 2;
    dialogue.levels[3] = 2;
    const asked = new Set<string>();
    for (let i = 0; i < 12; i++) {
      const [line] = says('GRAB_JOB');
      asked.add((line as string).slice(0, 4));
      const other = (line as string).startsWith('to 2') ? 3 : 2;
      reply(other === 3 ? 2 : 3, i + 1, 'NO_JOB');
      dialogue.told();
      reply(other, i + 1, 'NO_JOB');
      hears('worker < NO_JOB');
      dialogue.told();
    }
    expect([...asked].sort()).toEqual(['to 2', 'to 3']);
  });

  it('is not heard while its grab is under way, and loses nothing of what it says', () => {
    const { dialogue, two, says, reply, hears } = offering();
    dialogue.levels[2] = 2;
    dialogue.play(`
      worker >> GRAB_JOB
      worker >> ECHO_REQ x
      worker >> SUBMIT_JOB_BG ${two} "" y
      worker > "version\\n"
    `);
    expect(dialogue.told()).toEqual(['to 2: FRAME 0 place 1 GRAB_JOB']);
    expect(says('SET_CLIENT_ID me')).toEqual([]);
    reply(2, 1, 'JOB_ASSIGN', `${H2}\0${two}\0data`);
    hears(`worker < JOB_ASSIGN #1 ${two} data`);
    // The FENCE stands behind the CAN_DO of before, the submit behind it.
    expect(dialogue.told()).toEqual([
      'to 2: QUERY 1 {"kind":"echoBarrier"}',
      `to 2: FRAME 0 place 3 SUBMIT_JOB_BG ${two}\\0\\0y`,
      'to 2: PEER 0 127.0.0.1:1000 me',
      'to 3: QUERY 2 {"kind":"echoBarrier"}',
      'to 3: PEER 0 127.0.0.1:1000 me',
    ]);
  });

  it('that ends while its grab is under way lets the owner take the job back', () => {
    const { dialogue, two, says, reply } = offering();
    dialogue.levels[2] = 2;
    says('GRAB_JOB');
    dialogue.play('worker > (end)');
    reply(2, 1, 'JOB_ASSIGN', `${H2}\0${two}\0data`);
    dialogue.play(`
      other > (connect)
      worker < JOB_ASSIGN #1 ${two} data
      worker < (closed)
    `);
    expect(dialogue.told()).toEqual(['to 2: GONE 0', 'to 3: GONE 0']);
  });

  it('that fails while its grab is under way is forgotten everywhere', () => {
    const { dialogue, two, says, conn, reply } = offering();
    dialogue.levels[2] = 2;
    says('GRAB_JOB');
    dialogue.thread.reactor.socketOf(conn()).reset();
    dialogue.thread.run();
    reply(2, 1, 'JOB_ASSIGN', `${H2}\0${two}\0data`);
    dialogue.play(`
      other > (connect)
      worker < (closed)
    `);
    expect(dialogue.told()).toEqual(['to 2: GONE 0', 'to 3: GONE 0']);
    expect(dialogue.thread.table.connectionCount).toBe(1);
  });
});
