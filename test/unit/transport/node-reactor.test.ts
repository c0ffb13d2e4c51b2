/**
 * What the node:net reactor does beside the contract that the parity suite checks.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { RowKind } from '../../../src/protocol/batch.ts';
import { createNodeReactor, type NodeReactor } from '../../../src/transport/node-reactor.ts';
import { echo, Host } from '../../parity/host.ts';
import { Peer } from '../../parity/peer.ts';
import { onlyWhere } from '../../support/peers.ts';

const isLinux = onlyWhere(process.platform === 'linux', 'there is no /proc/net');

const LOCALHOST = { host: '127.0.0.1', port: 0, backlog: 511 };
const hosts: Host<NodeReactor>[] = [];

function start(options = {}): Host<NodeReactor> {
  const host = new Host(createNodeReactor, options);
  hosts.push(host);
  return host;
}

afterEach(async () => {
  for (const host of hosts.splice(0)) await host.reactor.destroy();
});

describe('the node:net reactor', () => {
  test('takes a socket that somebody else accepted', async () => {
    const host = start();
    host.handle = echo(host);
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      host.reactor.attach(socket, { address: '10.0.0.1', port: 5, listener: 77 });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as net.AddressInfo;
    const peer = await Peer.connect({ port, host: '127.0.0.1' });
    expect(await peer.write('over\n').text(5)).toBe('over\n');
    const { text, args } = host.events[0]!;
    expect([text, args[1], args[2]]).toEqual(['10.0.0.1', 5, 77]);
    server.close();
    peer.socket.destroy();
  });

  test('does not give connections away', () => {
    expect(() => start().reactor.detach(1)).toThrow('cannot leave its thread');
  });

  test('rejects a path in a folder that does not exist', async () => {
    const listening = start().reactor.listen({ path: '/nowhere/at/all', mode: 0o660, backlog: 1 });
    const code = await listening.catch((error) => error.code);
    expect(['ENOENT', 'EACCES']).toContain(code); // libuv says EACCES
  });

  test('rejects a listen that destroy overtakes', async () => {
    const { reactor } = start();
    const listening = reactor.listen({ ...LOCALHOST, host: 'localhost' });
    const outcome = listening.then(
      () => 'listening',
      (error) => error.code,
    );
    await reactor.destroy();
    expect(['listening', 'ECANCELED']).toContain(await outcome);
  });

  test.skipIf(!isLinux)('sets keepalive on what it accepts', async () => {
    const host = start({ keepalive: { idleSeconds: 60, intervalSeconds: -1, count: -1 } });
    host.handle = echo(host);
    const { port } = await host.reactor.listen(LOCALHOST);
    const peer = await Peer.connect({ port, host: '127.0.0.1' });
    expect(await peer.write('x\n').text(2)).toBe('x\n');
    const { remotePort, localPort } = peer.ports;
    // The timer of an idle socket is column 6 of this table, 02 when it is keepalive's; until all is acknowledged, 01.
    const hex = (n = 0): string => n.toString(16).toUpperCase().padStart(4, '0');
    const row = new RegExp(`:${hex(remotePort)} \\w+:${hex(localPort)} 01 \\w+:\\w+ 02:`);
    while (!row.test(readFileSync('/proc/net/tcp', 'latin1'))) await new Promise(setImmediate);
    peer.socket.destroy();
  });

  test('survives a thousand starts and stops', async () => {
    for (let i = 0; i < 1000; i++) {
      const host = new Host(createNodeReactor);
      const { port } = await host.reactor.listen(LOCALHOST);
      if (i % 50 === 0) {
        host.handle = echo(host);
        const peer = await Peer.connect({ port, host: '127.0.0.1' });
        expect(await peer.write('x\n').text(2)).toBe('x\n');
        await host.reactor.destroy();
        await peer.closed;
      } else await host.reactor.destroy();
    }
  });

  test('lets an exception of the callback through, sends nothing of that turn and stays closable', async () => {
    const host = start();
    const { port } = await host.reactor.listen(LOCALHOST);
    const peer = await Peer.connect({ port, host: '127.0.0.1' });
    await host.event(({ type }) => type === RowKind.OPEN);
    host.handle = ({ conn }) => {
      host.send(conn, 'half an answer');
      throw new Error('broken rule');
    };
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = once(process, 'uncaughtException');
    peer.write('x\n');
    const [error] = await thrown;
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect((error as Error).message).toBe('broken rule');
    await host.reactor.destroy();
    expect(await peer.rest()).toBe('');
  });
});
