/** Two real threads, both ways at once, over small rings: nothing lost, nothing out of order, no wake-up missed. */

import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { createRingSet } from '../../../src/ring/layout.ts';

const file = new URL('../../support/ring-worker.mjs', import.meta.url);

interface Report {
  readonly sleeps: number;
  readonly overflows: number;
  readonly sent: number;
  readonly received: number;
}

async function hammer(
  ringBytes: number,
  count: number,
  bursts: [number, number],
): Promise<Report[]> {
  const set = createRingSet(2, ringBytes, -512);
  const bells = new Int32Array(new SharedArrayBuffer(64));
  const channel = new MessageChannel();
  const ports = [channel.port1, channel.port2];
  const reports = [0, 1].map(async (self) => {
    const port = ports[self] as MessagePort;
    const worker = new Worker(file, {
      workerData: {
        set,
        bells,
        self,
        peer: 1 - self,
        count,
        seed: 7,
        burst: bursts[self],
        portIn: port,
        portOut: port,
      },
      transferList: [port],
    });
    const [report] = (await once(worker, 'message')) as [Report];
    await worker.terminate();
    return report;
  });
  return Promise.all(reports);
}

describe('ring between threads', () => {
  it.each([
    ['equal bursts in a tiny ring', 1024, 20_000, [20, 20]],
    ['a hasty and a slow writer', 4096, 30_000, [300, 1]],
    ['single records, so that both sleep often', 65536, 20_000, [1, 1]],
  ] as const)('carries everything in order with %s', async (_name, ringBytes, count, bursts) => {
    const reports = await hammer(ringBytes, count, [...bursts]);
    for (const { sent, received } of reports) expect([sent, received]).toEqual([count, count]);
    const sleeps = reports.reduce((sum, report) => sum + report.sleeps, 0);
    expect(sleeps).toBeGreaterThan(0);
    if (ringBytes > 4096) return;
    expect(reports.reduce((sum, report) => sum + report.overflows, 0)).toBeGreaterThan(0);
  });
});
