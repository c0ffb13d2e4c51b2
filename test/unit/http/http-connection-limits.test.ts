/** Which connections of an HTTP port are kept; with a real server. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import {
  HttpConnectionLimits,
  type HttpConnectionLimitsOptions,
} from '../../../src/http/http-connection-limits.ts';

const tidying: (() => void)[] = [];
afterEach(() => {
  for (const tidy of tidying.splice(0).reverse()) tidy();
});

/** A port that answers every request, and what it has refused. */
async function open(options: Partial<HttpConnectionLimitsOptions>) {
  const refusals: string[] = [];
  const limits: HttpConnectionLimits = new HttpConnectionLimits({
    ...{ name: 'HTTP', connectionsMax: 0, peerConnectionsMax: 0 },
    refused: (reason, _address, _port, text) => void refusals.push(`${reason}: ${text}`),
    ...options,
  });
  const server = createServer((request, response) => {
    limits.requestIsWhole(request.socket);
    response.end('ok');
  });
  limits.guard(server);
  server.listen({ host: '127.0.0.1', port: 0 });
  tidying.push(() => server.close());
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, refusals };
}

/** A connection; `text` collects what it gets, `isClosed` tells whether it has ended. */
async function peer(port: number, bytes = '') {
  const socket: Socket = connect(port, '127.0.0.1');
  tidying.push(() => socket.destroy());
  const state = { socket, text: '', isClosed: false };
  socket.on('data', (chunk) => {
    state.text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    state.isClosed = true;
  });
  await once(socket, 'connect');
  if (bytes !== '') socket.write(bytes);
  return state;
}

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

it('ends the oldest of too many connections without a whole request, and none that had one', async () => {
  const { port, refusals } = await open({ unfinishedMax: 2 });
  const known = await peer(port, REQUEST);
  await vi.waitFor(() => expect(known.text).toContain('200 OK'));
  const [first, second] = [await peer(port, 'G'), await peer(port)];
  const third = await peer(port, 'GET / HTTP/1.1\r\nA: ');
  await vi.waitFor(() => expect(first.isClosed).toBe(true));
  expect(refusals).toEqual([
    expect.stringMatching(
      /^unfinished: refuse 127\.0\.0\.1:\d+: HTTP: 2 connections without a whole request, the limit$/,
    ),
  ]);
  for (const { socket } of [known, second]) socket.write(REQUEST);
  third.socket.write('b\r\nHost: c\r\n\r\n');
  await vi.waitFor(() => expect(known.text.match(/200 OK/g)).toHaveLength(2));
  await vi.waitFor(() => expect(second.text).toContain('200 OK'));
  await vi.waitFor(() => expect(third.text).toContain('200 OK'));
});

it.each([
  ['connections', { connectionsMax: 1 }, /HTTP: 1 connections, the limit$/],
  ['peerConnections', { peerConnectionsMax: 1 }, /it has 1 connections, the limit of one address$/],
])('refuses and reports a connection above %s', async (reason, options, text) => {
  const { port, refusals } = await open(options);
  const first = await peer(port, REQUEST);
  await vi.waitFor(() => expect(first.text).toContain('200 OK'));
  const second = await peer(port);
  await vi.waitFor(() => expect(second.isClosed).toBe(true));
  expect(refusals).toEqual([expect.stringMatching(text)]);
  expect(refusals[0]).toMatch(new RegExp(`^${reason}: refuse `));
  first.socket.destroy();
  // Its place is free as soon as its end was seen.
  await vi.waitFor(async () => {
    const third = await peer(port, REQUEST);
    await vi.waitFor(() => expect(third.text).toContain('200 OK'), 100);
  });
});

it.each([
  ['nonsense', 'nonsense\r\n\r\n', '400 Bad Request'],
  [
    'large headers',
    `GET / HTTP/1.1\r\nA: ${'a'.repeat(20_000)}\r\n`,
    '431 Request Header Fields Too Large',
  ],
])('answers %s as HTTP does', async (_name, bytes, answer) => {
  const { port } = await open({});
  const wrong = await peer(port, bytes);
  await vi.waitFor(() => expect(wrong.isClosed).toBe(true));
  expect(wrong.text).toBe(`HTTP/1.1 ${answer}\r\nConnection: close\r\n\r\n`);
});
