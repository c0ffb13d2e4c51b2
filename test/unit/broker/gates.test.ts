/** Gates of functions as clients, workers and operators see them. */
import { describe, expect, it } from 'vitest';
import { drain } from '../../../src/broker/drain.ts';
import { parsePolicyRule } from '../../../src/policy/rule.ts';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';
import { HandStore } from '../../support/hand-store.ts';
import type { OwnThreadOptions } from '../../support/own-thread.ts';

/** Lines such as `pause f` are commands of an operator that succeed. */
function withCommands(script: string): string {
  return script.replace(
    /^\s*((?:pause|resume|drain|policy) .*)$/gm,
    String.raw`operator > "$1\n"
      operator < "OK until+the+server+ends\r\n"`,
  );
}

const one = { policies: [parsePolicyRule('f=concurrency:1')] };

const request = (type: number, ...args: string[]): Buffer => {
  const payload = args.join('\0');
  const packet = Buffer.from(`\0REQ\0\0\0\0\0\0\0\0${payload}`, 'latin1');
  packet.writeUInt32BE(type, 4);
  packet.writeUInt32BE(payload.length, 8);
  return packet;
};
const CAN_DO_AND_SLEEP = Buffer.concat([request(1, 'f'), request(4)]);
const isNoop = (bytes: Buffer) =>
  bytes.length > 0 && bytes.equals(Buffer.from('\0RES\0\0\0\x06\0\0\0\0', 'latin1'));

describe.each([100, 0])(
  'gates, workers are few-function workers up to %i functions',
  (fewFunctionsMax) => {
    const begin = (
      options: OwnThreadOptions = {},
      acts: Readonly<Record<string, () => void>> = {},
    ) => new MemoryDialogue({ fewFunctionsMax, ...options }, acts);
    const plays = (script: string, options: OwnThreadOptions = {}) => {
      const dialogue = begin(options).play(withCommands(script));
      return dialogue;
    };

    /** `count` workers of `f` that sleep, named worker0 and so on. */
    const sleepers = (dialogue: MemoryDialogue, count: number) => {
      for (let i = 0; i < count; i++) dialogue.push(`worker${i}`, CAN_DO_AND_SLEEP);
      dialogue.thread.run();
    };
    /** The sleepers that have got a NOOP since the last call. */
    const woken = (dialogue: MemoryDialogue, count: number) =>
      Array.from({ length: count }, (_, i) => i).filter((i) => isNoop(dialogue.take(`worker${i}`)));
    const submits = (dialogue: MemoryDialogue, count: number) => {
      for (let i = 0; i < count; i++) dialogue.push('client', request(18, 'f', '', String(i)));
      dialogue.thread.run();
      dialogue.take('client');
    };

    describe('concurrency', () => {
      it('wakes one of many sleepers at a time, and the next when a run ends', () => {
        const dialogue = begin(one);
        sleepers(dialogue, 50);
        submits(dialogue, 20);
        for (let run = 0; run < 20; run++) {
          expect(woken(dialogue, 50)).toEqual([run]);
          dialogue.push(`worker${run}`, request(9));
          dialogue.thread.run();
          const handle =
            /H:[^\0]+/.exec(dialogue.take(`worker${run}`).toString('latin1'))?.[0] ?? '';
          dialogue.thread.advance(1000);
          expect(woken(dialogue, 50)).toEqual([]);
          dialogue.push(`worker${run}`, request(13, handle, 'done'));
          dialogue.thread.run();
        }
        expect(woken(dialogue, 50)).toEqual([]);
        expect(dialogue.thread.broker.jobs.table.count).toBe(0);
      });

      it('wakes the next sleeper when a woken one does not come', () => {
        plays(
          `
        worker1 > CAN_DO f
        worker1 > PRE_SLEEP
        worker2 > CAN_DO f
        worker2 > PRE_SLEEP
        client > SUBMIT_JOB_BG f "" 1
        client < JOB_CREATED #1
        worker1 < NOOP
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
        + 99 ms
        + 1 ms
        worker2 < NOOP
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #1 f 1
        worker2 > GRAB_JOB
        worker2 < NO_JOB
      `,
          one,
        ).sweep();
      });

      it.each([
        ['WORK_COMPLETE', 'worker1 > WORK_COMPLETE #1 x\nworker2 < NOOP'],
        ['WORK_FAIL', 'worker1 > WORK_FAIL #1\nworker2 < NOOP'],
        ['WORK_EXCEPTION', 'worker1 > WORK_EXCEPTION #1 x\nworker2 < NOOP'],
        ['the end of its worker', 'worker1 > (reset)\nworker1 < (closed)\nworker2 < NOOP'],
        ['CANT_DO', 'worker1 > CANT_DO f\nworker2 < NOOP'],
        ['RESET_ABILITIES', 'worker1 > RESET_ABILITIES\nworker2 < NOOP'],
      ])('lets the next job start when a run ends by %s', (_what, end) => {
        plays(
          `
        worker1 > CAN_DO f
        client > SUBMIT_JOB_BG f "" 1
        client < JOB_CREATED #1
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #1 f 1
        worker2 > CAN_DO f
        worker2 > PRE_SLEEP
        worker3 > CAN_DO f
        worker3 > PRE_SLEEP
        worker2 > GRAB_JOB
        worker2 < NO_JOB
        worker2 > PRE_SLEEP
        worker3 > CANT_DO f
        ${end}
        worker2 > GRAB_JOB
        worker2 < JOB_ASSIGN #2 f 2
      `,
          one,
        );
      });

      it('lets the next job start when a run takes longer than its timeout', () => {
        plays(
          `
        worker1 > CAN_DO_TIMEOUT f 1000
        client > SUBMIT_JOB_BG f "" 1
        client < JOB_CREATED #1
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #1 f 1
        worker2 > CAN_DO f
        worker2 > PRE_SLEEP
        + 999 ms
        + 1 ms
        worker2 < NOOP
        worker2 > GRAB_JOB
        worker2 < JOB_ASSIGN #2 f 2
        worker1 > WORK_COMPLETE #1 late
        worker3 > CAN_DO f
        worker3 > GRAB_JOB
        worker3 < NO_JOB
      `,
          one,
        ).sweep();
      });

      it('lets the next job start when the last attempt of a job is lost', () => {
        plays(
          `
        worker1 > CAN_DO f
        client > SUBMIT_JOB f "" 1
        client < JOB_CREATED #1
        client > SUBMIT_JOB f "" 2
        client < JOB_CREATED #2
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #1 f 1
        worker2 > CAN_DO f
        worker2 > PRE_SLEEP
        worker1 > (reset)
        worker1 < (closed)
        client < WORK_FAIL #1
        worker2 < NOOP
        worker2 > GRAB_JOB
        worker2 < JOB_ASSIGN #2 f 2
      `,
          { ...one, jobRetries: 1 },
        ).sweep();
      });

      it('lets the next job start when a lost one is dead', () => {
        plays(
          `
        worker1 > CAN_DO f
        client > SUBMIT_JOB_BG f "" 1
        client < JOB_CREATED #1
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #1 f 1
        worker2 > CAN_DO f
        worker2 > PRE_SLEEP
        worker1 > (reset)
        worker1 < (closed)
        worker2 < NOOP
      `,
          { policies: [parsePolicyRule('f=concurrency:1,attempts:3')], jobRetries: 1 },
        );
      });

      it('counts a cancelled job until its run ends', () => {
        const dialogue = plays(
          `
        worker1 > CAN_DO f
        client > SUBMIT_JOB_BG f "" 1
        client < JOB_CREATED #1
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #1 f 1
        worker2 > CAN_DO f
        worker2 > PRE_SLEEP
      `,
          one,
        );
        dialogue
          .play(String.raw`
        operator > "cancel job ${dialogue.handle(1)}\n"
        operator < "OK\r\n"
        worker3 > CAN_DO f
        worker3 > GRAB_JOB
        worker3 < NO_JOB
        worker1 > WORK_COMPLETE #1 x
        worker2 < NOOP
      `)
          .sweep();
      });

      it('counts a job that its client has left until its run ends', () => {
        plays(
          `
        worker1 > CAN_DO f
        other > SUBMIT_JOB f "" 1
        other < JOB_CREATED #1
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #1 f 1
        worker2 > CAN_DO f
        worker2 > PRE_SLEEP
        other > (end)
        other < (closed)
        worker1 > (reset)
        worker1 < (closed)
        worker2 < NOOP
      `,
          one,
        ).sweep();
      });

      it('lets the next job start when a lost one is left to the store of a server that ends', () => {
        const store = new HandStore();
        const dialogue = begin(
          { ...one, makeStore: store.make },
          { 'store commits': () => store.commit() },
        );
        dialogue.play(`
        worker1 > CAN_DO f
        client > SUBMIT_JOB_BG f "" back
        store commits
        client < JOB_CREATED #1
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #1 f back
        client > SUBMIT_JOB f "" front
        client < JOB_CREATED #2
        worker2 > CAN_DO f
        worker2 > PRE_SLEEP
      `);
        expect(drain(dialogue.thread.broker, 0)).toBe(0);
        dialogue.play(`
        worker1 > (reset)
        worker1 < (closed)
        worker2 < NOOP
        worker2 > GRAB_JOB
        worker2 < JOB_ASSIGN #2 f front
      `);
      });

      it('may be raised and lowered while jobs run', () => {
        plays(
          `
        worker1 > CAN_DO f
        client > SUBMIT_JOB_BG f "" 1
        client < JOB_CREATED #1
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
        client > SUBMIT_JOB_BG f "" 3
        client < JOB_CREATED #3
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #1 f 1
        worker2 > CAN_DO f
        worker2 > PRE_SLEEP
        worker3 > CAN_DO f
        worker3 > PRE_SLEEP
        policy f concurrency:2
        worker2 < NOOP
        worker2 > GRAB_JOB
        worker2 < JOB_ASSIGN #2 f 2
        policy f concurrency:1
        worker1 > WORK_COMPLETE #1 x
        worker1 > GRAB_JOB
        worker1 < NO_JOB
        worker2 > WORK_COMPLETE #2 x
        worker3 < NOOP
      `,
          one,
        ).sweep();
      });
    });

    describe('rate', () => {
      const slow = { policies: [parsePolicyRule('f=rate:10/s')] };

      it('wakes one sleeper whenever the next job may start', () => {
        plays(
          `
        worker1 > CAN_DO f
        worker1 > PRE_SLEEP
        worker2 > CAN_DO f
        worker2 > PRE_SLEEP
        client > SUBMIT_JOB_BG f "" 1
        client < JOB_CREATED #1
        worker1 < NOOP
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #1 f 1
        + 99 ms
        + 1 ms
        worker2 < NOOP
        worker2 > GRAB_JOB
        worker2 < JOB_ASSIGN #2 f 2
        client > SUBMIT_JOB_BG f "" 3
        client < JOB_CREATED #3
        worker1 > GRAB_JOB
        worker1 < NO_JOB
        worker1 > PRE_SLEEP
        + 100 ms
        worker1 < NOOP
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #3 f 3
        policy f rate:0
      `,
          slow,
        ).sweep();
      });

      it('spends none for joins and for jobs that are cancelled in the queue', () => {
        const dialogue = plays(
          `
        client > SUBMIT_JOB_BG f u 1
        client < JOB_CREATED #1
        client > SUBMIT_JOB_BG f u 1
        client < JOB_CREATED #1
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
      `,
          slow,
        );
        dialogue
          .play(String.raw`
        operator > "cancel job ${dialogue.handle(1)}\n"
        operator < "OK\r\n"
        worker > CAN_DO f
        worker > GRAB_JOB
        worker < JOB_ASSIGN #2 f 2
      `)
          .sweep();
      });

      it('of 1,000/s is kept with workers that come a moment after their NOOP', () => {
        const dialogue = begin({ policies: [parsePolicyRule('f=rate:1000/s')] });
        sleepers(dialogue, 40);
        submits(dialogue, 5000);
        let started = 0;
        for (let ms = 0; ms < 2000; ms++) {
          const called = woken(dialogue, 40);
          dialogue.thread.advance(1);
          for (const i of called) dialogue.push(`worker${i}`, request(9));
          dialogue.thread.run();
          for (const i of called) {
            const handle = /H:[^\0]+/.exec(dialogue.take(`worker${i}`).toString('latin1'))?.[0];
            if (handle !== undefined) started++;
            if (handle !== undefined) dialogue.push(`worker${i}`, request(13, handle, ''));
            dialogue.push(`worker${i}`, request(4));
          }
          dialogue.thread.run();
        }
        // burst 10, and 100 ms for what comes late.
        expect(started).toBeGreaterThanOrEqual(1960);
        expect(started).toBeLessThanOrEqual(2000 + 10 + 100);
      });

      it('with concurrency: the job that may start when a run ends is given at once', () => {
        plays(
          `
        worker > CAN_DO f
        client > SUBMIT_JOB_BG f "" 1
        client < JOB_CREATED #1
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
        worker > GRAB_JOB
        worker < JOB_ASSIGN #1 f 1
        + 500 ms
        worker >> WORK_COMPLETE #1 x
        worker > GRAB_JOB
        worker < JOB_ASSIGN #2 f 2
      `,
          { policies: [parsePolicyRule('f=concurrency:1,rate:10/s')] },
        ).sweep();
      });

      it('may change while jobs wait', () => {
        plays(`
        worker1 > CAN_DO f
        worker2 > CAN_DO f
        worker2 > PRE_SLEEP
        policy f rate:1/h
        client > SUBMIT_JOB_BG f "" 1
        client < JOB_CREATED #1
        worker2 < NOOP
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #1 f 1
        worker2 > GRAB_JOB
        worker2 < NO_JOB
        worker2 > PRE_SLEEP
        + 60000 ms
        policy f rate:10/s
        + 99 ms
        + 1 ms
        worker2 < NOOP
        worker2 > GRAB_JOB
        worker2 < JOB_ASSIGN #2 f 2
      `).sweep();
      });
    });

    describe('pause', () => {
      it('wakes none of 1,000 sleepers and takes submits', () => {
        const dialogue = begin();
        sleepers(dialogue, 1000);
        dialogue.play(withCommands('pause f'));
        submits(dialogue, 100);
        dialogue.thread.advance(60_000);
        expect(woken(dialogue, 1000)).toEqual([]);
        expect(dialogue.thread.broker.jobs.table.count).toBe(100);
        expect(dialogue.thread.broker.jobs.level).toBe(0);
        dialogue.push('operator', 'resume f\n');
        dialogue.thread.run();
        expect(woken(dialogue, 1000)).toEqual(Array.from({ length: 100 }, (_, i) => i));
      });

      it('answers a grab with NO_JOB, and keeps priority and order', () => {
        plays(`
        pause f
        client > SUBMIT_JOB_LOW_BG f "" 1
        client < JOB_CREATED #1
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
        client > SUBMIT_JOB_HIGH_BG f "" 3
        client < JOB_CREATED #3
        client > SUBMIT_JOB_HIGH_BG f "" 4
        client < JOB_CREATED #4
        client > SUBMIT_JOB f "" 5
        client < JOB_CREATED #5
        worker > CAN_DO f
        worker > GRAB_JOB
        worker < NO_JOB
        worker > PRE_SLEEP
        resume f
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN #3 f 3
        worker > GRAB_JOB
        worker < JOB_ASSIGN #4 f 4
        worker > GRAB_JOB
        worker < JOB_ASSIGN #2 f 2
        worker > GRAB_JOB
        worker < JOB_ASSIGN #5 f 5
        worker > GRAB_JOB
        worker < JOB_ASSIGN #1 f 1
        worker > GRAB_JOB
        worker < NO_JOB
      `).sweep();
      });

      it('leaves running jobs alone, and a lost one waits in its queue', () => {
        plays(`
        worker > CAN_DO f
        client > SUBMIT_JOB f "" 1
        client < JOB_CREATED #1
        client > SUBMIT_JOB f "" 2
        client < JOB_CREATED #2
        worker > GRAB_JOB
        worker < JOB_ASSIGN #1 f 1
        lost > CAN_DO f
        lost > GRAB_JOB
        lost < JOB_ASSIGN #2 f 2
        pause f
        worker > WORK_COMPLETE #1 x
        client < WORK_COMPLETE #1 x
        lost > (reset)
        lost < (closed)
        worker > GRAB_JOB
        worker < NO_JOB
        resume f
        worker > GRAB_JOB
        worker < JOB_ASSIGN #2 f 2
      `).sweep();
      });

      it('serves a worker from its other functions, also from those of lower priority', () => {
        plays(`
        pause f
        client > SUBMIT_JOB_HIGH_BG f "" 1
        client < JOB_CREATED #1
        client > SUBMIT_JOB_LOW_BG g "" 2
        client < JOB_CREATED #2
        worker > CAN_DO f
        worker > CAN_DO g
        worker > PRE_SLEEP
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN #2 g 2
        worker > GRAB_JOB
        worker < NO_JOB
        worker > PRE_SLEEP
        resume f
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN #1 f 1
      `).sweep();
      });

      it('holds a scheduled job that becomes due', () => {
        plays(`
        pause f
        worker > CAN_DO f
        worker > PRE_SLEEP
        client > SUBMIT_JOB_EPOCH f "" 1700000005 later
        client < JOB_CREATED #1
        + 10000 ms
        worker > GRAB_JOB
        worker < NO_JOB
        worker > PRE_SLEEP
        resume f
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN #1 f later
      `).sweep();
      });

      it('applies to a function that does not exist yet, and outlasts drop and create', () => {
        plays(String.raw`
        pause f
        operator > "create function f\n"
        operator < "OK\r\n"
        operator > "drop function f\n"
        operator < "OK\r\n"
        client > SUBMIT_JOB_BG f "" 1
        client < JOB_CREATED #1
        worker > CAN_DO f
        worker > GRAB_JOB
        worker < NO_JOB
        worker > PRE_SLEEP
        resume f
        worker < NOOP
      `).sweep();
      });

      it('is told with the policy', () => {
        plays(String.raw`
        pause f
        policy f concurrency:3
        operator > "policy\n"
        operator < "f\tconcurrency:3\tpaused\n"
        operator < ".\n"
        operator > "policy f\n"
        operator < "concurrency\t3\tcommand\n"
        operator < "state\tpaused\t-\n"
        operator < ".\n"
      `);
      });
    });

    describe('drain', () => {
      const draining = `
      client > SUBMIT_JOB_BG f u 1
      client < JOB_CREATED #1
      drain f
    `;

      it('refuses new jobs with the reason', () => {
        plays(`${draining}
        client > SUBMIT_JOB f "" 2
        client < ERROR QUEUE_ERROR "The function takes no new jobs"
        client > SUBMIT_JOB_EPOCH f "" 1700000005 later
        client < ERROR QUEUE_ERROR "The function takes no new jobs"
        client > SUBMIT_JOB_BG g "" 3
        client < JOB_CREATED #2
        resume f
        client > SUBMIT_JOB_BG f "" 4
        client < JOB_CREATED #3
      `).sweep();
      });

      it('lets submits join, hands jobs out and tries lost ones again', () => {
        plays(`${draining}
        client > SUBMIT_JOB f u 1
        client < JOB_CREATED #1
        worker1 > CAN_DO f
        worker1 > GRAB_JOB
        worker1 < JOB_ASSIGN #1 f 1
        worker2 > CAN_DO f
        worker2 > PRE_SLEEP
        worker1 > (reset)
        worker1 < (closed)
        worker2 < NOOP
        worker2 > GRAB_JOB
        worker2 < JOB_ASSIGN #1 f 1
        worker2 > WORK_COMPLETE #1 x
        client < WORK_COMPLETE #1 x
        client > SUBMIT_JOB f u 1
        client < ERROR QUEUE_ERROR "The function takes no new jobs"
      `).sweep();
      });

      it('goes with a pause', () => {
        plays(String.raw`${draining}
        pause f
        operator > "policy f\n"
        operator < "state\tpaused,draining\t-\n"
        operator < ".\n"
        worker > CAN_DO f
        worker > GRAB_JOB
        worker < NO_JOB
        resume f
        worker > GRAB_JOB
        worker < JOB_ASSIGN #1 f 1
        client > SUBMIT_JOB_BG f "" 2
        client < JOB_CREATED #2
      `).sweep();
      });
    });

    it('is gone when its settings never close it', () => {
      const dialogue = plays(`
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      policy f concurrency:1,rate:5/s
    `);
      const { functions, settings, jobs } = dialogue.thread.broker;
      const fn = functions.at(1);
      expect(fn?.gate).not.toBeNull();
      dialogue.play(
        withCommands(`
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      worker2 > CAN_DO f
      worker2 > PRE_SLEEP
      policy f concurrency:0
      policy f rate:0
      worker2 < NOOP
    `),
      );
      expect(fn?.gate).toBeNull();
      expect(settings.size).toBe(0);
      expect(jobs.gateOpenings.size).toBe(0);
      dialogue.sweep();
    });

    it('is that of the options again after a reset', () => {
      plays(
        `
      policy f concurrency:2
      client > SUBMIT_JOB_BG f "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG f "" 2
      client < JOB_CREATED #2
      worker > CAN_DO f
      policy f reset
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f 1
      worker > GRAB_JOB
      worker < NO_JOB
    `,
        one,
      ).sweep();
    });
  },
);
