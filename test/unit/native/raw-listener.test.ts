/** Raw listeners of the addon: a descriptor in a row, with the options of `--tcp-user-timeout` and keepalive. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import { expect, it } from 'vitest';
import { createReactor } from '../../../src/native/addon.ts';
import type { Reactor } from '../../../src/native/contract.ts';
import { ROW_INTS, Row, RowKind } from '../../../src/protocol/batch.ts';
import { describeAddon } from './support.ts';

const OPTIONS =
  'import socket;s=socket.socket(fileno=3);print(s.getsockopt(6,18),s.getsockopt(6,4),s.getsockopt(1,9))';

describeAddon('a raw listener', () => {
  it('gives the descriptor away, with its options set', async () => {
    let arrived: (row: Int32Array) => void = () => {};
    const row = new Promise<Int32Array>((resolve) => {
      arrived = resolve;
    });
    const reactor: Reactor = createReactor({
      hashSeed: 1,
      packetBytesMax: 8192,
      outputPauseBytes: 1 << 20,
      outputBytesMax: 1 << 20,
      keepalive: { idleSeconds: 77, intervalSeconds: -1, count: -1 },
      userTimeoutMs: 12_345,
      onTurn: (rowCount) => {
        if (rowCount > 0) arrived(reactor.rows.slice(0, ROW_INTS));
      },
      onListenError: () => {},
    });
    const { port } = await reactor.listen({ host: '127.0.0.1', port: 0, backlog: 5, isRaw: true });
    const peer = connect(port, '127.0.0.1');
    const fields = await row;
    expect([fields[Row.CONN], fields[Row.TYPE]]).toEqual([0, RowKind.ARRIVED]);
    const fd = fields[Row.HASH0] as number;
    const python = spawn('python3', ['-c', OPTIONS], { stdio: ['ignore', 'pipe', 'inherit', fd] });
    let text = '';
    for await (const part of python.stdout as NodeJS.ReadableStream) text += part;
    expect(text.trim()).toBe('12345 77 1');
    const ours = new Socket({ fd });
    ours.write('hello');
    expect(String((await once(peer, 'data'))[0])).toBe('hello');
    peer.destroy();
    ours.destroy();
    await reactor.destroy();
  });
});
