/** What a peer can make a broker do, in steps: no time is measured, so a slow machine says the same. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Account } from '../../../src/base/account.ts';
import { Broker } from '../../../src/broker/broker.ts';
import type { Outbox } from '../../../src/broker/outbox.ts';
import type { Peer } from '../../../src/broker/peer.ts';
import type { BlobStore } from '../../../src/protocol/frame.ts';
import { Frame } from '../../../src/protocol/frame.ts';
import { HandleCodec } from '../../../src/protocol/handle.ts';
import { Packet } from '../../../src/protocol/packets.ts';

const SEED = 4711;
const FUNCTIONS = 30_000;
/** Of what costs only as much as finding the right function; far below a byte for each of the functions. */
const FEW_STEPS = 2000;
/** A slice, and the row on which it ends. */
const SLICE_STEPS = 20_000;
const TURN_STEPS = 220_000;

class Sink implements Outbox {
  bytes = new Uint8Array(1 << 17);
  at = 0;
  replies: number[] = [];
  wakes: Peer[] = [];
  reply(): void {
    this.replies.push(0);
  }
  notify(): number {
    return 1;
  }
  reserveReply(): number {
    return 1;
  }
  finishReply(): void {}
  wake(peer: Peer): void {
    this.wakes.push(peer);
  }
  revoke(): void {}
  close(_peer: Peer, reason: string): void {
    throw new Error(reason);
  }
  nameOf(): string {
    return '';
  }
  takesExceptions(): boolean {
    return false;
  }
  /** Type of the reply that was written last. */
  get type(): number {
    return this.bytes[this.at + 7] as number;
  }
}

class Scene {
  readonly sink = new Sink();
  readonly broker: Broker;
  readonly client: Peer;
  readonly #frame = new Frame();
  #conns = 0;
  #sleeps = 0;

  constructor() {
    const options = {
      thread: 0,
      hashSeed: SEED,
      lastSerial: 0,
      jobRetries: -1,
      functionsMax: 1_000_000,
      account: new Account(),
      log: { level: -1 as never, log: () => {} },
      wakesPerJob: 1,
      wakeupDelayMs: 100,
      isPriorityGlobal: true,
      isRotating: true,
      isRelaxed: false,
    };
    const blobs = { blobRelease() {}, blobRetain() {} } as unknown as BlobStore;
    const handles = new HandleCodec('H:t', 1, 0);
    this.broker = new Broker(options, this.sink, handles, blobs, { discard: null });
    this.broker.setTime(1000, 1e12);
    this.client = this.peer();
  }

  peer(): Peer {
    return this.broker.addPeer(0, ++this.#conns);
  }

  /** Plays one packet and returns what it cost. */
  play(peer: Peer, type: number, payload = ''): number {
    return this.cost(() => {
      const bytes = Buffer.from(payload, 'latin1');
      this.#frame.parse(peer.conn, type, bytes, 0, bytes.length, SEED);
      this.broker.onFrame(peer, this.#frame, 0);
    });
  }

  cost(act: () => void): number {
    this.broker.steps.count = 0;
    act();
    return this.broker.steps.count;
  }

  worker(functionCount = FUNCTIONS): Peer {
    const worker = this.peer();
    for (let i = 0; i < functionCount; i++) this.play(worker, Packet.CAN_DO, `f${i}`);
    return worker;
  }

  submit(name: string): number {
    return this.play(this.client, Packet.SUBMIT_JOB_BG, `${name}\0\0x`);
  }

  sleep(peer: Peer): number {
    return this.cost(() => this.broker.onSleep(peer, ++this.#sleeps));
  }

  /** Ticks until nothing is left; what each cost. */
  rest(): number[] {
    const costs: number[] = [];
    while (this.broker.isBehind) costs.push(this.cost(() => this.broker.onTick()));
    return costs;
  }

  fn(name: string) {
    const bytes = Buffer.from(name);
    const frame = this.#frame;
    frame.parse(0, Packet.CAN_DO, bytes, 0, bytes.length, SEED);
    const fn = this.broker.functions.find(bytes, 0, bytes.length, frame.hash0);
    if (fn === null) throw new Error(`${name} is not there`);
    return fn;
  }

  registrations(): number {
    let sum = 0;
    for (let i = 0; i < FUNCTIONS; i++) sum += this.fn(`f${i}`).registrations;
    return sum;
  }
}

describe('a worker of 30,000 functions', () => {
  let scene: Scene;
  let worker: Peer;
  beforeAll(() => {
    scene = new Scene();
    worker = scene.worker();
  });

  it.each([
    ['none of them has a job', 0],
    ['ten have jobs', 10],
    ['24,000 have jobs', 24_000],
  ])('changes and grabs in few steps when %s', (_name, served) => {
    for (let i = 0; i < served; i++) scene.submit(`f${i}`);
    scene.play(worker, Packet.GRAB_JOB);
    const costs: number[] = [];
    for (let i = 0; i < 200; i++) {
      const name = `f${25_000 + i}`;
      let cost = scene.play(worker, Packet.CANT_DO, name);
      cost += scene.play(worker, Packet.CAN_DO, name);
      cost += scene.play(worker, Packet.GRAB_JOB);
      costs.push(cost);
      expect(scene.sink.type).toBe(served > i + 1 ? Packet.JOB_ASSIGN : Packet.NO_JOB);
    }
    expect(Math.max(...costs)).toBeLessThan(FEW_STEPS);
  });

  it('takes CANT_DO in few steps however many jobs it holds, but for the first', () => {
    const scene = new Scene();
    const worker = scene.worker(3);
    for (let i = 0; i < 2000; i++) {
      scene.submit('f2');
      scene.play(worker, Packet.GRAB_JOB);
    }
    expect(scene.play(worker, Packet.CANT_DO, 'f0')).toBeGreaterThan(FEW_STEPS);
    expect(scene.play(worker, Packet.CANT_DO, 'f1')).toBeLessThan(FEW_STEPS);
    expect(scene.fn('f2').assigned).toBe(2000);
    scene.play(worker, Packet.CANT_DO, 'f2');
    expect(scene.fn('f2').assigned).toBe(0);
    expect(worker.heldCounts?.size).toBe(0);
  });

  it('goes to sleep and grabs in few steps; what others are to be woken for is found turn by turn', () => {
    // The other one sleeps, so whoever stops being woken has to look for what it may be woken for.
    const other = scene.worker(2000);
    scene.play(other, Packet.GRAB_JOB);
    const costs: number[] = [];
    for (let i = 0; i < 50; i++) {
      costs.push(scene.sleep(worker), scene.sleep(other), scene.play(worker, Packet.GRAB_JOB));
      costs.push(scene.play(other, Packet.GRAB_JOB));
    }
    expect(Math.max(...costs)).toBeLessThan(FEW_STEPS);
    scene.sink.wakes = [];
    scene.sleep(other);
    scene.sleep(worker);
    const ticks = scene.rest();
    expect(ticks.length).toBeGreaterThan(1);
    expect(Math.max(...ticks)).toBeLessThan(TURN_STEPS);
    expect(scene.sink.wakes.includes(worker)).toBe(true);
  });
});

describe('what goes on over turns', () => {
  it('is a RESET_ABILITIES of very many functions, of which nothing is served any more', () => {
    const scene = new Scene();
    const worker = scene.worker();
    scene.submit('f1');
    expect(scene.play(worker, Packet.RESET_ABILITIES)).toBeLessThan(SLICE_STEPS);
    scene.play(worker, Packet.GRAB_JOB);
    expect(scene.sink.type).toBe(Packet.NO_JOB);
    expect(scene.registrations()).toBeGreaterThan(20_000);
    scene.play(worker, Packet.CAN_DO, 'f1');
    const ticks = scene.rest();
    expect(ticks.length).toBeGreaterThan(1);
    expect(Math.max(...ticks)).toBeLessThan(TURN_STEPS);
    expect(scene.registrations()).toBe(1);
    expect(scene.fn('f1').manyFunction).toBeNull();
    scene.play(worker, Packet.GRAB_JOB);
    expect(scene.sink.type).toBe(Packet.JOB_ASSIGN);
  });

  it('is the end of a worker of very many functions that was woken: others are woken in its place', () => {
    const scene = new Scene();
    const worker = scene.worker();
    const other = scene.worker(2000);
    scene.sleep(worker);
    scene.sleep(other);
    scene.submit('f3');
    expect(scene.sink.wakes).toEqual([worker]);
    expect(scene.cost(() => scene.broker.onPeerGone(worker))).toBeLessThan(SLICE_STEPS);
    expect(scene.sink.wakes).toEqual([worker]);
    expect(Math.max(...scene.rest())).toBeLessThan(TURN_STEPS);
    expect(scene.sink.wakes).toEqual([worker, other]);
    expect(scene.registrations()).toBe(2000);
  });

  it('is the end of a client that waits for many jobs and of a worker that holds many', () => {
    const scene = new Scene();
    const worker = scene.worker(1);
    for (let i = 0; i < 20_000; i++) {
      scene.play(scene.client, Packet.SUBMIT_JOB, 'f0\0\0x');
      if (i % 2 === 0) scene.play(worker, Packet.GRAB_JOB);
    }
    const { client, broker } = scene;
    expect(scene.cost(() => broker.onPeerGone(client))).toBeLessThan(SLICE_STEPS);
    expect(scene.cost(() => broker.onPeerGone(worker))).toBeLessThan(SLICE_STEPS);
    expect(broker.jobs.table.count).toBeGreaterThan(15_000);
    expect(Math.max(...scene.rest())).toBeLessThan(TURN_STEPS);
    expect(broker.jobs.table.count).toBe(0);
    expect(broker.peers.count).toBe(0);
  });
});
