import { afterEach, expect, it } from 'vitest';
import { createReactor } from '../../../src/native/addon.ts';
import { RowKind } from '../../../src/protocol/batch.ts';
import { echo, Host } from '../../parity/host.ts';
import { Peer } from '../../parity/peer.ts';

const hosts: Host[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.reactor.destroy();
});

it('echoes', async () => {
  const host = new Host(createReactor, { outputBytesMax: 1 << 28 });
  hosts.push(host);
  host.handle = echo(host);
  const { port } = await host.reactor.listen({ host: '127.0.0.1', port: 0, backlog: 10 });
  const peer = await Peer.connect({ port, host: '127.0.0.1' });
  const bytes = Buffer.from('\0REQ\0\0\0\x10\0\0\0\x05hello', 'latin1');
  peer.write(bytes);
  expect(await peer.read(bytes.length)).toEqual(bytes);
  expect(host.said()[0]).toEqual('OPEN 127.0.0.1');
  const big = Buffer.alloc(12 + 100 * 1024 * 1024, 7);
  big.write('\0REQ\0\0\0\x10', 'latin1');
  big.writeUInt32BE(big.length - 12, 8);
  peer.write(big);
  const back = await peer.read(big.length);
  expect(Buffer.compare(back, big)).toBe(0);
  peer.socket.end();
  await host.until(() => host.count(RowKind.GONE) === 1);
  await peer.closed;
});
