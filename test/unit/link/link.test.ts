/** One way to a job server: it comes back, waits at random, looks names up anew, and notices silence. */
import type { LookupFunction } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { endpointOf } from '../../../src/link/endpoint.ts';
import type { ConnectionError } from '../../../src/link/errors.ts';
import { type ConnectionChange, Link } from '../../../src/link/link.ts';
import { type ConnectionOptions, connectionSettings } from '../../../src/link/settings.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A link that writes down what it tells, and lets a test wait for it. */
class ToldLink {
  readonly link: Link;
  readonly changes: ConnectionChange[] = [];
  readonly lost: [string, number][] = [];
  readonly packets: number[] = [];
  #look: (() => void)[] = [];

  constructor(options: ConnectionOptions, random?: () => number) {
    const settings = connectionSettings(options);
    this.link = new Link(
      settings.endpoints[0] as ReturnType<typeof endpointOf>,
      settings,
      {
        greet: () => undefined,
        onReady: () => this.#tell(),
        onPacket: (type) => {
          this.packets.push(type);
          this.#tell();
        },
        onDrained: () => undefined,
        onLost: (error, sent) => {
          this.lost.push([error.code, sent]);
          this.#tell();
        },
        onFailed: () => this.#tell(),
        onChange: (change) => {
          this.changes.push(change);
          this.#tell();
        },
      },
      random,
    );
    open.push(() => this.link.close());
    this.link.start();
  }

  get errors(): ConnectionError[] {
    return this.changes.flatMap(({ error }) => (error === null ? [] : [error]));
  }

  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (isSo()) resolve();
        else this.#look.push(look);
      };
      look();
    });
  }

  #tell(): void {
    for (const look of this.#look.splice(0)) look();
  }
}

async function scripted(): Promise<ScriptedServer> {
  const server = await ScriptedServer.start();
  open.push(() => server.stop());
  return server;
}

/** A port of this machine on which nobody listens. */
async function deadPort(): Promise<number> {
  const server = await ScriptedServer.start();
  await server.stop();
  return server.port;
}

describe('a link', () => {
  it('is ready when the ECHO was answered, not when it is connected', async () => {
    const server = await scripted();
    const told = new ToldLink({ servers: [server.address] });
    const peer = await server.accept();
    const echo = await peer.expect('ECHO_REQ');
    expect([told.link.state, told.link.writer]).toEqual(['connecting', null]);
    peer.send('ECHO_RES', echo.payload);
    await told.until(() => told.link.state === 'ready');
    expect(told.changes.map(({ state }) => state)).toEqual(['connecting', 'ready']);
  });

  it('ignores an ERROR to its greeting: an old server may not know the option', async () => {
    const server = await scripted();
    const told = new ToldLink({ servers: [server.address] });
    const peer = await server.accept();
    const echo = await peer.expect('ECHO_REQ');
    peer.send('ERROR', 'unknown_option', 'x').send('ECHO_RES', echo.payload);
    await told.until(() => told.link.state === 'ready');
  });

  it('waits a random part of a time that doubles up to the limit, and begins anew when it was stable', async () => {
    const told = new ToldLink(
      { servers: [`127.0.0.1:${await deadPort()}`], backoff: { minMs: 2, maxMs: 10 } },
      () => 0.5,
    );
    await told.until(() => told.errors.length === 6);
    const waits = told.changes.flatMap(({ retryInMs }) => (retryInMs === null ? [] : [retryInMs]));
    expect(waits).toEqual([1, 2, 4, 5, 5, 5]);
    expect(told.errors[0]).toMatchObject({
      code: 'ERR_GEARMAN_CONNECT',
      cause: { code: 'ECONNREFUSED' },
    });
  });

  it('counts a connection that ends at once as a failure', async () => {
    const server = await scripted();
    const told = new ToldLink(
      { servers: [server.address], backoff: { minMs: 2, maxMs: 8 } },
      () => 0.5,
    );
    for (let i = 0; i < 4; i++) {
      const peer = await server.acceptReady();
      await told.until(() => told.link.state === 'ready');
      peer.close();
      await told.until(() => told.lost.length === i + 1);
    }
    const waits = told.changes.flatMap(({ retryInMs }) => (retryInMs === null ? [] : [retryInMs]));
    expect(waits).toEqual([1, 2, 4, 4]);
  });

  it('looks its name up for every connection, and follows it to another address', async () => {
    const servers = [await scripted(), await scripted()];
    const asked: string[] = [];
    // Both listen on loopback addresses of their own port; the name changes from a dead address to a living one.
    let isMoved = false;
    const lookup: LookupFunction = (name, options, done) => {
      asked.push(name);
      const address = isMoved ? '127.0.0.1' : '127.0.0.2';
      if (options.all) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    };
    const [, home] = servers as [ScriptedServer, ScriptedServer];
    const told = new ToldLink({
      servers: [`jobs.test:${home.port}`],
      backoff: { minMs: 1, maxMs: 2 },
      lookup,
    });
    await told.until(() => told.errors.length >= 2);
    expect(told.errors[0]?.message).toContain('127.0.0.2');
    isMoved = true;
    const peer = await home.acceptReady();
    await told.until(() => told.link.state === 'ready');
    const lookups = asked.length;
    peer.close();
    await home.acceptReady();
    expect(asked.length).toBeGreaterThan(lookups);
    expect(new Set(asked)).toEqual(new Set(['jobs.test']));
  });

  it('tells a name that cannot be found', async () => {
    const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND jobs.test'), {
      code: 'ENOTFOUND',
    });
    const told = new ToldLink({
      servers: ['jobs.test'],
      lookup: (_name, _options, done) => done(notFound, '', 4),
    });
    await told.until(() => told.errors.length === 1);
    expect(told.errors[0]).toMatchObject({ code: 'ERR_GEARMAN_CONNECT', cause: notFound });
  });

  it('gives up a server that accepts and never answers', async () => {
    const server = await scripted();
    const told = new ToldLink({
      servers: [server.address],
      connectTimeoutMs: 20,
      backoff: { minMs: 1, maxMs: 2 },
    });
    const peer = await server.accept();
    await peer.untilClosed();
    await told.until(() => told.errors.length >= 1);
    expect(told.errors[0]).toMatchObject({ code: 'ERR_GEARMAN_SILENT' });
    expect(told.lost).toEqual([]);
    const again = await server.acceptReady();
    await told.until(() => told.link.state === 'ready');
    again.close();
  });

  it('asks a silent server for an ECHO, and leaves it when that is not answered', async () => {
    const server = await scripted();
    const told = new ToldLink({
      servers: [server.address],
      keepaliveMs: 20,
      answerTimeoutMs: 200,
      backoff: { minMs: 1, maxMs: 2 },
    });
    const peer = await server.acceptReady();
    await told.until(() => told.link.state === 'ready');
    for (let i = 0; i < 3; i++) peer.send('ECHO_RES', (await peer.expect('ECHO_REQ')).payload);
    await peer.expect('ECHO_REQ');
    await peer.untilClosed();
    await told.until(() => told.lost.length === 1);
    expect(told.lost[0]?.[0]).toBe('ERR_GEARMAN_SILENT');
    expect(told.packets).toEqual([]);
  });

  it('stays with a server that takes a large request slowly', async () => {
    const server = await scripted();
    const told = new ToldLink({ servers: [server.address], keepaliveMs: 30, answerTimeoutMs: 120 });
    const peer = await server.acceptReady();
    await told.until(() => told.link.state === 'ready');
    peer.socket.pause();
    const writer = told.link.writer;
    writer?.open(7, 10);
    writer?.text('f');
    writer?.nul();
    writer?.nul();
    writer?.closeWith(new Uint8Array(24 << 20));
    told.link.flushSoon();
    // The server takes a bit at a time, for several times as long as silence is borne, and answers nothing.
    const startMs = performance.now();
    let taken = 0;
    peer.socket.on('data', (chunk) => {
      taken += chunk.length;
      if (performance.now() - startMs < 600 && taken < 20 << 20) {
        peer.socket.pause();
        setTimeout(() => peer.socket.resume(), 2);
      }
    });
    peer.socket.resume();
    await peer.until(() => peer.items.some((item) => item.name === 'SUBMIT_JOB'), 'the submit');
    expect(told.lost).toEqual([]);
  });

  it('tells how many requests had left when it was lost', async () => {
    const server = await scripted();
    const told = new ToldLink({ servers: [server.address] });
    const peer = await server.acceptReady();
    await told.until(() => told.link.state === 'ready');
    for (let i = 0; i < 3; i++) told.link.writer?.bare(4);
    told.link.flushSoon();
    await peer.until(() => peer.items.length === 3, 'three requests');
    told.link.writer?.bare(4);
    peer.close();
    await told.until(() => told.lost.length === 1);
    // The ECHO of the greeting is a request, too.
    expect(told.lost).toEqual([['ERR_GEARMAN_LOST', 4]]);
  });

  it('sends what was written before it leaves patiently', async () => {
    const server = await scripted();
    const told = new ToldLink({ servers: [server.address] });
    const peer = await server.acceptReady();
    await told.until(() => told.link.state === 'ready');
    const writer = told.link.writer;
    writer?.open(16, 10);
    writer?.closeWith(new Uint8Array(8 << 20));
    const left = told.link.close(true);
    const echo = await peer.expect('ECHO_REQ');
    expect(echo.payload.length).toBe(8 << 20);
    await left;
    expect(told.link.state).toBe('closed');
    expect(told.lost).toEqual([]);
  });

  it('closes while it connects and while it waits', async () => {
    const server = await scripted();
    const connecting = new ToldLink({ servers: [server.address] });
    await connecting.link.close();
    await connecting.link.close(true);
    const waiting = new ToldLink({ servers: [`127.0.0.1:${await deadPort()}`] });
    await waiting.until(() => waiting.link.state === 'waiting');
    await waiting.link.close();
    expect(waiting.link.state).toBe('closed');
  });
});
