/** Two streams that are one connection: order, back-pressure, half-closing, the end of one side. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createMemoryPair } from '../../../src/transport/memory-pair.ts';

describe('a pair of memory streams', () => {
  it('gives one side what the other writes, in order', async () => {
    const [ours, theirs] = createMemoryPair();
    const memory = Buffer.from('first');
    theirs.write(memory, () => memory.fill(0));
    theirs.end(' second');
    let text = '';
    for await (const chunk of ours) text += chunk;
    expect(text).toBe('first second');
  });

  it('holds a writer back until the reader reads', async () => {
    const [ours, theirs] = createMemoryPair();
    const chunk = Buffer.alloc(ours.readableHighWaterMark);
    let written = 0;
    for (let i = 0; i < 4; i++) theirs.write(chunk, () => written++);
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBeLessThan(2);
    ours.resume();
    await once(theirs, 'drain');
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBe(4);
  });

  it('lets our side answer behind the end of the other', async () => {
    const [ours, theirs] = createMemoryPair();
    theirs.end('question');
    ours.resume();
    await once(ours, 'end');
    ours.end('answer');
    let text = '';
    for await (const chunk of theirs) text += chunk;
    expect(text).toBe('answer');
  });

  it('ends the other side when one is destroyed, behind what was written', async () => {
    const [ours, theirs] = createMemoryPair();
    ours.write('last words');
    await new Promise((resolve) => setImmediate(resolve));
    ours.destroy();
    let text = '';
    for await (const chunk of theirs) text += chunk;
    expect([text, theirs.destroyed]).toEqual(['last words', true]);
  });

  it('takes writes to a side that is gone as done', async () => {
    const [ours, theirs] = createMemoryPair();
    theirs.destroy();
    await once(theirs, 'close');
    await new Promise<void>((resolve, reject) =>
      ours.write('to nobody', (error) => (error ? reject(error) : resolve())),
    );
    ours.destroy();
  });
});
