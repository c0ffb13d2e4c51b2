/** Addresses of an embedded server: free ports, several listeners, IPv6, Unix sockets, what fails and how. */
import {
  existsSync,
  linkSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { portOf, useYard, variants } from '../../support/embedding/servers.ts';
import { onlyWhere } from '../../support/peers.ts';

const scratch = mkdtempSync(join(tmpdir(), 'geartrain-embedding-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Answer to a text command on a Unix socket. */
async function ask(path: string, line: string): Promise<string> {
  const socket = connect(path);
  socket.end(`${line}\n`);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

const isIpv6There = await new Promise<boolean>((resolve) => {
  const probe = createNetServer();
  probe.once('error', () => resolve(false));
  probe.listen(0, '::1', () => probe.close(() => resolve(true)));
});
const hasIpv6 = onlyWhere(isIpv6There, 'this machine has no ::1');

describe.each(variants())('listening, $label', (variant) => {
  const yard = useYard();

  it('chooses a free port for port 0 and tells it', async () => {
    const { server, port } = await yard().start(variant);
    expect(port).toBeGreaterThan(0);
    expect(server.address).toMatchObject({ host: '127.0.0.1', port });
    expect(server.addresses).toHaveLength(1);
    const peer = await yard().peer({ port }, 'peer');
    expect(await peer.command('version')).toMatch(/^OK 2\.0\.0\+geartrain\./);
  });

  it('has no address before it listens and none after it closed', async () => {
    const server = yard().create({ ...variantOptions(variant), port: 0, host: '127.0.0.1' });
    expect(server.address).toBeNull();
    expect(server.addresses).toEqual([]);
    await server.listen();
    expect(server.address).not.toBeNull();
    await server.close();
    expect(server.address).toBeNull();
    expect(server.addresses).toEqual([]);
  });

  it('listens on several addresses, asked for at once or one by one', async () => {
    const { server } = await yard().start(variant, {
      listen: ['127.0.0.1:0', '127.0.0.2:0'],
    });
    await server.listen({ host: '127.0.0.3', port: 0 });
    const hosts = server.addresses.map((address) => ('host' in address ? address.host : ''));
    expect(hosts).toEqual(['127.0.0.1', '127.0.0.2', '127.0.0.3']);
    for (const address of server.addresses) {
      if (!('port' in address)) throw new Error('an address without a port');
      const peer = await yard().peer(address, address.host);
      await peer.barrier();
    }
    expect((await server.stats()).connections).toBe(3);
  });

  it.skipIf(!hasIpv6)('listens on IPv6 and shows the whole address of a peer', async () => {
    const { server, port } = await yard().start(variant, { host: '::1' });
    expect(server.address).toMatchObject({ host: '::1', port });
    const peer = await yard().peer({ port, host: '::1' }, 'peer');
    expect((await peer.list('workers')).join('\n')).toMatch(/^\d+ ::1 - :/);
  });

  it('binds every address of a name to one port', async () => {
    const { server, port } = await yard().start(variant, { host: 'localhost' });
    for (const address of server.addresses) {
      expect(address).toMatchObject({ port });
      if (!('port' in address)) throw new Error('an address without a port');
      await (await yard().peer(address, address.host)).barrier();
    }
  });

  it('listens on a Unix socket with the mode of the options and removes it at the end', async () => {
    const path = join(scratch, `mode-${variant.label}`);
    const { server } = await yard().start(variant, {
      listen: `unix:${path}`,
      socketMode: 0o600,
    });
    expect(server.address).toEqual({ path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await ask(path, 'status')).toBe('.\n');
    await server.close();
    expect(existsSync(path)).toBe(false);
  });

  it('removes the socket file that a killed server left behind', async () => {
    const path = join(scratch, `stale-${variant.label}`);
    const killed = createNetServer();
    await new Promise<void>((resolve) => killed.listen(path, resolve));
    // The name is kept under another one while Node removes its own.
    linkSync(path, `${path}-kept`);
    await new Promise<void>((resolve) => killed.close(() => resolve()));
    renameSync(`${path}-kept`, path);
    expect(statSync(path).isSocket()).toBe(true);
    const { server } = await yard().start(variant);
    await server.listen({ path });
    expect(await ask(path, 'status')).toBe('.\n');
  });

  it('leaves the socket of a server that runs alone', async () => {
    const path = join(scratch, `served-${variant.label}`);
    const first = await yard().start(variant);
    await first.server.listen({ path });
    const second = await yard().start(variant);
    await expect(second.server.listen({ path })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(await ask(path, 'status')).toBe('.\n');
    await second.server.close();
    expect(existsSync(path)).toBe(true);
  });

  it('leaves a file that is no socket alone', async () => {
    const path = join(scratch, `file-${variant.label}`);
    writeFileSync(path, 'precious');
    const { server } = await yard().start(variant);
    await expect(server.listen({ path })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await server.close();
    expect(statSync(path).isFile()).toBe(true);
  });

  it('rejects with the code of the system and goes on', async () => {
    const { server, port } = await yard().start(variant);
    await expect(server.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await expect(server.listen({ host: '203.0.113.1', port: 0 })).rejects.toMatchObject({
      code: 'EADDRNOTAVAIL',
    });
    await expect(server.listen({ host: 'no-such-host.invalid', port: 0 })).rejects.toThrow(
      /no-such-host\.invalid/,
    );
    expect(server.addresses).toHaveLength(1);
    await (await yard().peer({ port }, 'peer')).barrier();
  });

  it('binds all addresses of a request or none', async () => {
    const taken = await yard().start(variant);
    const server = yard().create({
      ...variantOptions(variant),
      listen: ['127.0.0.2:0', `127.0.0.1:${portOf(taken.server)}`],
    });
    await expect(server.listen()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(server.addresses).toEqual([]);
    await taken.server.close();
    await server.listen();
    expect(server.addresses).toHaveLength(2);
  });

  it('refuses to listen once it has been closed', async () => {
    const { server } = await yard().start(variant);
    await server.close();
    await expect(server.listen()).rejects.toMatchObject({
      code: 'ERR_GEARTRAIN_CLOSED',
      message: 'listen: the server is closed',
    });
    expect(server.addresses).toEqual([]);
  });

  it('refuses to listen when it is closed meanwhile', async () => {
    const server = yard().create({ ...variantOptions(variant), port: 0, host: '127.0.0.1' });
    const listening = server.listen();
    const closed = server.close();
    await expect(listening).rejects.toMatchObject({ code: 'ERR_GEARTRAIN_CLOSED' });
    await closed;
    expect(server.addresses).toEqual([]);
  });
});

function variantOptions({ threads, native }: { threads: number; native: 'on' | 'off' }) {
  return { threads, native };
}
