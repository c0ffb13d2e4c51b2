/** Lines of a real daemon's log in other forms than gearmand's. */
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { loadNative } from '../../../src/native/load.ts';
import { linesOf, runToEnd, scratch, startDaemon, useScratch } from './command.ts';

useScratch();

/** Sends bytes that are no Gearman and waits until the server has closed. Returns the port it came from. */
async function sendNonsense(port: number, bytes: Buffer): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  await new Promise((resolve) => socket.once('connect', resolve));
  const own = socket.localPort as number;
  socket.write(bytes);
  await new Promise((resolve) => socket.once('close', resolve));
  return own;
}

/** All sockets of the TypeScript core live in the main thread. */
const isTypescriptCore = loadNative().kind === 'twin';
const SECRET = 'workload-of-somebody';

describe.each([0, 1])('--log-format=json with %i shards', (threads) => {
  test('says of a dropped connection whose it was, and no byte of what it sent', async () => {
    const file = scratch('log');
    const words = ['--log-format=json', '--verbose=WARNING', '-l', file, '-t', String(threads)];
    const daemon = await startDaemon([...words, '--admin-from=any']);
    // A whole submit, so that the connection is where its function is, then nonsense.
    const submit = Buffer.from(`\0REQ\0\0\0\x12\0\0\0\x17f\0\0${SECRET}`, 'latin1');
    const own = await sendNonsense(daemon.port, Buffer.concat([submit, Buffer.alloc(32)]));
    daemon.kill('SIGTERM');
    await daemon.ended;
    const lines = linesOf(file);
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        severity: 'WARNING',
        reason: 'malformed',
        address: '127.0.0.1',
        port: own,
        thread: isTypescriptCore ? 0 : threads,
        pid: daemon.pid,
      }),
    );
    expect(lines.join('\n')).not.toContain(SECRET);
  });
});

describe('the environment', () => {
  test('is read by the command, and a wrong value refuses the start', async () => {
    const env = { GEARTRAIN_LOG_FORMAT: 'xml' };
    const { code, stderr } = await runToEnd(['--check-config'], { env });
    expect(code).toBe(1);
    expect(stderr).toContain('"xml" (GEARTRAIN_LOG_FORMAT) is not allowed');
  });

  test('shows in --check-config', async () => {
    const env = { GEARTRAIN_LOG_FORMAT: 'json' };
    const { code, stdout } = await runToEnd(['--check-config', '-p', '1'], { env });
    expect([code, stdout]).toEqual([
      0,
      'port = 1 (command line)\nlog-format = json (GEARTRAIN_LOG_FORMAT)\n',
    ]);
  });
});
