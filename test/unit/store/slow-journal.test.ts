/** A disk that answers after 30 s: who waits for it, who does not, and how much waits. */
import { expect, it } from 'vitest';
import { Packet } from '../../../src/protocol/packets.ts';
import { Journal } from '../../../src/store/journal/journal.ts';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';
import { MemoryFiles } from '../../support/memory-files.ts';
import { request } from '../../support/packet-text.ts';

const SLOW_MS = 30_000;
/** What may wait for the disk, and one workload. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
const WORKLOAD = Buffer.alloc(1024 * 1024, 'w');

/** A thread with a journal on a disk that does nothing unless it is told to. */
function thread() {
  const files = new MemoryFiles();
  const dialogue = new MemoryDialogue({
    makeStore: (host) =>
      new Journal(
        { files, folder: 'journal', shard: 0, salt: 1, relaxedMs: null, defer: (step) => step() },
        host,
      ),
  });
  void dialogue.thread.core.restore();
  files.run();
  const diskWorks = (): void => {
    while (!files.isIdle) {
      files.run();
      dialogue.thread.run();
    }
  };
  return { dialogue, diskWorks };
}

it('keeps submits waiting and nobody else, and answers them all in the end', () => {
  const { dialogue, diskWorks } = thread();
  dialogue.play(`
    worker > CAN_DO f
    worker > PRE_SLEEP
    client > SUBMIT_JOB_BG f u1 one
    client > SUBMIT_JOB_BG f u2 two
    client > ECHO_REQ behind
    client2 > SUBMIT_JOB_BG g u3 three
    joiner > SUBMIT_JOB f u1 one
  `);
  for (let ms = 0; ms < SLOW_MS; ms += 1000) {
    dialogue.thread.advance(1000);
    dialogue.play('other > ECHO_REQ free\nother < ECHO_RES free');
  }
  // Time alone brings nothing: no job is offered, nobody is answered.
  dialogue.play(`
    other > SUBMIT_JOB h "" now
    other < JOB_CREATED #1
    worker2 > CAN_DO f
    worker2 > GRAB_JOB
    worker2 < NO_JOB
  `);
  diskWorks();
  dialogue.play(`
    other > (connect)
    client < JOB_CREATED #2
    client < JOB_CREATED #3
    client < ECHO_RES behind
    client2 < JOB_CREATED #4
    joiner < JOB_CREATED #2
    worker < NOOP
  `);
});

it('has no more than 64 MiB wait, refuses what is beyond and keeps its word for the rest', () => {
  const { dialogue, diskWorks } = thread();
  const count = WAITING_BYTES_MAX / WORKLOAD.length + 6;
  for (let i = 0; i < count; i++) {
    dialogue.push(`client${i}`, request('SUBMIT_JOB_BG', 'f', `u${i}`, WORKLOAD));
    dialogue.thread.advance(SLOW_MS / count);
  }
  const answers = (): number[] => {
    const types = Array.from({ length: count }, (_, i) => dialogue.take(`client${i}`)[7]);
    return types.filter((type) => type !== undefined);
  };
  const refused = answers();
  expect(new Set(refused)).toEqual(new Set([Packet.ERROR]));
  // One batch was under way before the others began to wait.
  expect(refused.length).toBeGreaterThanOrEqual(5);
  expect(refused.length).toBeLessThanOrEqual(8);
  diskWorks();
  expect(answers()).toEqual(Array(count - refused.length).fill(Packet.JOB_CREATED));
});
