/**
 * Real sockets whose connections are held, resumed and moved at random: every frame is handled once, in order, whole.
 * The TypeScript core cannot give a connection away, so it holds only, and takes what the addon gives.
 */
import { afterEach, expect, test } from 'vitest';
import { Control, RowKind } from '../../src/protocol/batch.ts';
import { Random } from '../support/random.ts';
import { CORPUS, digest, line, noise, type Sample, sample } from './corpus.ts';
import { type Event, Host } from './host.ts';
import { Peer } from './peer.ts';
import { addon, type Implementation, typescriptCore } from './peers.ts';

const PEER_COUNT = 8;
const FRAME_COUNT = 40;
const DATA = noise(400_000);

/** One connection as its owner sees it. */
interface Client {
  readonly expected: string[];
  readonly handled: string[];
  host: Host;
  conn: number;
  isGone: boolean;
}

const hosts: Host[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.reactor.destroy();
});

function samples(random: Random): Sample[] {
  return Array.from({ length: FRAME_COUNT }, () =>
    random.weighted<() => Sample>([
      [6, () => random.pick(CORPUS)],
      [2, () => line('x'.repeat(random.below(300)))],
      [2, () => sample(7, ['f', 'u'], DATA.subarray(0, random.between(10_000, 30_000)))],
      [1, () => sample(16, [], DATA.subarray(0, random.between(60_000, 400_000)))],
    ])(),
  );
}

function print(host: Host, { type, text, dataBytes, blob }: Event): string {
  const bytes = Buffer.from(text, 'latin1');
  if (blob === 0) {
    const head = bytes.length - dataBytes;
    return `${type} ${digest(bytes.subarray(0, head))} ${digest(bytes.subarray(head))}`;
  }
  const data = new Uint8Array(dataBytes);
  host.reactor.blobRead(blob, 0, data, 0, dataBytes);
  host.reactor.blobRelease(blob);
  return `${type} ${digest(bytes)} ${digest(data)}`;
}

async function send(peer: Peer, bytes: Buffer, random: Random): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.below(random.pick([50, 5000, 100_000]));
    await new Promise<void>((resolve) =>
      peer.socket.write(bytes.subarray(at, end), () => resolve()),
    );
    await new Promise(setImmediate);
    at = end;
  }
  peer.socket.end();
}

/** `to`: where connections of `from` may move; the same when they only are held. */
async function play(from: Implementation, to: Implementation | null, seed: number): Promise<void> {
  const random = new Random(seed);
  const clients: Client[] = [];
  const first = new Host(from.createReactor);
  const homes = to === null ? [first] : [first, new Host(to.createReactor)];
  hosts.push(...homes);

  const goOn = (client: Client): void => {
    const { host, conn } = client;
    if (to === null || host.reactor.kind === 'twin' || random.oneIn(2)) {
      host.reactor.resume(conn);
      return;
    }
    const { fd, unread, unsent } = host.reactor.detach(conn);
    client.host = homes.find((each) => each !== host)!;
    client.conn = client.host.reactor.adopt(fd, unread, unsent);
  };
  for (const host of homes) {
    host.handle = (event) => {
      if (event.type === RowKind.OPEN) {
        const state = { expected: [], handled: [], isGone: false };
        clients.push({ ...state, host, conn: event.conn });
        return;
      }
      const client = clients.find((each) => each.host === host && each.conn === event.conn)!;
      if (event.type === RowKind.GONE) {
        client.isGone = true;
        host.close(event.conn);
      } else if (random.oneIn(6)) {
        host.hold(event);
        setImmediate(() => goOn(client));
      } else client.handled.push(print(host, event));
    };
  }

  const { port } = await first.reactor.listen({ host: '127.0.0.1', port: 0, backlog: 99 });
  const peers: Peer[] = [];
  for (let i = 0; i < PEER_COUNT; i++) {
    const peer = await Peer.connect({ port, host: '127.0.0.1' });
    await first.until(() => clients.length > i); // connections open in this order
    const all = samples(random);
    clients[i]!.expected.push(
      ...all.map(({ frame }) => `${frame.type} ${frame.head} ${frame.data}`),
    );
    peers.push(peer);
    void send(peer, Buffer.concat(all.map(({ bytes }) => bytes)), random);
  }
  await Promise.all(peers.map(({ closed }) => closed));
  for (const { handled, expected, isGone } of clients) {
    expect(handled).toEqual(expected);
    expect(isGone).toBe(true);
  }
  for (const { reactor } of homes) expect(reactor.control[Control.BLOB_KIB]).toBe(0);
}

const SEEDS = [1, 2, 3, 4, 5];

test.each(SEEDS)('the TypeScript core holds connections and loses nothing, seed %i', (seed) =>
  play(typescriptCore, null, seed),
);

test.skipIf(addon === null).each(SEEDS)('the addon holds and loses nothing, seed %i', (seed) =>
  play(addon!, null, seed),
);

test.skipIf(addon === null).each(SEEDS)('two addon reactors move connections, seed %i', (seed) =>
  play(addon!, addon, seed),
);

test.skipIf(addon === null).each(SEEDS)(
  'the TypeScript core takes what the addon gives, seed %i',
  (seed) => play(addon!, typescriptCore, seed),
);
