/** Streams that become sessions: what the caller says of their peer holds, and nothing is taken from the stream. */
import { expect, test } from 'vitest';
import { type AccessRule, parseRule } from '../../../src/session/access.ts';
import { attach, attachInProcess, type StreamPeer } from '../../../src/shard/attach.ts';
import { InProcessStream } from '../../../src/transport/in-process/stream.ts';
import { OwnThread, type OwnThreadOptions } from '../../support/own-thread.ts';

const REMOTE: StreamPeer = {
  ...{ address: '10.0.0.1', port: 5, commonName: 'web-1' },
  ...{ isTrusted: false, isAdmitted: true },
};
/** Nobody may do anything without a token. */
const CLOSED = { access: [parseRule('token:ops=admin') as AccessRule] };
const REFUSED = 'ERR NOT_ALLOWED Not+allowed+for+this+identity\r\n';

/** Answer to a text command. */
async function ask(thread: OwnThread, stream: InProcessStream, line: string): Promise<string> {
  stream.write(`${line}\n`);
  thread.run();
  await new Promise(setImmediate);
  return String(stream.read());
}

function start(options: OwnThreadOptions = {}): { thread: OwnThread; stream: InProcessStream } {
  return { thread: new OwnThread(options), stream: new InProcessStream() };
}

test('a peer is listed as its caller says, and has the name of its certificate', async () => {
  const { thread, stream } = start();
  expect(attach(thread.core, stream, REMOTE)).toBe(true);
  expect(await ask(thread, stream, 'workers')).toMatch(/^\d+ 10\.0\.0\.1 - :\n\.\n$/);
  expect(thread.table.atSlot(0)?.commonName).toBe('web-1');
});

test('a stream has rights by rules alone, unless its caller trusts its peer', async () => {
  const { thread, stream } = start(CLOSED);
  attach(thread.core, stream, REMOTE);
  expect(await ask(thread, stream, 'status')).toBe(REFUSED);
  const trusted = new InProcessStream();
  attach(thread.core, trusted, { ...REMOTE, isTrusted: true });
  expect(await ask(thread, trusted, 'status')).toBe('.\n');
});

test('the program that embeds the server is trusted, requests of others that it carries are not', async () => {
  const { thread, stream } = start(CLOSED);
  attachInProcess(thread.core, stream, true);
  expect(await ask(thread, stream, 'status')).toBe('.\n');
  const others = new InProcessStream();
  attachInProcess(thread.core, others, false);
  expect(await ask(thread, others, 'status')).toBe(REFUSED);
});

test('a peer that was admitted before is not counted for its address again', () => {
  const { thread, stream } = start({ addressConnectionsMax: 1 });
  thread.table.addressCounts?.add(REMOTE.address, 0);
  expect(attach(thread.core, stream, REMOTE)).toBe(true);
  expect(thread.table.addressCounts?.of(REMOTE.address)).toBe(1);
  const second = { ...REMOTE, isAdmitted: false };
  expect(attach(thread.core, new InProcessStream(), second)).toBe(false);
  stream.destroy();
  thread.run();
  expect(thread.table.addressCounts?.of(REMOTE.address)).toBe(0);
  expect(attach(thread.core, new InProcessStream(), second)).toBe(true);
  expect(thread.table.addressCounts?.of(REMOTE.address)).toBe(1);
});

test('a stream for which there is no room has no session, and its peer sees the end', async () => {
  const { thread, stream } = start({ connectionsMax: 1 });
  attachInProcess(thread.core, stream, true);
  const second = new InProcessStream();
  const ended = new Promise((resolve) => second.on('end', resolve).resume());
  attachInProcess(thread.core, second, true);
  await ended;
  expect(thread.table.connectionCount).toBe(1);
  thread.run();
  expect(thread.warnings.join('\n')).toContain('refuse localhost: 1 connections, the limit');
});

test('a peer that has left already has no session', () => {
  const { thread, stream } = start();
  stream.destroy();
  attachInProcess(thread.core, stream, true);
  expect(thread.table.connectionCount).toBe(0);
});
