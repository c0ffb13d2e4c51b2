/**
 * Random holding, resuming and moving between two memory reactors: every frame is handled once, in order, whole, and
 * no blob is left over. A failure shows the seed.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Control, RowKind } from '../../../src/protocol/batch.ts';
import { CORPUS, digest, line, noise, type Sample, sample } from '../../parity/corpus.ts';
import { type Event, Host } from '../../parity/host.ts';
import { createMemoryReactor, type MemoryReactor } from '../../support/memory-reactor.ts';
import { MemoryRegistry, type MemorySocket } from '../../support/memory-socket.ts';
import { Random } from '../../support/random.ts';

type MemoryHost = Host<MemoryReactor>;

/** One connection with what it will send, and where it lives now. */
interface Peer {
  readonly socket: MemorySocket;
  readonly expected: readonly Sample[];
  bytes: Buffer;
  handled: string[];
  home: MemoryHost;
  conn: number;
  isHeld: boolean;
  isGone: boolean;
}

function samples(random: Random): Sample[] {
  return Array.from({ length: random.between(1, 12) }, () =>
    random.weighted<() => Sample>([
      [6, () => random.pick(CORPUS)],
      [2, () => line('x'.repeat(random.below(300)))],
      [2, () => sample(7, ['f', 'u'], noise(random.between(10_000, 30_000)))],
      [1, () => sample(16, [], noise(random.between(60_000, 250_000)))],
    ])(),
  );
}

const print = (type: number, head: string, data: string): string => `${type} ${head} ${data}`;
const printSample = ({ frame }: Sample): string => print(frame.type, frame.head, frame.data);

class World {
  readonly random: Random;
  readonly registry = new MemoryRegistry();
  readonly hosts: MemoryHost[];
  readonly peers: Peer[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
    this.hosts = [0, 1].map(() => {
      const host: MemoryHost = new Host((options) =>
        createMemoryReactor(options, { registry: this.registry }),
      );
      host.handle = (event) => this.#handle(host, event);
      return host;
    });
    for (let i = this.random.between(1, 3); i > 0; i--) this.#connect();
  }

  /** Peers push, turns run, connections are held, resumed and moved until everything was handled. */
  run(): void {
    for (let steps = 0; this.peers.some(({ isGone }) => !isGone); steps++) {
      if (steps > 20_000) throw new Error('nothing moves any more');
      const peer = this.random.pick(this.peers);
      if (this.random.oneIn(2)) this.#push(peer);
      else if (peer.isHeld) this.#release(peer);
      else this.random.pick(this.hosts).reactor.runTurn();
    }
  }

  #connect(): void {
    const home = this.random.pick(this.hosts);
    const conn = home.reactor.connect();
    const expected = samples(this.random);
    const bytes = Buffer.concat(expected.map((each) => each.bytes));
    const socket = home.reactor.socketOf(conn);
    const state = { handled: [], isHeld: false, isGone: false };
    this.peers.push({ socket, expected, bytes, home, conn, ...state });
  }

  #push(peer: Peer): void {
    const count = this.random.below(this.random.pick([20, 5000, 100_000]));
    peer.socket.push(peer.bytes.subarray(0, count));
    peer.bytes = peer.bytes.subarray(count);
    if (peer.bytes.length === 0) peer.socket.end();
  }

  #release(peer: Peer): void {
    peer.isHeld = false;
    if (this.random.oneIn(2)) {
      peer.home.reactor.resume(peer.conn);
      return;
    }
    const { fd, unread, unsent } = peer.home.reactor.detach(peer.conn);
    peer.home = this.hosts[1 - this.hosts.indexOf(peer.home)]!;
    peer.conn = peer.home.reactor.adopt(fd, unread, unsent);
  }

  #handle(host: MemoryHost, event: Event): void {
    if (event.type === RowKind.OPEN) return;
    const peer = this.peers.find((each) => each.home === host && each.conn === event.conn)!;
    if (event.type === RowKind.GONE) {
      peer.isGone = true;
      host.close(event.conn);
      return;
    }
    if (this.random.oneIn(5)) {
      peer.isHeld = true;
      host.hold(event);
      return;
    }
    peer.handled.push(this.#print(host.reactor, event));
  }

  #print(reactor: MemoryReactor, { type, text, dataBytes, blob }: Event): string {
    const bytes = Buffer.from(text, 'latin1');
    if (blob === 0) {
      const head = bytes.length - dataBytes;
      return print(type, digest(bytes.subarray(0, head)), digest(bytes.subarray(head)));
    }
    const data = new Uint8Array(dataBytes);
    reactor.blobRead(blob, 0, data, 0, dataBytes);
    reactor.blobRelease(blob);
    return print(type, digest(bytes), digest(data));
  }
}

test('every frame is handled once, in order and whole, wherever its connection moves', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const world = new World(seed);
      world.run();
      for (const { handled, expected } of world.peers) {
        expect(handled).toEqual(expected.map(printSample));
      }
      for (const { reactor } of world.hosts) expect(reactor.control[Control.BLOB_KIB]).toBe(0);
      for (const { reactor } of world.hosts) while (reactor.runTurn());
      expect(world.registry.count).toBe(0);
    }),
    { numRuns: 200 },
  );
});
