/** Runs that fail under a policy: retries, dead jobs and what operators do with them, as peers see it. */
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../src/base/byte-writer.ts';
import { listDead, STEP_JOBS } from '../../../src/broker/dead-queries.ts';
import { bury } from '../../../src/broker/failures.ts';
import { setGate } from '../../../src/broker/gates.ts';
import { Flag } from '../../../src/broker/jobs.ts';
import type { Peer } from '../../../src/broker/peer.ts';
import { gateSettings } from '../../../src/policy/gate-settings.ts';
import { parsePolicy } from '../../../src/policy/policy.ts';
import { parsePolicyRule } from '../../../src/policy/rule.ts';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';
import { type OwnThreadOptions, peersOf } from '../../support/own-thread.ts';

function begin(policy: string, options: OwnThreadOptions = {}): MemoryDialogue {
  return new MemoryDialogue({ policies: [parsePolicyRule(policy)], ...options });
}

const FIXED = 'f=attempts:3,backoff:fixed:200ms,jitter:0';

describe('a background job that fails', () => {
  it('runs at 0, 200 and 400 ms, and is dead with three errors', () => {
    begin(FIXED).play(String.raw`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f u data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      worker > GRAB_JOB
      worker < NO_JOB
      worker > PRE_SLEEP
      operator > "status\n"
      operator < "f\t1\t0\t1\n"
      operator < ".\n"
      + 199 ms
      + 1 ms
      worker < NOOP
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #1 f u data
      worker > WORK_EXCEPTION #1 "went\n | wrong"
      worker > PRE_SLEEP
      + 199 ms
      + 1 ms
      worker < NOOP
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      worker > GRAB_JOB
      worker < NO_JOB
      operator > "dead f\n"
      operator < "#1\tu\tfail\t3\t0\t0\t4\t127.0.0.1:1000\tfail | exception: went\\x0a \\x7c wrong | fail\n"
      operator < ".\n"
      operator > "status\n"
      operator < "f\t0\t0\t1\n"
      operator < ".\n"
      client > GET_STATUS #1
      client < STATUS_RES #1 0 0 0 0
      operator > "show jobs\n"
      operator < ".\n"
    `);
  });

  it('waits longer each time up to the limit, and less by chance', () => {
    const randoms = [0, 0.5, 1, 0];
    const dialogue = begin('f=attempts:5,backoff:exp:100ms:300ms,jitter:0.5', {
      random: () => randoms.shift() as number,
    });
    dialogue.play(`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f "" data
      client < JOB_CREATED #1
    `);
    // 100 ms x 1, 200 ms x 0.75, 300 ms x 0.5, 300 ms x 1.
    for (const delayMs of [100, 150, 150, 300])
      dialogue.play(`
        worker > GRAB_JOB
        worker < JOB_ASSIGN #1 f data
        worker > WORK_FAIL #1
        worker > PRE_SLEEP
        + ${delayMs - 1} ms
        + 1 ms
        worker < NOOP
      `);
  });

  it('takes its times from a list, the last one again and again', () => {
    const dialogue = begin('f=attempts:5,backoff:list:10ms:30ms,jitter:0');
    dialogue.play(`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f "" data
      client < JOB_CREATED #1
    `);
    for (const delayMs of [10, 30, 30, 30])
      dialogue.play(`
        worker > GRAB_JOB
        worker < JOB_ASSIGN #1 f data
        worker > WORK_FAIL #1
        worker > PRE_SLEEP
        + ${delayMs - 1} ms
        + 1 ms
        worker < NOOP
      `);
  });

  it('holds its unique while it waits: a submit joins it; a client that joined hears of the next failure', () => {
    begin(FIXED).play(`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f u data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      client2 > SUBMIT_JOB f u other
      client2 < JOB_CREATED #1
      + 200 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      client2 < WORK_FAIL #1
      + 200 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_COMPLETE #1 result
      client2 > SUBMIT_JOB_BG f u new
      client2 < JOB_CREATED #2
    `);
  });

  it('frees its unique by its death', () => {
    begin('f=attempts:1').play(String.raw`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f u data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      client > SUBMIT_JOB_BG f u other
      client < JOB_CREATED #2
      operator > "kick job #1\n"
      operator < "ERR UNIQUE_IN_USE A+live+job+has+the+same+unique\r\n"
      operator > "kick function f 9\n"
      operator < "OK 0+kicked,+1+left+because+their+unique+is+in+use\r\n"
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f other
      worker > WORK_COMPLETE #2 ""
      operator > "kick job #1\n"
      operator < "OK\r\n"
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      client > SUBMIT_JOB_BG f u joins
      client < JOB_CREATED #1
    `);
  });

  it('is not kept with dead:0', () => {
    begin('f=attempts:1,dead:0').play(String.raw`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f u data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      operator > "dead f\n"
      operator < ".\n"
      operator > "drop function f\n"
      operator < "ERR there are still connected workers or executing clients\r\n"
      worker > (end)
      worker < (closed)
      operator > "drop function f\n"
      operator < "OK\r\n"
    `);
  });

  it('by losses is dead with its losses counted apart from its attempts', () => {
    begin('f=attempts:3', { jobRetries: 2 }).play(String.raw`
      client > SUBMIT_JOB_BG f "" data
      client < JOB_CREATED #1
      worker1 > CAN_DO f
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #1 f data
      worker1 > (end)
      worker1 < (closed)
      worker2 > CAN_DO f
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #1 f data
      worker2 > (end)
      worker2 < (closed)
      operator > "dead f\n"
      operator < "#1\t-\tlost\t0\t2\t0\t4\t127.0.0.1:1002\tlost\n"
      operator < ".\n"
    `);
  });
});

describe('what a worker says about the job that it fails', () => {
  it('is the time of the next run, or that there is none', () => {
    begin('f=attempts:9,backoff:fixed:1h').play(String.raw`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f "" data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_EXCEPTION #1 "geartrain:retry=250\nbusy"
      worker > PRE_SLEEP
      + 249 ms
      + 1 ms
      worker < NOOP
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_EXCEPTION #1 "geartrain:dead\nno such user"
      operator > "dead f\n"
      operator < "#1\t-\texception\t2\t0\t0\t4\t127.0.0.1:1000\texception: busy | exception: no such user\n"
      operator < ".\n"
    `);
  });

  it('ends a job with fg:1 for its client at once', () => {
    begin('f=attempts:9,backoff:fixed:1h,fg:1').play(`
      worker > CAN_DO f
      client > SUBMIT_JOB f "" data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_EXCEPTION #1 "geartrain:dead"
      client < WORK_FAIL #1
    `);
  });
});

describe('the timeout of a policy', () => {
  it('is a failure, and everything that the worker still says is swallowed', () => {
    begin('f=attempts:2,backoff:fixed:50ms,jitter:0,timeout:100ms').play(String.raw`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f "" data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      + 99 ms
      + 1 ms
      operator > "show job #1\n"
      operator < "handle\t#1\n"
      operator < "function\tf\n"
      operator < "unique\t-\n"
      operator < "state\tretrying\n"
      operator < "priority\tnormal\n"
      operator < "background\t1\n"
      operator < "attempts\t1\n"
      operator < "losses\t0\n"
      operator < "next_run_ms\t50\n"
      operator < "workload_bytes\t4\n"
      operator < "error\t0\ttimeout\t100\t127.0.0.1:1000\t\n"
      operator < ".\n"
      worker > WORK_DATA #1 late
      worker > WORK_COMPLETE #1 late
      + 50 ms
      worker2 > CAN_DO f
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #1 f data
      worker2 > WORK_COMPLETE #1 ""
      operator > "status\n"
      operator < "f\t0\t0\t2\n"
      operator < ".\n"
    `);
  });

  it('holds for no foreground job without fg:1', () => {
    begin('f=attempts:2,timeout:100ms').play(String.raw`
      worker > CAN_DO f
      client > SUBMIT_JOB f "" data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      + 5000 ms
      operator > "status\n"
      operator < "f\t1\t1\t1\n"
      operator < ".\n"
      worker > WORK_COMPLETE #1 done
      client < WORK_COMPLETE #1 done
    `);
  });

  it.each([
    ['raised', 'policy f timeout:300ms', 299],
    ['raised, while the worker has a shorter one', 'policy f timeout:9s', 900],
  ])('counts from the start of the run when it is %s meanwhile', (title, command, laterMs) => {
    const offer = title === 'raised' ? 'CAN_DO f' : 'CAN_DO_TIMEOUT f 1';
    const end = title === 'raised' ? 'retrying' : 'queued';
    begin('f=attempts:2,backoff:fixed:1h,jitter:0,timeout:100ms').play(String.raw`
      worker > ${offer}
      client > SUBMIT_JOB_BG f "" data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      operator > "${command}\n"
      operator < "OK until+the+server+ends\r\n"
      + ${laterMs} ms
      operator > "status\n"
      operator < "f\t1\t1\t1\n"
      operator < ".\n"
      + 101 ms
      operator > "show job #1\n"
      operator < "handle\t#1\n"
      operator < "function\tf\n"
      operator < "unique\t-\n"
      operator < "state\t${end}\n"
      operator < "priority\tnormal\n"
      operator < "background\t1\n"
      operator < "attempts\t${end === 'retrying' ? 1 : 0}\n"
      operator < "losses\t${end === 'retrying' ? 0 : 1}\n"
      operator < "next_run_ms\t${end === 'retrying' ? 3_599_900 : 0}\n"
      operator < "workload_bytes\t4\n"
      ${end === 'retrying' ? String.raw`operator < "error\t0\ttimeout\t300\t127.0.0.1:1000\t\n"` : ''}
      operator < ".\n"
    `);
  });

  it('is over for a run when it is taken away meanwhile', () => {
    const dialogue = begin('f=attempts:2');
    dialogue.play(String.raw`
      operator > "policy f timeout:100ms\n"
      operator < "OK until+the+server+ends\r\n"
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f "" data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      operator > "policy f reset\n"
      operator < "OK until+the+server+ends\r\n"
      + 5000 ms
      operator > "status\n"
      operator < "f\t1\t1\t1\n"
      operator < ".\n"
    `);
    expect(dialogue.thread.broker.jobs.deadlines.size).toBe(0);
  });

  it('leaves a shorter CAN_DO_TIMEOUT what it is: a loss', () => {
    begin('f=attempts:1,timeout:5s').play(String.raw`
      worker > CAN_DO_TIMEOUT f 1
      client > SUBMIT_JOB_BG f "" data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      + 1000 ms
      operator > "status\n"
      operator < "f\t1\t0\t1\n"
      operator < ".\n"
      worker > WORK_COMPLETE #1 late
      operator > "status\n"
      operator < "f\t0\t0\t1\n"
      operator < ".\n"
    `);
  });
});

describe('a foreground job that fails', () => {
  it('ends, as in gearmand', () => {
    begin(FIXED).play(String.raw`
      worker > CAN_DO f
      client > SUBMIT_JOB f "" data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      client < WORK_FAIL #1
      operator > "dead f\n"
      operator < ".\n"
    `);
  });

  it('is tried again with fg:1, and its client hears only of the end', () => {
    begin('f=attempts:2,backoff:fixed:50ms,jitter:0,fg:1').play(String.raw`
      worker > CAN_DO f
      client > SUBMIT_JOB f "" data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      + 50 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      client < WORK_FAIL #1
      operator > "dead f\n"
      operator < ".\n"
    `);
  });

  it('is dropped while it waits with fg:1 when its client leaves', () => {
    const { thread } = begin('f=attempts:2,backoff:fixed:50ms,fg:1').play(`
      worker > CAN_DO f
      client > SUBMIT_JOB f "" data
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      client > (end)
      client < (closed)
    `);
    expect(thread.broker.jobs.table.count).toBe(0);
    expect(thread.broker.jobs.retryTimes.size).toBe(0);
  });
});

describe('dead jobs', () => {
  const failAll = (dialogue: MemoryDialogue, ...datas: string[]) => {
    dialogue.play('worker > CAN_DO f');
    for (const data of datas)
      dialogue.play(`
        client > SUBMIT_JOB_BG f "" ${data}
        client < JOB_CREATED #${data}
        worker > GRAB_JOB
        worker < JOB_ASSIGN #${data} f ${data}
        worker > WORK_FAIL #${data}
      `);
    return dialogue;
  };

  it('are listed with the youngest first, as many as asked for', () => {
    failAll(begin('f=attempts:1'), 'a', 'b', 'c').play(String.raw`
      operator > "dead f 2\n"
      operator < "#c\t-\tfail\t1\t0\t0\t1\t127.0.0.1:1000\tfail\n"
      operator < "#b\t-\tfail\t1\t0\t0\t1\t127.0.0.1:1000\tfail\n"
      operator < ".\n"
      operator > "dead f 0\n"
      operator < "ERR INVALID_ARGUMENTS An+incomplete+set+of+arguments+was+sent+to+this+command+dead\r\n"
      operator > "dead nowhere\n"
      operator < ".\n"
    `);
  });

  it('are listed in pieces that are short, all of them', () => {
    const names = Array.from({ length: 30 }, (_, i) => `d${i}`);
    const { broker } = failAll(begin('f=attempts:1'), ...names).thread;
    const fn = broker.jobs.functionOf(broker.jobs.table.next(0));
    const out = new ByteWriter(1024);
    const pieces: number[] = [];
    for (let cursor = 0, rowsLeft = 25; cursor !== 0 || pieces.length === 0; ) {
      ({ cursor, rowsLeft } = listDead(broker, fn, cursor, rowsLeft, 300, out));
      pieces.push(Buffer.from(out.take()).toString().split('\n').length - 1);
    }
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.reduce((sum, rows) => sum + rows)).toBe(25);
  });

  it('are dropped beyond the number that is kept, the oldest first, and counted', () => {
    const dialogue = failAll(begin('f=attempts:1,dead:2'), 'a', 'b', 'c');
    dialogue.play(String.raw`
      operator > "dead f\n"
      operator < "#c\t-\tfail\t1\t0\t0\t1\t127.0.0.1:1000\tfail\n"
      operator < "#b\t-\tfail\t1\t0\t0\t1\t127.0.0.1:1000\tfail\n"
      operator < ".\n"
      operator > "kick job #a\n"
      operator < "ERR UNKNOWN_JOB\r\n"
    `);
    expect(dialogue.thread.broker.counters.deadDropped.number).toBe(1);
  });

  it('are dropped when they are too old', () => {
    const dialogue = failAll(begin('f=attempts:1,dead_age:2s'), 'a');
    dialogue.play(String.raw`
      + 1900 ms
      operator > "dead f\n"
      operator < "#a\t-\tfail\t1\t0\t2\t1\t127.0.0.1:1000\tfail\n"
      operator < ".\n"
      + 200 ms
      operator > "dead f\n"
      operator < ".\n"
    `);
    expect(dialogue.thread.broker.jobs.table.count).toBe(0);
  });

  it('leave nothing behind for a function that is dropped after the last one is cancelled', () => {
    failAll(begin('f=attempts:1,dead_age:2s'), 'a').play(String.raw`
      worker > CANT_DO f
      operator > "cancel job #a\n"
      operator < "OK\r\n"
      operator > "drop function f\n"
      operator < "OK\r\n"
      + 2100 ms
      operator > "status\n"
      operator < ".\n"
    `);
  });

  it('are dropped in slices when the policy keeps fewer of them', () => {
    const names = Array.from({ length: 40 }, (_, i) => `d${i}`);
    const dialogue = failAll(begin('f=attempts:1'), ...names);
    const { broker } = dialogue.thread;
    setGate(broker, gateSettings('f', parsePolicy('dead:3'), false, false));
    expect(broker.jobs.dead).toBeGreaterThan(3);
    dialogue.thread.reactor.requestTurn();
    dialogue.play('+ 1 ms');
    expect(broker.jobs.dead).toBe(3);
    expect(broker.counters.deadDropped.number).toBe(37);
  });

  it('are kicked once by one command, also those that die again meanwhile', () => {
    const names = Array.from({ length: STEP_JOBS + 1 }, (_, i) => `d${i}`);
    const dialogue = failAll(begin('f=attempts:1'), ...names);
    const { thread } = dialogue;
    const { broker } = thread;
    const worker = peersOf(broker)[0] as Peer;
    dialogue.push('operator', 'kick function f 10000000\n');
    for (let turns = 0; turns < 5; turns++) {
      thread.turn();
      for (let job = broker.jobs.table.next(0); job !== 0; job = broker.jobs.table.next(job)) {
        if (broker.jobs.state(job) !== Flag.QUEUED) continue;
        broker.jobs.becomeAssigned(job, worker);
        bury(broker, job);
      }
    }
    expect(dialogue.take('operator').toString()).toMatch(/^OK 1001\+kicked/);
  });

  it('run again when they are kicked, the oldest first, with new attempts and their errors kept', () => {
    failAll(begin('f=attempts:1'), 'a', 'b', 'c').play(String.raw`
      worker > PRE_SLEEP
      operator > "kick function f 2\n"
      operator < "OK 2+kicked,+0+left+because+their+unique+is+in+use\r\n"
      worker < NOOP
      worker > GRAB_JOB
      worker < JOB_ASSIGN #a f a
      worker > WORK_FAIL #a
      worker > GRAB_JOB
      worker < JOB_ASSIGN #b f b
      worker > WORK_COMPLETE #b ""
      worker > GRAB_JOB
      worker < NO_JOB
      operator > "dead f\n"
      operator < "#a\t-\tfail\t1\t0\t0\t1\t127.0.0.1:1000\tfail | fail\n"
      operator < "#c\t-\tfail\t1\t0\t0\t1\t127.0.0.1:1000\tfail\n"
      operator < ".\n"
    `);
  });

  it('pass what a submit passes when they are kicked: drain and maxqueue', () => {
    failAll(begin('f=attempts:1'), 'a').play(String.raw`
      operator > "drain f\n"
      operator < "OK until+the+server+ends\r\n"
      operator > "kick job #a\n"
      operator < "ERR DRAINING The+function+takes+no+new+jobs\r\n"
      operator > "resume f\n"
      operator < "OK until+the+server+ends\r\n"
      operator > "maxqueue f 1\n"
      operator < "OK\r\n"
      client > SUBMIT_JOB_BG f "" new
      client < JOB_CREATED #new
      operator > "kick job #a\n"
      operator < "ERR QUEUE_FULL Maxqueue+of+the+function+is+reached\r\n"
      operator > "kick function f 5\n"
      operator < "ERR QUEUE_FULL Maxqueue+of+the+function+is+reached\r\n"
    `);
  });

  it('are forgotten by cancel', () => {
    failAll(begin('f=attempts:1'), 'a').play(String.raw`
      operator > "cancel job #a\n"
      operator < "OK\r\n"
      operator > "dead f\n"
      operator < ".\n"
    `);
  });

  it('are made by bury, of jobs that wait', () => {
    begin('g=attempts:1').play(String.raw`
      client > SUBMIT_JOB_BG f u data
      client < JOB_CREATED #1
      client > SUBMIT_JOB f "" fore
      client < JOB_CREATED #2
      client > SUBMIT_JOB_BG f v more
      client < JOB_CREATED #3
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      operator > "bury job #1\n"
      operator < "ERR RUNNING A+worker+has+the+job\r\n"
      operator > "bury job #2\n"
      operator < "ERR FOREGROUND A+client+waits+for+the+job;+cancel+it\r\n"
      operator > "bury job #3\n"
      operator < "OK\r\n"
      operator > "bury job #3\n"
      operator < "ERR UNKNOWN_JOB\r\n"
      operator > "dead f\n"
      operator < "#3\tv\tburied\t0\t0\t0\t4\t-\tburied\n"
      operator < ".\n"
    `);
  });
});

it('a worker that gets the job again may fail it again after its exception', () => {
  begin('f=attempts:3,backoff:fixed:1ms,jitter:0').play(String.raw`
    worker > CAN_DO f
    client > SUBMIT_JOB_BG f "" data
    client < JOB_CREATED #1
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1 f data
    worker > WORK_EXCEPTION #1 no
    worker > WORK_FAIL #1
    + 1 ms
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1 f data
    worker > WORK_EXCEPTION #1 no
    + 1 ms
    worker > GRAB_JOB
    worker < JOB_ASSIGN #1 f data
    worker > WORK_FAIL #1
    operator > "dead f\n"
    operator < "#1\t-\tfail\t3\t0\t0\t4\t127.0.0.1:1000\texception: no | exception: no | fail\n"
    operator < ".\n"
  `);
});
