/** Runs that fail, with a store that keeps them: what is stored, when the next run starts, what a restart brings back. */
import { describe, expect, it } from 'vitest';
import { drain } from '../../../src/broker/drain.ts';
import { decodeErrors, encodeErrors, type RunError } from '../../../src/broker/runs.ts';
import { parsePolicyRule } from '../../../src/policy/rule.ts';
import type { StoredJob } from '../../../src/store/stored-job.ts';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';
import { HandStore } from '../../support/hand-store.ts';
import { BOOT } from '../../support/handles.ts';

const FIXED = 'f=attempts:3,backoff:fixed:200ms,jitter:0';
const START_MS = 1_700_000_000_000;

function begin(store: HandStore, policy: string | null = FIXED, boot = BOOT): MemoryDialogue {
  const acts = { commit: () => store.commit(), fail: () => store.fail() };
  const policies = policy === null ? [] : [parsePolicyRule(policy)];
  return new MemoryDialogue({ policies, makeStore: store.make, boot }, acts);
}

/** The server of another run, at `wallMs` by the wall clock. */
async function again(
  store: HandStore,
  policy = FIXED,
  wallMs = START_MS,
  boot = BOOT,
): Promise<MemoryDialogue> {
  const dialogue = begin(store, policy, boot);
  dialogue.thread.wallMs = wallMs;
  await dialogue.thread.core.restore();
  return dialogue;
}

const oneJob = (store: HandStore): StoredJob => {
  expect(store.kept.size).toBe(1);
  return [...store.kept.values()][0] as StoredJob;
};
const causesOf = ({ runs }: StoredJob) =>
  decodeErrors(runs?.details as Uint8Array).map(({ cause }) => cause);

const FIRST_FAILURE = `
  worker > CAN_DO f
  client > SUBMIT_JOB_BG f u data
  commit
  client < JOB_CREATED #1
  worker > GRAB_JOB
  worker < JOB_ASSIGN #1 f data
  worker > WORK_FAIL #1
  worker > PRE_SLEEP
`;

describe('a stored job that fails', () => {
  it('is not tried again before its attempt is durable, and at its time when that is later', () => {
    const store = new HandStore();
    begin(store).play(`
      ${FIRST_FAILURE}
      + 150 ms
      commit
      + 49 ms
      + 1 ms
      worker < NOOP
    `);
    const { runs } = oneJob(store);
    expect(runs).toMatchObject({ attempts: 1, losses: 0, delayMs: 200, isDead: false });
    expect(runs?.dueMs).toBe(START_MS + 200);
  });

  it('is tried again at once when its attempt becomes durable late', () => {
    const store = new HandStore();
    begin(store).play(`
      ${FIRST_FAILURE}
      + 900 ms
      commit
      worker < NOOP
    `);
  });

  it('waits for its last attempt when it was buried and kicked before the first one was durable', () => {
    const store = new HandStore();
    const acts = { first: () => store.commit(0), commit: () => store.commit() };
    const dialogue = new MemoryDialogue(
      { policies: [parsePolicyRule(FIXED)], makeStore: store.make },
      acts,
    );
    dialogue.play(String.raw`
      ${FIRST_FAILURE}
      operator > "bury job #1\n"
      operator < "OK\r\n"
      operator > "kick job #1\n"
      operator < "OK\r\n"
      worker < NOOP
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      worker > PRE_SLEEP
      first
      + 200 ms
      commit
      worker < NOOP
    `);
  });

  it('is tried again although its attempt cannot be stored', () => {
    const store = new HandStore();
    begin(store).play(`
      ${FIRST_FAILURE}
      fail
      + 199 ms
      + 1 ms
      worker < NOOP
    `);
    expect(oneJob(store).runs).toMatchObject({ attempts: 0, isDead: false });
  });

  it('waits what is left after a restart, with its attempts and errors', async () => {
    const store = new HandStore();
    begin(store).play(`
      ${FIRST_FAILURE}
      commit
      + 120 ms
    `);
    const second = await again(store, FIXED, START_MS + 120);
    second.play(`
      worker > CAN_DO f
      worker > PRE_SLEEP
      + 79 ms
      + 1 ms
      worker < NOOP
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      worker > WORK_FAIL #1
      commit
    `);
    expect(oneJob(store).runs).toMatchObject({ attempts: 2 });
    expect(causesOf(oneJob(store))).toEqual(['fail', 'fail']);
  });

  it('waits no longer than its delay when the clock was put back', async () => {
    const store = new HandStore();
    begin(store).play(`
      ${FIRST_FAILURE}
      commit
    `);
    const second = await again(store, FIXED, START_MS - 3_600_000);
    second.play(`
      worker > CAN_DO f
      worker > PRE_SLEEP
      + 199 ms
      + 1 ms
      worker < NOOP
    `);
  });

  it('is dead after a restart when it was dead before, and runs when it is kicked', async () => {
    const store = new HandStore();
    begin(store, 'f=attempts:1').play(`
      ${FIRST_FAILURE}
      commit
    `);
    expect(oneJob(store).runs).toMatchObject({ attempts: 1, isDead: true });
    const second = await again(store, 'f=attempts:1');
    second.play(String.raw`
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < NO_JOB
      operator > "status\n"
      operator < "f\t0\t0\t1\n"
      operator < ".\n"
      client > SUBMIT_JOB_BG f u other
      commit
      client < JOB_CREATED #2
      operator > "kick function f 1\n"
      operator < "OK 0+kicked,+1+left+because+their+unique+is+in+use\r\n"
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f other
      worker > WORK_COMPLETE #2 ""
      operator > "kick function f 1\n"
      operator < "OK 1+kicked,+0+left+because+their+unique+is+in+use\r\n"
      commit
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
    `);
    expect(oneJob(store).runs).toMatchObject({ attempts: 0, isDead: false, dueMs: 0 });
  });

  it('leaves the store when it completes, or when it is dropped as the oldest of too many', () => {
    const store = new HandStore();
    const dialogue = begin(store, 'f=attempts:1,dead:1');
    dialogue.play(`
      ${FIRST_FAILURE}
      client > SUBMIT_JOB_BG f v more
      commit
      client < JOB_CREATED #2
      worker < NOOP
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 f more
      worker > WORK_FAIL #2
      commit
    `);
    expect(oneJob(store).unique.toString()).toBe('118');
  });
});

describe('an update that the store refuses', () => {
  it('is repeated until the store takes it; the next run waits for that', () => {
    const store = new HandStore();
    const dialogue = begin(store);
    dialogue.play(`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f u data
      commit
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
    `);
    store.isAccepting = false;
    dialogue.play(`
      worker > WORK_FAIL #1
      worker > PRE_SLEEP
      + 5000 ms
    `);
    store.isAccepting = true;
    dialogue.play(`
      + 1000 ms
      commit
      worker < NOOP
    `);
    expect(oneJob(store).runs).toMatchObject({ attempts: 1 });
  });

  it('leaves no dead job alive in the store', () => {
    const store = new HandStore();
    const dialogue = begin(store, 'f=attempts:1');
    dialogue.play(`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f u data
      commit
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
    `);
    store.isAccepting = false;
    dialogue.play('worker > WORK_FAIL #1');
    expect(dialogue.thread.broker.storing?.hasUnsaved).toBe(true);
    store.isAccepting = true;
    dialogue.play(`
      + 1000 ms
      commit
    `);
    expect(oneJob(store).runs).toMatchObject({ isDead: true });
    expect(dialogue.thread.broker.storing?.hasUnsaved).toBe(false);
  });

  it('is given up with a job that has ended meanwhile', () => {
    const store = new HandStore();
    const dialogue = begin(store, 'f=attempts:1');
    dialogue.play(`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f u data
      commit
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
    `);
    store.isAccepting = false;
    dialogue.play(String.raw`
      worker > WORK_FAIL #1
      operator > "cancel job #1\n"
      operator < "OK\r\n"
    `);
    store.isAccepting = true;
    dialogue.play(`
      + 1000 ms
      commit
    `);
    expect(store.kept.size).toBe(0);
    expect(dialogue.thread.broker.storing?.hasUnsaved).toBe(false);
  });
});

it('errors read back as they were written, and what is cut off is left out', () => {
  const errors: RunError[] = [
    { cause: 'fail', atMs: 1, runMs: 0, worker: '', text: new Uint8Array(0) },
    {
      cause: 'buried',
      atMs: 1_700_000_000_123,
      runMs: 0xffff_ffff,
      worker: `10.0.0.1:4 ${'\xff'.repeat(117)}`,
      text: Uint8Array.of(0, 255, 10),
    },
  ];
  const bytes = encodeErrors(errors);
  expect(decodeErrors(bytes)).toEqual(errors);
  for (let cut = 1; cut < bytes.length - 16; cut++)
    expect(decodeErrors(bytes.subarray(0, bytes.length - cut))).toEqual(errors.slice(0, 1));
  expect(decodeErrors(new Uint8Array(0))).toEqual([]);
  expect(decodeErrors(new Uint8Array(11).fill(200))).toEqual([]);
});

it('errors without a run read back too', () => {
  // Byte of the cause, time, length of the text, text.
  const one = Buffer.from('0141d954fc4000000000026f6b', 'hex');
  expect(decodeErrors(new Uint8Array(Buffer.concat([one, one])))).toEqual(
    Array(2).fill({
      cause: 'exception',
      atMs: 1_700_000_000,
      runMs: 0,
      worker: '',
      text: new Uint8Array(Buffer.from('ok')),
    }),
  );
});

describe('a stored job that waits for its next run while the server ends', () => {
  it('is left to the store', () => {
    const dialogue = begin(new HandStore());
    const { broker } = dialogue.thread;
    dialogue.play(`
      ${FIRST_FAILURE}
      commit
    `);
    expect(drain(broker, 0)).toBe(0);
    expect(broker.jobs.kept).toBe(1);
  });

  it('is left to the store also when it fails then', () => {
    const store = new HandStore();
    const dialogue = begin(store);
    const { broker } = dialogue.thread;
    dialogue.play(`
      worker > CAN_DO f
      client > SUBMIT_JOB_BG f u data
      commit
      client < JOB_CREATED #1
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
    `);
    expect(drain(broker, 0)).toBe(0);
    dialogue.play(`
      worker > WORK_FAIL #1
      commit
    `);
    expect(broker.jobs.kept).toBe(1);
    expect(oneJob(store).runs).toMatchObject({ attempts: 1, delayMs: 200 });
  });

  it('is left to the store when it is kicked then', () => {
    const dialogue = begin(new HandStore(), 'f=attempts:1');
    const { broker } = dialogue.thread;
    dialogue.play(`
      ${FIRST_FAILURE}
      commit
    `);
    expect(drain(broker, 0)).toBe(0);
    dialogue.play(String.raw`
      operator > "kick job #1\n"
      operator < "OK\r\n"
      worker > GRAB_JOB
      worker < NO_JOB
    `);
    expect(broker.jobs.kept).toBe(1);
  });
});

describe('the handle of a job whose function has a policy about runs', () => {
  /** The handle of the first job, as its client heard it. */
  const FIRST = `H:t:${String(BOOT).padStart(10, '0')}00000000011`;
  const handleIn = (store: HandStore) =>
    Buffer.from(oneJob(store).runs?.handle as Uint8Array).toString();

  it('is stored with the job, and stays over restarts', async () => {
    const store = new HandStore();
    begin(store).play(`
      client > SUBMIT_JOB_BG f u data
      commit
      client < JOB_CREATED ${FIRST}
    `);
    expect(oneJob(store).runs).toMatchObject({ attempts: 0, losses: 0, dueMs: 0, isDead: false });
    expect(handleIn(store)).toBe(FIRST);
    const second = await again(store, FIXED, START_MS, BOOT + 100);
    second.play(`
      client > GET_STATUS ${FIRST}
      client < STATUS_RES ${FIRST} 1 0 0 0
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 f data
      client > GET_STATUS ${FIRST}
      client < STATUS_RES ${FIRST} 1 1 0 0
      worker > WORK_FAIL #1
      commit
    `);
    expect(handleIn(store)).toBe(FIRST);
    expect(oneJob(store).runs).toMatchObject({ attempts: 1 });
    const third = await again(store, FIXED, START_MS, BOOT + 200);
    third.play(String.raw`
      operator > "bury job ${FIRST}\n"
      operator < "OK\r\n"
      commit
      client > GET_STATUS ${FIRST}
      client < STATUS_RES ${FIRST} 0 0 0 0
      operator > "dead f\n"
      operator < "${FIRST}\tu\tburied\t1\t0\t0\t4\t-\tfail | buried\n"
      operator < ".\n"
    `);
    const fourth = await again(store, FIXED, START_MS, BOOT + 300);
    fourth.play(String.raw`
      operator > "kick job ${FIRST}\n"
      operator < "OK\r\n"
      commit
      operator > "kick job ${FIRST}\n"
      operator < "ERR UNKNOWN_JOB\r\n"
    `);
    expect(handleIn(store)).toBe(FIRST);
    const fifth = await again(store, FIXED, START_MS, BOOT + 400);
    fifth.play(String.raw`
      operator > "cancel job ${FIRST}\n"
      operator < "OK\r\n"
      commit
      operator > "cancel job ${FIRST}\n"
      operator < "ERR UNKNOWN_JOB\r\n"
      client > GET_STATUS ${FIRST}
      client < STATUS_RES ${FIRST} 0 0 0 0
    `);
    expect(store.kept.size).toBe(0);
    fifth.sweep();
  });

  it('names the job also after its shard alone was started again', async () => {
    const store = new HandStore();
    begin(store).play(`
      client > SUBMIT_JOB_BG f u data
      commit
      client < JOB_CREATED ${FIRST}
    `);
    const second = await again(store, FIXED, START_MS);
    second.play(`
      client > SUBMIT_JOB_BG f v other
      commit
      client < JOB_CREATED #2
      client > GET_STATUS ${FIRST}
      client < STATUS_RES ${FIRST} 1 0 0 0
    `);
  });

  it('is not stored without such a policy', () => {
    const store = new HandStore();
    begin(store, null).play(`
      client > SUBMIT_JOB_BG f u data
      commit
      client < JOB_CREATED #1
    `);
    expect(oneJob(store).runs).toBeNull();
  });
});
