/** Frames for a shard that is being started again. Source: docs/design.md, section 7; src/DECISIONS.md, no. 7. */
import { describe, expect, it } from 'vitest';
import { CrossThreadDialogue } from '../../support/cross-thread.ts';

/** Shard 1 of 3, whose jobs a store keeps; `two` and `three` belong to other shards. */
function sessions(options = {}) {
  const dialogue = new CrossThreadDialogue({
    thread: 1,
    shardCount: 3,
    restartWaitMs: 5000,
    ...options,
  });
  return { dialogue, two: dialogue.functionOf(2), three: dialogue.functionOf(3) };
}

const QUEUE_ERROR = 'ERROR QUEUE_ERROR QUEUE_ERROR';

describe('frames for a shard that is being started again', () => {
  it('wait for it, and those behind them on their connection', () => {
    const { dialogue, two } = sessions();
    dialogue.lose(2);
    dialogue.play(`
      client > SUBMIT_JOB ${two} u data
      client > ECHO_REQ behind
      worker > CAN_DO ${two}
      other > ECHO_REQ free
      other < ECHO_RES free
    `);
    dialogue.thread.advance(4999);
    expect(dialogue.told()).toEqual([]);
    dialogue.regain(2);
    expect(dialogue.told()).toEqual([
      expect.stringMatching(`to 2: FRAME 0 place 1 SUBMIT_JOB ${two}`),
      'to 2: PEER 1 127.0.0.1:1001',
      expect.stringMatching(`to 2: FRAME 1 CAN_DO ${two}`),
    ]);
  });

  it('wait with a large workload', () => {
    const { dialogue, two } = sessions();
    dialogue.lose(2);
    dialogue.play(`client > SUBMIT_JOB ${two} u ${'x'.repeat(100_000)}`);
    dialogue.regain(2);
    expect(dialogue.told()).toEqual(['to 2: FRAME 0 place 1 SUBMIT_JOB <100005 bytes>']);
    expect(dialogue.thread.blobKib).toBe(0);
  });

  it('are refused when it is away for too long; its workers are closed', () => {
    const { dialogue, two } = sessions();
    dialogue.lose(2);
    dialogue.play(`
      client > SUBMIT_JOB ${two} u data
      client > ECHO_REQ behind
      worker > CAN_DO ${two}
    `);
    dialogue.thread.advance(5000);
    dialogue.play(`
      other > (connect)
      client < ${QUEUE_ERROR}
      client < ECHO_RES behind
      worker < (closed)
      late > SUBMIT_JOB ${two} u data
      late < ${QUEUE_ERROR}
    `);
    expect(dialogue.told()).toEqual([]);
    dialogue.regain(2);
    dialogue.play(`client > SUBMIT_JOB ${two} u data`);
    expect(dialogue.told()).toHaveLength(1);
  });

  it('wait although it dies a second time before it ran', () => {
    const { dialogue, two } = sessions();
    dialogue.lose(2);
    dialogue.play(`client > SUBMIT_JOB ${two} u data`);
    dialogue.thread.advance(1000);
    dialogue.lose(2);
    dialogue.regain(2);
    expect(dialogue.told()).toHaveLength(1);
  });

  it('leave nothing behind when their connection ends', () => {
    const { dialogue, two } = sessions();
    dialogue.lose(2);
    dialogue.play(`
      client > SUBMIT_JOB ${two} u data
      client > (reset)
    `);
    dialogue.regain(2);
    // What came before a reset is handled, as always.
    expect(dialogue.told()).toHaveLength(2);
    expect(dialogue.thread.table.connectionCount).toBe(0);
  });

  it('do not wait where they had named it before', () => {
    const { dialogue, two, three } = sessions();
    dialogue.play(`
      before > CAN_DO ${two}
      stranger > CAN_DO ${three}
    `);
    dialogue.told();
    dialogue.lose(2);
    dialogue.play(`
      other > (connect)
      before < (closed)
    `);
  });

  it('close their connection at once without a store', () => {
    const { dialogue, two } = sessions({ restartWaitMs: 0 });
    dialogue.lose(2);
    dialogue.play(`
      client > SUBMIT_JOB ${two} u data
      client < (closed)
    `);
  });
});
