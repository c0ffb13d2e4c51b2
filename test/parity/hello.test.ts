/**
 * The first-message queue's look at a ClientHello and the door's, over whole, cut, mutated and random bytes: they must say the same.
 * Rule: a failure names its seed; `PARITY_SEED=n` runs that one, `PARITY_CASES=n` that many.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, it } from 'vitest';
import { AWAITS } from '../../src/native/addon-settings.ts';
import { bindings } from '../../src/native/bindings.ts';
import { type Look, lookAtHello } from '../../src/transport/tls/client-hello.ts';
import { helloOf } from '../support/hello.ts';
import { Random } from '../support/random.ts';
import { describeAddon } from '../unit/native/support.ts';

const CASES = Number(process.env.PARITY_CASES ?? 5_000);
const ONLY = process.env.PARITY_SEED;

function addonsLook(bytes: Uint8Array): Look {
  const look = bindings().lookAtFirst(AWAITS.tls, bytes);
  if (look === -1) return 'more';
  if (look === 0) return 'whole';
  return { wrong: (look & 0xff) as never, detail: look >> 8 };
}

function hello(random: Random): Buffer {
  return helloOf({
    version: random.oneIn(10) ? random.below(0x10000) : 0x0303,
    sessionId: random.bytes(random.oneIn(10) ? random.below(256) : random.pick([0, 32])),
    suites: random.bytes(random.oneIn(10) ? random.below(40) : 2 * random.between(1, 20)),
    methods: random.bytes(random.oneIn(10) ? random.below(4) : 1),
    extensions: random.oneIn(4) ? null : random.bytes(random.below(random.oneIn(5) ? 16_400 : 200)),
    rest: random.bytes(random.oneIn(10) ? random.below(4) : 0),
  });
}

function mutated(random: Random): Uint8Array {
  if (random.oneIn(10)) return random.bytes(random.below(300));
  const bytes = hello(random);
  for (let i = random.oneIn(2) ? 0 : random.between(1, 3); i > 0; i--)
    bytes[random.below(random.oneIn(2) ? 12 : bytes.length)] = random.below(256);
  if (random.oneIn(3)) return bytes.subarray(0, random.below(bytes.length + 1));
  return random.oneIn(5) ? Buffer.concat([bytes, random.bytes(random.below(50))]) : bytes;
}

/** What node:tls sends first. */
async function sentBy(options: object): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connectTls({ port, host: '127.0.0.1', ...options }).on('error', () => {});
  const [socket] = await once(server, 'connection');
  const [bytes] = await once(socket, 'data');
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

describeAddon('a look at a ClientHello', () => {
  it('is the same in the addon and in the TypeScript core', () => {
    const seen = new Map<string, number>();
    const seeds = ONLY === undefined ? Array.from({ length: CASES }, (_, i) => i) : [Number(ONLY)];
    for (const seed of seeds) {
      const bytes = mutated(new Random(seed));
      const look = lookAtHello(bytes);
      expect(addonsLook(bytes), `PARITY_SEED=${seed}`).toEqual(look);
      const kind = typeof look === 'string' ? look : `wrong ${look.wrong}`;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }
    // Every answer was among them.
    if (ONLY === undefined) expect(seen.size).toBe(9);
  });

  it.each([
    {},
    { servername: 'localhost', ALPNProtocols: ['h2', 'http/1.1'] },
    { maxVersion: 'TLSv1.2' },
    { minVersion: 'TLSv1.3' },
  ])('passes what real clients send: %j', async (options) => {
    const bytes = await sentBy(options);
    expect([lookAtHello(bytes), addonsLook(bytes)]).toEqual(['whole', 'whole']);
  });
});
