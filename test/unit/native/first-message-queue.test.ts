/** The addon's first-message queues: which peers are handed on, which are ended and how, with real sockets. */
import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import type {
  FirstMessageOptions,
  FirstMessagePeer,
  FirstMessageQueue,
} from '../../../src/native/contract.ts';
import { openFirstMessageQueue } from '../../../src/native/first-message-queue.ts';
import { helloOf } from '../../support/hello.ts';
import { requirePeer } from '../../support/peers.ts';
import { describeAddon, openDescriptors, socketOptions } from './support.ts';

const HEAD = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

const tidying: (() => unknown)[] = [];
afterEach(async () => {
  for (const tidy of tidying.splice(0).reverse()) await tidy();
});

/** A queue whose whole peers are read to their first bytes; `log` is what happened. */
async function open(
  options: Partial<FirstMessageOptions> = {},
  lets: (peer: FirstMessagePeer) => boolean = () => true,
) {
  const log: string[] = [];
  const peers: FirstMessagePeer[] = [];
  const whole: { text: string; socket: Socket; fd: number }[] = [];
  const queue: FirstMessageQueue = await openFirstMessageQueue(
    {
      ...{ host: '127.0.0.1', port: 0, backlog: 512, v6Only: true, awaits: 'http' },
      ...{ timeoutMs: 60_000, waitingMax: 100, keepalive: null, userTimeoutMs: 0 },
      ...options,
    } as FirstMessageOptions,
    {
      entered: (peer) => {
        peers.push(peer);
        return lets(peer);
      },
      whole: (peer, fd) => {
        log.push('whole');
        expect(peers).toContain(peer);
        const socket = new Socket({ fd, allowHalfOpen: true, readable: true, writable: true });
        const one = { text: '', socket, fd };
        whole.push(one);
        socket.on('error', () => {});
        socket.on('data', (data) => {
          one.text += data.toString('latin1');
        });
        tidying.push(() => socket.destroy());
      },
      ended: (_peer, end) => {
        log.push(end.kind === 'wrong' ? `wrong ${end.code} ${end.detail}` : end.kind);
      },
      acceptFailed: (code) => log.push(code),
    },
  );
  tidying.push(() => queue.close());
  return { queue, log, peers, whole };
}

/** A connected peer that has sent `bytes`; `text` and `end` are what it gets. */
async function peer(port: number, bytes: string | Uint8Array = '') {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const state = { socket, text: '', end: '' };
  tidying.push(() => socket.destroy());
  socket.on('data', (data) => {
    state.text += data.toString('latin1');
  });
  socket.on('end', () => {
    state.end ||= 'end';
    socket.end();
  });
  socket.on('error', () => {
    state.end ||= 'reset';
  });
  await once(socket, 'connect');
  if (bytes.length > 0) socket.write(bytes as Uint8Array);
  return state;
}

const settled = () => sleep(50);

describeAddon('a first-message queue', () => {
  it.each([
    ['a ClientHello', 'tls', helloOf()],
    ['a request', 'http', Buffer.from(HEAD)],
    ['a request with bare line feeds', 'http', Buffer.from('GET / HTTP/1.1\nHost: a\n\n')],
    ['a request behind empty lines', 'http', Buffer.from(`\r\n\n${HEAD}`)],
    [
      'a request with a small body',
      'http',
      Buffer.from('PUT / HTTP/1.1\r\ncontent-LENGTH:  3\r\n\r\nabc'),
    ],
  ] as const)('hands on %s: at once, in pieces, byte by byte', async (_what, awaits, bytes) => {
    const { queue, log, whole } = await open({ awaits });
    for (const step of [bytes.length, Math.ceil(bytes.length / 3), 1]) {
      const { socket } = await peer(queue.port);
      const count = whole.length;
      for (let at = 0; at < bytes.length; at += step) {
        expect(whole.length).toBe(count);
        socket.write(bytes.subarray(at, at + step));
        if (step > 1 || at > bytes.length - 3) await sleep(5);
      }
      await vi.waitFor(() => expect(whole[count]?.text).toBe(bytes.toString('latin1')));
    }
    expect(log).toEqual(['whole', 'whole', 'whole']);
  });

  it.each([
    ['a head that is too long', `GET / HTTP/1.1\r\nA: ${'a'.repeat(9_000)}`],
    ['a large body', 'PUT / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n'],
    [
      'a body that is asked for',
      'PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n',
    ],
    ['chunks', 'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ])('leaves %s to whoever reads it', async (_what, bytes) => {
    const { queue, whole } = await open();
    await peer(queue.port, bytes);
    await vi.waitFor(() => expect(whole[0]?.text).toBe(bytes));
  });

  it('hands on a peer that has ended behind its message', async () => {
    const { queue, whole } = await open();
    const { socket } = await peer(queue.port);
    socket.end(HEAD);
    await vi.waitFor(() => expect(whole[0]?.text).toBe(HEAD));
  });

  it.each([
    ['tls', 'GET / HTTP/1.1\r\n\r\n', 'wrong 6 0', ''],
    ['tls', '\0REQ', 'wrong 5 0', ''],
    ['tls', '\x16\x03\x01\xff\xff', 'wrong 1 65535', ''],
    ['http', '\x16\x03\x01', 'wrong 7 0', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
    [
      'http',
      'get / HTTP/1.1',
      'wrong 7 0',
      'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n',
    ],
    ['http', ` ${HEAD}`, 'wrong 7 0', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
    ['http', 'G'.repeat(100), 'wrong 7 0', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
  ] as const)('gives a clean end to what is no %s: %j', async (awaits, bytes, event, answer) => {
    const { queue, log } = await open({ awaits });
    const wrong = await peer(queue.port, Buffer.from(bytes, 'latin1'));
    // What comes behind makes no reset of it.
    wrong.socket.write('more');
    await vi.waitFor(() => expect(wrong).toMatchObject({ end: 'end', text: answer }));
    expect(log).toEqual([event]);
  });

  it.each([
    ['ends', '', (socket: Socket) => socket.end()],
    ['ends in the middle', 'GET ', (socket: Socket) => socket.end()],
    ['resets', '', (socket: Socket) => socket.resetAndDestroy()],
    ['resets in the middle', 'GET ', (socket: Socket) => socket.resetAndDestroy()],
    ['ends in its body', 'PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\n', (s: Socket) => s.end()],
  ])('forgets a peer that %s', async (_what, bytes, leave) => {
    const before = openDescriptors();
    const { queue, log } = await open();
    const { socket } = await peer(queue.port, bytes);
    await settled();
    leave(socket);
    await vi.waitFor(() => expect(log).toEqual(['left']));
    socket.destroy();
    await queue.close();
    await vi.waitFor(() => expect(openDescriptors()).toBe(before));
  });

  it('ends who is late, but not one whose body alone is missing', async () => {
    const { queue, log, whole } = await open({ timeoutMs: 200 });
    const silent = await peer(queue.port);
    const slow = await peer(queue.port, 'GET /');
    const head = 'PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\n';
    await peer(queue.port, head);
    const answer = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';
    for (const late of [silent, slow])
      await vi.waitFor(() => expect(late).toMatchObject({ end: 'end', text: answer }));
    await vi.waitFor(() => expect(whole[0]?.text).toBe(head));
    expect(log).toEqual(['late', 'late', 'whole']);
  });

  it('ends a late peer of TLS without a word', async () => {
    const { queue, log } = await open({ timeoutMs: 200, awaits: 'tls' });
    const slow = await peer(queue.port, Buffer.from([22, 3]));
    await vi.waitFor(() => expect(slow).toMatchObject({ end: 'end', text: '' }));
    expect(log).toEqual(['late']);
  });

  it('pushes out the oldest silent peers, and hears newcomers before', async () => {
    const { queue, log, whole } = await open({ waitingMax: 4 });
    const silent: Awaited<ReturnType<typeof peer>>[] = [];
    for (let i = 0; i < 6; i++) silent.push(await peer(queue.port));
    await vi.waitFor(() => expect(log).toEqual(['pushedOut', 'pushedOut']));
    await vi.waitFor(() =>
      expect(silent.map(({ end }) => end)).toEqual(['end', 'end', '', '', '', '']),
    );
    // Many at once, half of them honest: whoever spoke is served.
    const crowd = Array.from({ length: 40 }, (_, i) => {
      const socket = connect(queue.port, '127.0.0.1');
      socket.on('error', () => {});
      tidying.push(() => socket.destroy());
      if (i % 2 === 0) socket.write(HEAD);
      return socket;
    });
    await Promise.all(crowd.map((socket) => once(socket, 'connect').catch(() => {})));
    await vi.waitFor(() => expect(whole.length).toBeGreaterThanOrEqual(18));
    await vi.waitFor(() => expect(log.filter((event) => event === 'pushedOut')).toHaveLength(22));
    const late = await peer(queue.port, HEAD);
    await vi.waitFor(() => expect(whole.length).toBeGreaterThanOrEqual(19));
    expect(late.end).toBe('');
  });

  it('closes who is not let in, and hears nothing more of him', async () => {
    const { queue, log, peers } = await open({}, () => false);
    const refused = await peer(queue.port, HEAD);
    await vi.waitFor(() => expect(refused.end).not.toBe(''));
    expect([peers.length, peers[0]?.address, log]).toEqual([1, '127.0.0.1', []]);
  });

  it('closes everything when it is closed', async () => {
    const before = openDescriptors();
    const { queue, log } = await open();
    const { port } = queue;
    const waiting = await Promise.all(Array.from({ length: 10 }, () => peer(port, 'GET')));
    const refused = await peer(port, 'x');
    await settled();
    await queue.close();
    await queue.close();
    await vi.waitFor(() => expect(waiting.every(({ end }) => end !== '')).toBe(true));
    for (const { socket } of [...waiting, refused]) socket.destroy();
    await vi.waitFor(() => expect(openDescriptors()).toBe(before));
    expect(log).toEqual(['wrong 7 0']);
    // The port is free.
    await (await open({ port })).queue.close();
  });

  it('accepts nobody while it is paused, and hears who is there', async () => {
    const { queue, peers, whole } = await open();
    const there = await peer(queue.port);
    await vi.waitFor(() => expect(peers).toHaveLength(1));
    queue.pause(true);
    await peer(queue.port, HEAD);
    there.socket.write(HEAD);
    await vi.waitFor(() => expect(whole).toHaveLength(1));
    await settled();
    expect(peers).toHaveLength(1);
    queue.pause(false);
    await vi.waitFor(() => expect(whole).toHaveLength(2));
  });

  it('rejects when its port is taken', async () => {
    const { queue } = await open();
    await expect(open({ port: queue.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it.skipIf(!requirePeer('python'))('hands descriptors on with their options set', async () => {
    const keepalive = { idleSeconds: 77, intervalSeconds: -1, count: -1 };
    const { queue, whole } = await open({ keepalive, userTimeoutMs: 12_345 });
    await peer(queue.port, HEAD);
    await vi.waitFor(() => expect(whole).toHaveLength(1));
    expect(await socketOptions(whole[0]?.fd as number)).toBe('12345 77 1 1');
  });
});
