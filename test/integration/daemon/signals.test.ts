/** How the command gearmand ends, and what the other signals do. */
import { existsSync, renameSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { untilRefused } from '../../support/servers.ts';
import { WireConnection } from '../../support/wire.ts';
import { ask, linesOf, scratch, startDaemon, useScratch } from './command.ts';

useScratch();

const peer = (port: number, name: string): Promise<WireConnection> =>
  WireConnection.connect({ port, name, transcript: null });

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test.each(['0', '1'])('ends in good order with exit code 0, --threads %s', async (threads) => {
    const daemon = await startDaemon(['-t', threads, '--verbose', 'INFO']);
    const client = await peer(daemon.port, 'client');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'f', '', 'x');
    daemon.kill(signal);
    await client.untilClosed();
    expect(await daemon.ended).toEqual({ code: 0, signal: null });
    expect(daemon.stderr()).toContain(`${signal}, shutting down`);
    expect(daemon.stderr()).toContain('shutdown complete');
  });
});

const OWED_BYTES = 30 * 1024 * 1024;

/** A client to whom the server owes most of a long answer, which it does not read yet. */
async function deafClient(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const header = Buffer.from('\0REQ\0\0\0\x10\0\0\0\0', 'latin1');
  header.writeUInt32BE(OWED_BYTES, 8);
  socket.write(header);
  socket.write(Buffer.alloc(OWED_BYTES));
  // The first bytes of the answer are here, so the whole request has arrived there.
  await new Promise<void>((resolve) => socket.once('readable', () => resolve()));
  return socket;
}

test('TERM still sends what is owed to those who read', async () => {
  const daemon = await startDaemon(['--verbose', 'INFO']);
  const client = await deafClient(daemon.port);
  daemon.kill('SIGTERM');
  await daemon.until(/SIGTERM, shutting down/);
  let gotBytes = 0;
  client.on('data', (chunk) => {
    gotBytes += chunk.length;
  });
  await new Promise<void>((resolve) => client.once('close', () => resolve()));
  expect(gotBytes).toBe(OWED_BYTES + 12);
  expect(await daemon.ended).toEqual({ code: 0, signal: null });
});

test('a second TERM exits without waiting for those who do not read', async () => {
  const daemon = await startDaemon(['--verbose', 'INFO']);
  const client = await deafClient(daemon.port);
  daemon.kill('SIGTERM');
  await daemon.until(/SIGTERM, shutting down/);
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toEqual({ code: 0, signal: null });
  expect(daemon.stderr()).not.toContain('shutdown complete');
  client.destroy();
});

describe('USR1', () => {
  test('ends a server without jobs at once', async () => {
    const daemon = await startDaemon();
    daemon.kill('SIGUSR1');
    expect(await daemon.ended).toEqual({ code: 0, signal: null });
    expect(daemon.stderr()).not.toContain('Debugger');
  });

  test.each(['0', '2'])(
    'waits for the last job and refuses new connections, --threads %s',
    async (threads) => {
      const daemon = await startDaemon(['-t', threads]);
      const [client, worker] = [
        await peer(daemon.port, 'client'),
        await peer(daemon.port, 'worker'),
      ];
      worker.send('CAN_DO', 'f');
      await worker.barrier();
      await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', 'x');
      daemon.kill('SIGUSR1');
      await untilRefused(daemon.port);
      const job = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
      worker.send('WORK_COMPLETE', job.args[0] ?? '', 'done');
      expect(await daemon.ended).toEqual({ code: 0, signal: null });
    },
  );

  test('TERM ends the waiting', async () => {
    const daemon = await startDaemon(['--verbose', 'INFO']);
    const client = await peer(daemon.port, 'client');
    await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f', '', 'x');
    daemon.kill('SIGUSR1');
    await daemon.until(/SIGUSR1, shutting down after the last job/);
    daemon.kill('SIGTERM');
    expect(await daemon.ended).toEqual({ code: 0, signal: null });
  });
});

describe('HUP', () => {
  test('opens the log file anew', async () => {
    const log = scratch('log');
    const daemon = await startDaemon(['-l', log, '--verbose', 'INFO']);
    const before = linesOf(log);
    expect(before.join('\n')).toMatch(
      /^ {3}INFO \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \[ {2}main \] geartrain /m,
    );
    renameSync(log, `${log}.1`);
    daemon.kill('SIGHUP');
    while (!existsSync(log) || linesOf(log).length === 0) await ask('version', daemon.port);
    expect(linesOf(log)).toEqual([' NOTICE SIGHUP, reopening log file']);
    daemon.kill('SIGTERM');
    await daemon.ended;
    expect(linesOf(`${log}.1`)).toEqual(before);
    expect(linesOf(log).at(-1)).toMatch(/shutdown complete$/);
  });

  test.each(['stderr', 'none'])('with --log-file %s makes no file', async (name) => {
    const daemon = await startDaemon(['-l', name, '--verbose', 'DEBUG']);
    daemon.kill('SIGHUP');
    expect(await ask('status', daemon.port)).toBe('.\n');
    daemon.kill('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    expect(existsSync(scratch(name))).toBe(false);
    expect(daemon.stderr()).not.toContain('reopening');
    if (name === 'none') expect(daemon.stderr()).toBe('');
  });
});

test('PIPE is ignored', async () => {
  const daemon = await startDaemon();
  daemon.kill('SIGPIPE');
  expect(await ask('status', daemon.port)).toBe('.\n');
});

test('an error of our own ends with a FATAL line and exit code 1', async () => {
  const bomb = 'process.on("SIGUSR2",()=>{throw(new(Error)("test-of-the-end"))})';
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(bomb)}` };
  const daemon = await startDaemon(['-P', scratch('pid')], { env });
  daemon.kill('SIGUSR2');
  expect(await daemon.ended).toEqual({ code: 1, signal: null });
  expect(daemon.stderr()).toMatch(/^ {2}FATAL .*test-of-the-end.* -> gearmand$/m);
  expect(existsSync(scratch('pid'))).toBe(false);
});
