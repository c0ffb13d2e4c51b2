import { describe, expect, it } from 'vitest';
import { MemoryDialogue, plays } from '../../support/dialogue/memory.ts';
import { HandStore } from '../../support/hand-store.ts';
import { OwnThread, type OwnThreadOptions } from '../../support/own-thread.ts';
import { request } from '../../support/packet-text.ts';

/** Plays a dialogue with a store that commits when a line says so; gives the store back. */
function playsStored(script: string, options: OwnThreadOptions = {}): HandStore {
  const store = new HandStore();
  plays(script, { ...options, makeStore: store.make }, actsOf(store));
  return store;
}

function actsOf(store: HandStore) {
  return {
    'store commits': () => store.commit(),
    'store commits first': () => store.commit(0),
    'store commits second': () => store.commit(1),
    'store commits third': () => store.commit(2),
    'store fails': () => store.fail(),
    'store fails second': () => store.fail(1),
    'store refuses': () => {
      store.isAccepting = false;
    },
  };
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('latin1');

describe('a background job and its store', () => {
  it('answers, wakes and offers only when the job is durable', () => {
    playsStored(`
      worker > CAN_DO f
      worker > PRE_SLEEP
      client > SUBMIT_JOB_BG f u data
      worker2 > CAN_DO f
      worker2 > GRAB_JOB
      worker2 < NO_JOB
      store commits
      client < JOB_CREATED #1
      worker < NOOP
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_COMPLETE #1 ok
      store commits
    `);
  });

  it('keeps what a restart needs and forgets it when the job has ended', () => {
    const store = playsStored(`
      client > SUBMIT_JOB_HIGH_BG f u data
      client > SUBMIT_REDUCE_JOB_BACKGROUND g v red "" work
      client > SUBMIT_JOB_EPOCH h w 1700000009 later
      store commits
      client < JOB_CREATED #1
      client < JOB_CREATED #2
      client < JOB_CREATED #3
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
    `);
    const jobs = [...store.kept.values()].map((job) =>
      [job.functionName, job.unique, job.reducer, job.workload].map(text),
    );
    expect(jobs).toEqual([
      ['f', 'u', '', 'data'],
      ['g', 'v', 'red', 'work'],
      ['h', 'w', '', 'later'],
    ]);
    expect([...store.kept.values()].map(({ priority, startMs }) => [priority, startMs])).toEqual([
      [0, 0],
      [1, 0],
      [1, 1_700_000_009_000],
    ]);
    store.commit();
    expect(store.kept.size).toBe(0);
  });

  it('never stores a foreground job, which does not wait', () => {
    const store = playsStored(`
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_COMPLETE #1 ok
      client < WORK_COMPLETE #1 ok
    `);
    expect(store.kept.size + store.waiting.length).toBe(0);
  });

  it('holds replies back in request order on its connection, and on no other', () => {
    playsStored(`
      client > SUBMIT_JOB_BG f u data
      client > ECHO_REQ behind
      other > ECHO_REQ free
      other < ECHO_RES free
      store commits
      client < JOB_CREATED #1
      client < ECHO_RES behind
      client > ECHO_REQ again
      client < ECHO_RES again
    `);
  });

  it('answers in request order, in whatever order the store takes or refuses', () => {
    playsStored(`
      client > SUBMIT_JOB_BG f a 1
      client > SUBMIT_JOB_BG f b 2
      client > SUBMIT_JOB_BG f c 3
      client > SUBMIT_JOB_BG f d 4
      client > ECHO_REQ behind
      client > SUBMIT_JOB_BG f e 5
      client > SUBMIT_JOB_BG f f 6
      second > SUBMIT_JOB_BG f a 1
      store commits third
      store fails second
      store commits third
      store commits second
      store commits
      client < JOB_CREATED #1
      client < ERROR QUEUE_ERROR QUEUE_ERROR
      client < JOB_CREATED #2
      client < JOB_CREATED #3
      client < ECHO_RES behind
      client < JOB_CREATED #4
      client < JOB_CREATED #5
      second < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f 3
    `);
  });

  it('answers what is settled while what was submitted behind it still waits', () => {
    playsStored(`
      client > SUBMIT_JOB_BG f a 1
      client > SUBMIT_JOB_BG f b 2
      client > SUBMIT_JOB_BG f c 3
      store commits first
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f d 4
      store commits first
      client < JOB_CREATED #2
      store refuses
      client > SUBMIT_JOB_BG f e 5
      store commits second
      store fails
      client < ERROR QUEUE_ERROR QUEUE_ERROR
      client < JOB_CREATED #3
      client < ERROR QUEUE_ERROR QUEUE_ERROR
    `);
  });

  it('lets others join a job that is being stored, who wait with it', () => {
    playsStored(`
      client > SUBMIT_JOB_BG f u data
      second > SUBMIT_JOB_BG f u other
      watcher > SUBMIT_JOB f u third
      store commits
      client < JOB_CREATED #1
      second < JOB_CREATED #1
      watcher < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_COMPLETE #1 ok
      watcher < WORK_COMPLETE #1 ok
    `);
  });

  it('stores a foreground job that a background submit joins', () => {
    const store = playsStored(`
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      second > SUBMIT_JOB_BG f u other
      client > (end)
      client < (closed)
      store commits
      second < JOB_CREATED #1
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_COMPLETE #1 ok
    `);
    store.commit();
    expect(store.kept.size).toBe(0);
  });

  it('answers QUEUE_ERROR to all who wait when it cannot be stored, and the unique is free', () => {
    const store = playsStored(`
      client > SUBMIT_JOB_BG f u data
      watcher > SUBMIT_JOB f u data
      client > ECHO_REQ behind
      store fails
      client < ERROR QUEUE_ERROR QUEUE_ERROR
      client < ECHO_RES behind
      watcher < ERROR QUEUE_ERROR QUEUE_ERROR
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
    `);
    expect(store.kept.size).toBe(0);
  });

  it('refuses at once what the store does not take, while foreground jobs go on', () => {
    playsStored(`
      store refuses
      client > SUBMIT_JOB_BG f u data
      client < ERROR QUEUE_ERROR QUEUE_ERROR
      client > SUBMIT_JOB f v data
      client < JOB_CREATED #1
      second > SUBMIT_JOB_BG f v data
      second < ERROR QUEUE_ERROR QUEUE_ERROR
      client > (end)
      client < (closed)
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < NO_JOB
    `);
  });

  it('lets a failed upgrade of a running foreground job change nothing', () => {
    playsStored(`
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      second > SUBMIT_JOB_BG f u data
      store fails
      second < ERROR QUEUE_ERROR QUEUE_ERROR
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_COMPLETE #1 ok
      client < WORK_COMPLETE #1 ok
    `);
  });

  it('forgets a job that is cancelled while it is stored, and answers who waits', () => {
    const store = playsStored(String.raw`
      client > SUBMIT_JOB f u data
      client < JOB_CREATED #1
      second > SUBMIT_JOB_BG f u data
      admin > "cancel job #1\n"
      client < WORK_FAIL #1
      admin < "OK\r\n"
      third > SUBMIT_JOB f other data
      third < JOB_CREATED #2
      fourth > SUBMIT_JOB f other data
      fourth < JOB_CREATED #2
      store commits
      second < JOB_CREATED #1
    `);
    expect(store.kept.size).toBe(0);
  });

  it('answers a client that has half closed, and drops the answer to one that is gone', () => {
    playsStored(`
      client > SUBMIT_JOB_BG f u data
      client > (end)
      gone > SUBMIT_JOB_BG f v data
      gone > (reset)
      gone < (closed)
      store commits
      client < JOB_CREATED #1
      client < (closed)
    `);
  });

  it('makes a scheduled job wait for its time behind its commit', () => {
    playsStored(`
      worker > CAN_DO f
      worker > PRE_SLEEP
      client > SUBMIT_JOB_EPOCH f u 1700000002 data
      + 500 ms
      store commits
      client < JOB_CREATED #1
      + 2000 ms
      worker < NOOP
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_COMPLETE #1 ok
    `);
  });

  it('answers a large commit in several turns and lets others in between', () => {
    const store = new HandStore();
    const thread = new OwnThread({ makeStore: store.make });
    const { reactor } = thread;
    const [client, other] = [0, 1].map(() => reactor.socketOf(reactor.connect()));
    for (let i = 0; i < 600; i++) client?.push(request('SUBMIT_JOB_BG', 'f', `u${i}`, 'data'));
    thread.run();
    store.commit();
    const packets = (socket = client) => text(socket?.take()).split('\0RES').length - 1;
    const counts = [1, 2, 3].map(() => {
      other?.push(request('ECHO_REQ', 'now'));
      thread.turn();
      expect(packets(other)).toBe(1);
      return packets();
    });
    // An eighth of what is left, but at least 48.
    expect(counts).toEqual([75, 65, 57]);
    thread.run();
    expect(packets()).toBe(600 - 75 - 65 - 57);
  });

  it('waits for nothing when durability is relaxed, and still stores', () => {
    const store = playsStored(
      `
      client > SUBMIT_JOB_BG f u data
      client < JOB_CREATED #1
      store commits
    `,
      { isRelaxed: true },
    );
    store.commit();
    expect(store.kept.size).toBe(0);
  });
});

describe('durability of single functions', () => {
  it('decides for their jobs alone, whatever holds for the others', () => {
    const relaxedOf = new Map([
      ['quick', true],
      ['sure', false],
    ]);
    for (const isRelaxed of [false, true]) {
      playsStored(
        `
        client > SUBMIT_JOB_BG quick u data
        client < JOB_CREATED #1
        client > SUBMIT_JOB_BG sure u data
        store commits
        client < JOB_CREATED #2
        client > SUBMIT_JOB_BG other u data
        ${isRelaxed ? 'client < JOB_CREATED #3' : ''}
        store commits
        ${isRelaxed ? '' : 'client < JOB_CREATED #3'}
      `,
        { isRelaxed, relaxedOf },
      );
    }
  });
});

describe('a restart', () => {
  it('gives back every job with function, unique, priority, time and order', async () => {
    const store = new HandStore();
    const first = new MemoryDialogue({ makeStore: store.make }, actsOf(store));
    first.play(`
      client > SUBMIT_JOB_BG f a 1
      client > SUBMIT_JOB_LOW_BG f b 2
      client > SUBMIT_JOB_HIGH_BG f c 3
      client > SUBMIT_JOB_BG f - same
      client > SUBMIT_JOB_BG f d 5
      client > SUBMIT_JOB_EPOCH f e 1700000002 6
      store commits
      client < JOB_CREATED #1
      client < JOB_CREATED #2
      client < JOB_CREATED #3
      client < JOB_CREATED #4
      client < JOB_CREATED #5
      client < JOB_CREATED #6
    `);
    const second = new MemoryDialogue({ makeStore: store.make }, actsOf(store));
    expect(await second.thread.core.restore()).toBe(6);
    second.play(`
      client > SUBMIT_JOB_BG f - same
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f a other
      client < JOB_CREATED #2
      worker > CAN_DO f
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #3 f c 3
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #2 f a 1
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #1 f - same
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #4 f d 5
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #5 f b 2
      worker > GRAB_JOB_UNIQ
      worker < NO_JOB
      worker > PRE_SLEEP
      + 2000 ms
      worker < NOOP
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #6 f e 6
    `);
  });
});
