import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../src/policy/policy.ts';
import { Packet } from '../../../src/protocol/packets.ts';
import { CrossThreadDialogue } from '../../support/cross-thread.ts';
import { handleOf } from '../../support/handles.ts';
import { peersOf } from '../../support/own-thread.ts';
import { rawPacket } from '../../support/packet-text.ts';

/** Shard 1 of 2 and a function that it owns; connections 7 and 8 live in shard 2. */
function owner(options = {}) {
  const dialogue = new CrossThreadDialogue({ thread: 1, shardCount: 2, ...options });
  const fn = dialogue.functionOf(1);
  const frame = (
    conn: number,
    replyId: number,
    type: keyof typeof Packet,
    payload: string | Buffer = '',
  ) => dialogue.heard(2, 'FRAME', [conn, replyId, Packet[type]], payload);
  return { dialogue, fn, frame };
}

/** The function of `owner`. */
const FN = 'f1';
const H1 = handleOf(1, 1, 1);
const H2 = handleOf(1, 2, 2);

describe('an owner, for a worker elsewhere,', () => {
  it.each([
    ['fails', 'fail', (conn: number): [string, number[]] => ['FRAME', [conn, 0, Packet.WORK_FAIL]]],
    ['is lost', 'lost', (conn: number): [string, number[]] => ['GONE', [conn]]],
  ] as const)('whose run %s keeps its name', (_what, cause, end) => {
    const policies = [{ name: FN, policy: parsePolicy('attempts:1') }];
    const { dialogue, fn, frame } = owner({ policies, jobRetries: 1 });
    expect(fn).toBe(FN);
    const name = `10.0.0.1:5 ${'i'.repeat(127)}`;
    dialogue.heard(2, 'PEER', [7, 0], name);
    frame(7, 0, 'CAN_DO', fn);
    frame(7, 1, 'SUBMIT_JOB_BG', `${fn}\0\0data`);
    frame(7, 2, 'GRAB_JOB');
    const [kind, words] = end(7);
    dialogue.heard(2, kind as 'FRAME', words, kind === 'FRAME' ? H1 : '');
    dialogue.play(String.raw`
      operator > "dead ${fn}\n"
      operator < "#1\t-\t${cause}\t${cause === 'fail' ? 1 : 0}\t${cause === 'fail' ? 0 : 1}\t0\t4\t${name.slice(0, 128)}\t${cause}\n"
      operator < ".\n"
    `);
  });
});

describe('an owner, for a client elsewhere,', () => {
  it('answers submits with the place that they came with', () => {
    const { dialogue, fn, frame } = owner();
    frame(7, 12, 'SUBMIT_JOB', `${fn}\0u\0data`);
    frame(8, -3, 'SUBMIT_JOB_BG', `${fn}\0u\0data`);
    frame(7, 13, 'SUBMIT_JOB', `${fn}\0${'u'.repeat(65)}\0data`);
    expect(dialogue.told()).toEqual([
      `to 2: REPLY 7 place 12 JOB_CREATED ${H1}`,
      `to 2: REPLY 8 place -3 JOB_CREATED ${H1}`,
      'to 2: REPLY 7 place 13 ERROR ARGUMENT_TOO_LARGE\\0Unique value too large',
    ]);
  });

  it('sends what the worker tells, as often as the client has submitted', () => {
    const { dialogue, fn, frame } = owner();
    frame(7, 1, 'SUBMIT_JOB', `${fn}\0u\0data`);
    frame(7, 2, 'SUBMIT_JOB', `${fn}\0u\0data`);
    frame(8, 1, 'SUBMIT_JOB', `${fn}\0u\0data`);
    frame(8, 2, 'SUBMIT_JOB', `${fn}\0u\0data`);
    dialogue.told();
    dialogue.play(`
      worker > CAN_DO ${fn}
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 ${fn} data
      worker > WORK_STATUS #1 1 2
      worker > WORK_EXCEPTION #1 why
    `);
    // Who takes exceptions is known where the client lives.
    expect(dialogue.told()).toEqual([
      `to 2: NOTIFY 8 2 copies WORK_STATUS ${H1}\\01\\02`,
      `to 2: NOTIFY 7 WORK_STATUS ${H1}\\01\\02`,
      `to 2: NOTIFY 7 WORK_STATUS ${H1}\\01\\02`,
      `to 2: NOTIFY 8 2 copies WORK_EXCEPTION ${H1}\\0why`,
      `to 2: NOTIFY 7 WORK_EXCEPTION ${H1}\\0why`,
      `to 2: NOTIFY 7 WORK_EXCEPTION ${H1}\\0why`,
    ]);
  });

  it('drops its jobs when it is gone, and forgets it', () => {
    const { dialogue, fn, frame } = owner();
    frame(7, 1, 'SUBMIT_JOB', `${fn}\0u\0data`);
    frame(7, 2, 'SUBMIT_JOB_BG', `${fn}\0v\0data`);
    expect(dialogue.thread.table.crossThreadPeers.size).toBe(1);
    dialogue.heard(2, 'GONE', [7]);
    dialogue.heard(2, 'GONE', [7]);
    dialogue.heard(2, 'GONE', [99]);
    expect(dialogue.thread.table.crossThreadPeers.size).toBe(0);
    expect(peersOf(dialogue.thread.broker)).toEqual([]);
    expect(dialogue.thread.broker.jobs.table.count).toBe(1);
  });

  it('has the connection closed that asks for too much', () => {
    const { dialogue, fn, frame } = owner({ functionsMax: 1 });
    frame(7, 0, 'CAN_DO', fn);
    frame(7, 0, 'CAN_DO', dialogue.functionOf(1, 'g'));
    expect(dialogue.told()).toEqual(['to 2: CLOSE 7 CAN_DO: 1 functions exist, the limit']);
  });
});

describe('an owner, for a worker elsewhere,', () => {
  it('hands jobs out and says when there is none', () => {
    const { dialogue, fn, frame } = owner();
    frame(7, 0, 'CAN_DO', fn);
    frame(7, 1, 'GRAB_JOB_UNIQ');
    dialogue.play(`
      client > SUBMIT_JOB ${fn} u data
      client < JOB_CREATED #1
    `);
    frame(7, 2, 'GRAB_JOB_UNIQ');
    frame(7, 3, 'GRAB_JOB_ALL');
    expect(dialogue.told()).toEqual([
      'to 2: REPLY 7 place 1 NO_JOB',
      `to 2: REPLY 7 place 2 JOB_ASSIGN_UNIQ ${H1}\\0${fn}\\0u\\0data`,
      'to 2: REPLY 7 place 3 NO_JOB',
    ]);
    frame(7, 0, 'WORK_STATUS', `${H1}\x001\x002`);
    frame(7, 0, 'WORK_DATA', `${H1}\0part`);
    frame(7, 0, 'WORK_WARNING', H1);
    frame(7, 0, 'WORK_COMPLETE', `${H1}\0`);
    dialogue.play(`
      client > ECHO_REQ x
      client < WORK_STATUS #1 1 2
      client < WORK_DATA #1 part
      client < WORK_WARNING #1 ""
      client < WORK_COMPLETE #1 ""
      client < ECHO_RES x
    `);
    expect(dialogue.told()).toEqual([]);
  });

  it('publishes the highest priority that waits', () => {
    const { dialogue, fn, frame } = owner();
    const seen: number[] = [];
    for (const type of ['SUBMIT_JOB_LOW_BG', 'SUBMIT_JOB_BG', 'SUBMIT_JOB_HIGH_BG'] as const) {
      frame(8, 1, type, `${fn}\0\0data`);
      seen.push(dialogue.published.level);
    }
    frame(7, 0, 'CAN_DO', fn);
    for (let i = 0; i < 3; i++) {
      frame(7, 1, 'GRAB_JOB');
      seen.push(dialogue.published.level);
    }
    expect(seen).toEqual([1, 2, 3, 2, 1, 0]);
  });

  it('wakes it for the sleep that it is in', () => {
    const { dialogue, fn, frame } = owner();
    frame(7, 0, 'CAN_DO', fn);
    dialogue.heard(2, 'SLEEP', [7, 41]);
    frame(8, 1, 'SUBMIT_JOB_BG', `${fn}\0\0data`);
    expect(dialogue.told()).toEqual([
      'to 2: WAKE 7 sleep 41',
      `to 2: REPLY 8 place 1 JOB_CREATED ${H1}`,
    ]);
    dialogue.heard(2, 'SLEEP', [7, 42]);
    expect(dialogue.told()).toEqual(['to 2: WAKE 7 sleep 42']);
  });

  it.each([
    ['grabs somewhere else', 'AWAKE', [7]],
    ['is gone', 'GONE', [7]],
  ] as const)('wakes the next one when it %s', (_what, kind, words) => {
    const { dialogue, fn, frame } = owner();
    frame(7, 0, 'CAN_DO', fn);
    dialogue.heard(2, 'SLEEP', [7, 1]);
    dialogue.play(`
      worker > CAN_DO ${fn}
      worker > PRE_SLEEP
    `);
    frame(8, 1, 'SUBMIT_JOB_BG', `${fn}\0\0data`);
    dialogue.send(2, kind, words);
    dialogue.play(`
      worker > ECHO_REQ x
      worker < NOOP
      worker < ECHO_RES x
    `);
  });

  it('wakes the next one when it has not come for 100 ms', () => {
    const { dialogue, fn, frame } = owner();
    frame(7, 0, 'CAN_DO', fn);
    dialogue.heard(2, 'SLEEP', [7, 1]);
    dialogue.play(`
      worker > CAN_DO ${fn}
      worker > PRE_SLEEP
      client > SUBMIT_JOB_BG ${fn} "" data
      client < JOB_CREATED #1
      + 99 ms
      + 1 ms
      worker < NOOP
    `);
    expect(dialogue.told()).toEqual(['to 2: WAKE 7 sleep 1']);
  });

  it('takes a job back that runs too long; a result that crosses that ends it all the same', () => {
    const { dialogue, fn, frame } = owner();
    frame(7, 0, 'CAN_DO_TIMEOUT', `${fn}\x001000`);
    frame(8, 1, 'SUBMIT_JOB', `${fn}\0\0data`);
    frame(7, 2, 'GRAB_JOB');
    dialogue.thread.advance(1000);
    frame(7, 0, 'WORK_COMPLETE', `${H1}\0late`);
    frame(7, 3, 'GRAB_JOB');
    expect(dialogue.told()).toEqual([
      `to 2: REPLY 8 place 1 JOB_CREATED ${H1}`,
      `to 2: REPLY 7 place 2 JOB_ASSIGN ${H1}\\0${fn}\\0data`,
      'to 2: REVOKE late serial 1',
      `to 2: NOTIFY 8 WORK_COMPLETE ${H1}\\0late`,
      'to 2: REPLY 7 place 3 NO_JOB',
    ]);
  });

  it('has a late result end the job while nobody has it, and swallows one while somebody has', () => {
    const { dialogue, fn, frame } = owner();
    frame(7, 0, 'CAN_DO_TIMEOUT', `${fn}\x001000`);
    frame(8, 1, 'SUBMIT_JOB', `${fn}\0\0data`);
    frame(8, 2, 'SUBMIT_JOB', `${fn}\0\0more`);
    frame(7, 2, 'GRAB_JOB');
    frame(7, 3, 'GRAB_JOB');
    dialogue.thread.advance(1000);
    dialogue.told();
    frame(7, 0, 'WORK_DATA', `${H1}\0late`);
    frame(7, 0, 'WORK_COMPLETE', `${H1}\0late`);
    frame(7, 0, 'WORK_COMPLETE', `${H1}\0again`);
    expect(dialogue.told()).toEqual([`to 2: NOTIFY 8 WORK_COMPLETE ${H1}\\0late`]);
    dialogue.play(`
      worker > CAN_DO ${fn}
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 ${fn} more
    `);
    frame(7, 0, 'WORK_COMPLETE', `${H2}\0late`);
    expect(dialogue.told()).toEqual([]);
    dialogue.play('worker > WORK_COMPLETE #1 done');
    expect(dialogue.told()).toEqual([`to 2: NOTIFY 8 WORK_COMPLETE ${H2}\\0done`]);
  });

  it.each(['CANT_DO', 'RESET_ABILITIES'] as const)('takes jobs back with %s', (type) => {
    const { dialogue, fn, frame } = owner();
    frame(7, 0, 'CAN_DO', fn);
    frame(8, 1, 'SUBMIT_JOB_BG', `${fn}\0\x001`);
    frame(8, 2, 'SUBMIT_JOB_BG', `${fn}\0\x002`);
    frame(7, 1, 'GRAB_JOB');
    frame(7, 2, 'GRAB_JOB');
    dialogue.told();
    frame(7, 0, type, type === 'CANT_DO' ? fn : '');
    expect(dialogue.told()).toEqual(['to 2: REVOKE serial 2', 'to 2: REVOKE serial 1']);
    expect(dialogue.thread.broker.counters.requeued).toBe(2);
  });

  it('gives all that it held to the next one when it is gone', () => {
    const { dialogue, fn, frame } = owner();
    frame(7, 0, 'CAN_DO', fn);
    frame(8, 1, 'SUBMIT_JOB_BG', `${fn}\0\x001`);
    frame(7, 1, 'GRAB_JOB');
    dialogue.heard(2, 'GONE', [7]);
    dialogue.told();
    dialogue.play(`
      worker > CAN_DO ${fn}
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 ${fn} 1
    `);
    expect(dialogue.told()).toEqual([]);
  });

  it('tells connections of one number in two threads apart', () => {
    const { dialogue, fn, frame } = owner();
    frame(7, 0, 'CAN_DO', fn);
    dialogue.heard(0, 'FRAME', [7, 0, Packet.CAN_DO], fn);
    frame(8, 1, 'SUBMIT_JOB_BG', `${fn}\0\x001`);
    frame(7, 1, 'GRAB_JOB');
    dialogue.heard(0, 'GONE', [7]);
    dialogue.heard(0, 'FRAME', [7, 0, Packet.WORK_COMPLETE], `${H1}\0x`);
    expect(dialogue.thread.broker.counters.completed).toBe(0);
    frame(7, 0, 'WORK_COMPLETE', `${H1}\0x`);
    expect(dialogue.thread.broker.counters.completed).toBe(1);
  });
});

describe('large data of other threads', () => {
  const data = Buffer.alloc(3_000_000);
  for (let i = 0; i < data.length; i++) data[i] = i * 31;

  it('reaches clients that live here, and others, from one copy', () => {
    const { dialogue, fn, frame } = owner();
    dialogue.play(`
      client > SUBMIT_JOB ${fn} u data
      client < JOB_CREATED #1
      other > SUBMIT_JOB ${fn} u data
      other < JOB_CREATED #1
    `);
    frame(8, 1, 'SUBMIT_JOB', `${fn}\0u\0data`);
    frame(7, 0, 'CAN_DO', fn);
    frame(7, 1, 'GRAB_JOB');
    dialogue.records.length = 0;
    const result = Buffer.concat([Buffer.from(`${H1}\0`), data]);
    for (const type of ['WORK_DATA', 'WORK_COMPLETE'] as const) {
      frame(7, 0, type, result);
      const packet = rawPacket(Packet[type], result, { magic: '\0RES' });
      for (const name of ['client', 'other'])
        expect(dialogue.take(name).equals(packet), `${type} for ${name}`).toBe(true);
      const [record, ...more] = dialogue.records.splice(0);
      expect(record?.payload.equals(packet)).toBe(true);
      expect(more).toEqual([]);
    }
    expect(dialogue.thread.blobKib).toBe(0);
  });

  it('waits in a queue and goes out again, near and far', () => {
    const { dialogue, fn, frame } = owner();
    frame(8, 1, 'SUBMIT_JOB_BG', Buffer.concat([Buffer.from(`${fn}\0u1\0`), data]));
    frame(8, 2, 'SUBMIT_JOB_BG', Buffer.concat([Buffer.from(`${fn}\0u2\0`), data]));
    expect(dialogue.thread.blobKib).toBe(2 * Math.ceil(data.length / 1024));
    dialogue.play(`worker > CAN_DO ${fn}`);
    dialogue.push('worker', rawPacket(Packet.GRAB_JOB));
    dialogue.thread.run();
    const job = (handle: string) => Buffer.concat([Buffer.from(`${handle}\0${fn}\0`), data]);
    expect(
      dialogue.take('worker').equals(rawPacket(Packet.JOB_ASSIGN, job(H1), { magic: '\0RES' })),
    ).toBe(true);
    dialogue.records.length = 0;
    frame(7, 0, 'CAN_DO', fn);
    frame(7, 1, 'GRAB_JOB');
    const packet = rawPacket(Packet.JOB_ASSIGN, job(H2), { magic: '\0RES' });
    expect(dialogue.records[0]?.payload.equals(packet)).toBe(true);
    frame(7, 0, 'WORK_FAIL', H2);
    for (const conn of [7, 8]) dialogue.heard(2, 'GONE', [conn]);
    dialogue.sweep();
  });

  it('leaves nothing behind when it is refused or nobody wants it', () => {
    const { dialogue, fn, frame } = owner();
    frame(7, 0, 'WORK_COMPLETE', Buffer.concat([Buffer.from('nobody\0'), data]));
    frame(7, 0, 'WORK_EXCEPTION', Buffer.concat([Buffer.from(`${H1}\0`), data]));
    frame(7, 1, 'SUBMIT_JOB', Buffer.concat([Buffer.from(`${fn}\0${'u'.repeat(65)}\0`), data]));
    frame(7, 2, 'SUBMIT_JOB', Buffer.concat([Buffer.from(`${fn}\0u\0`), data]));
    frame(7, 3, 'SUBMIT_JOB', Buffer.concat([Buffer.from(`${fn}\0u\0`), data]));
    dialogue.heard(2, 'GONE', [7]);
    expect(dialogue.thread.blobKib).toBe(0);
    expect(dialogue.thread.broker.jobs.table.count).toBe(0);
  });
});

describe('questions of other threads', () => {
  function asked(dialogue: CrossThreadDialogue, query: object): unknown {
    dialogue.records.length = 0;
    dialogue.heard(0, 'QUERY', [17], Buffer.from(JSON.stringify(query)));
    const [answer] = dialogue.records.splice(0);
    expect(answer).toMatchObject({ to: 0, kind: 'RESULT', a: 17 });
    const [json, bytes] = (answer?.payload.toString('latin1') ?? '').split('\0') as [
      string,
      string,
    ];
    return { ...JSON.parse(json), bytes };
  }

  it('are answered from what is here', () => {
    const { dialogue, fn } = owner();
    dialogue.play(`
      client > SUBMIT_JOB ${fn} u data
      client < JOB_CREATED #1
    `);
    expect(asked(dialogue, { kind: 'echoBarrier' })).toMatchObject({ result: 0, cursor: 0 });
    expect(asked(dialogue, { kind: 'handle', slot: 1, serial: 1 })).toMatchObject({
      status: { isKnown: true, isRunning: false, watcherCount: 1 },
    });
    expect(asked(dialogue, { kind: 'handle', slot: 1, serial: 2 })).toMatchObject({
      status: { isKnown: false },
    });
    expect(asked(dialogue, { kind: 'unique', unique: 'u', cursor: 0 })).toMatchObject({
      status: { isKnown: true, serial: 1 },
    });
    expect(asked(dialogue, { kind: 'list', listing: 1, cursor: 0 })).toMatchObject({
      cursor: 0,
      bytes: `${fn}\t1\t0\t0\n`,
    });
    expect(asked(dialogue, { kind: 'workers', cursor: 0 })).toMatchObject({
      bytes: '1 127.0.0.1 - :\n',
    });
    expect(asked(dialogue, { kind: 'create', name: fn })).toMatchObject({ result: 0 });
    expect(asked(dialogue, { kind: 'drop', name: fn })).toMatchObject({ result: 2 });
    expect(asked(dialogue, { kind: 'drop', name: 'nothing' })).toMatchObject({ result: 1 });
    expect(asked(dialogue, { kind: 'cancel', slot: 1, serial: 2 })).toMatchObject({ result: 1 });
    expect(asked(dialogue, { kind: 'cancel', slot: 1, serial: 1 })).toMatchObject({ result: 0 });
    expect(asked(dialogue, { kind: 'drop', name: fn })).toMatchObject({ result: 0 });
    expect(asked(dialogue, { kind: 'stats' })).toMatchObject({
      stats: { thread: 1, connections: 1, functions: 0, jobs: 0, submitted: 1 },
    });
  });

  it.each([
    ['a fence', { kind: 'echoBarrier' }, 'WORK_COMPLETE'],
    ['a cancelled job', { kind: 'cancel', slot: 1, serial: 1 }, 'WORK_FAIL'],
  ])('about %s are answered when all effects have been published', (_what, query, effect) => {
    const { dialogue, fn, frame } = owner();
    frame(8, 1, 'SUBMIT_JOB', `${fn}\0\0data`);
    frame(7, 0, 'CAN_DO', fn);
    frame(7, 2, 'GRAB_JOB');
    dialogue.told();
    if (query.kind === 'echoBarrier')
      dialogue.send(2, 'FRAME', [7, 0, Packet.WORK_COMPLETE], `${H1}\0done`);
    dialogue.send(0, 'QUERY', [17], Buffer.from(JSON.stringify(query)));
    dialogue.thread.turn();
    const told = dialogue.told();
    expect(told.length).toBe(1);
    expect(told[0]).toContain(`to 2: NOTIFY 8 ${effect}`);
    dialogue.thread.turn();
    expect(dialogue.told().map((line) => line.slice(0, 15))).toEqual(['to 0: RESULT 17']);
  });

  it('for names of any bytes', () => {
    const { dialogue } = owner();
    const name = 'caf\xe9\xff\x01"\\';
    expect(asked(dialogue, { kind: 'create', name })).toMatchObject({ result: 0 });
    expect(asked(dialogue, { kind: 'maxqueue', name, high: 1, normal: 2, low: 3 })).toMatchObject({
      result: 0,
    });
    expect(asked(dialogue, { kind: 'list', listing: 1, cursor: 0 })).toMatchObject({
      bytes: `${name}\t0\t0\t0\n`,
    });
  });
});
