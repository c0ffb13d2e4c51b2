/**
 * Dialogues with one thread in memory (format: `dialogue/script.ts`). Rule: after each step the thread runs until it
 * is idle, so output that is missing then never comes. Extensions: `wall + 5000 ms` sets the wall clock, and a line
 * may be an act of the test itself, given by its text.
 */
import { expect } from 'vitest';
import { Flag } from '../../../src/broker/jobs.ts';
import { Packet } from '../../../src/protocol/packets.ts';
import { OwnThread, type OwnThreadOptions, peersOf } from '../own-thread.ts';
import { itemLength, itemOf, packetOf, rawPacket, toBytes } from '../packet-text.ts';
import { compare, type Heard, heardEnd, heardItem } from './compare.ts';
import { Names } from './names.ts';
import { type PeerStep, type Step, stepsOf } from './script.ts';
import { bytesOf } from './words.ts';

/** Plays a dialogue on a new thread, then ends all connections and checks for leaks. */
export function plays(
  script: string,
  options: OwnThreadOptions = {},
  acts: Readonly<Record<string, () => void>> = {},
): MemoryDialogue {
  const dialogue = new MemoryDialogue(options, acts);
  dialogue.play(script);
  dialogue.sweep();
  return dialogue;
}

interface OwnThreadPeer {
  readonly conn: number;
  /** Output that is not a complete packet or line yet. */
  unread: Buffer;
  isClosed: boolean;
}

export class MemoryDialogue {
  readonly thread: OwnThread;
  readonly names = new Names({ version: '2.0.0+test', pid: '4242' });
  readonly #peers = new Map<string, OwnThreadPeer>();
  readonly #acts: Readonly<Record<string, () => void>>;
  readonly #window: { readonly windowBytes?: number };

  constructor(options: OwnThreadOptions = {}, acts: Readonly<Record<string, () => void>> = {}) {
    this.#acts = acts;
    const { windowBytes } = options;
    this.#window = windowBytes === undefined ? {} : { windowBytes };
    this.thread = new OwnThread(options);
  }

  /** Runs `script` and compares the output with it. */
  play(script: string): this {
    const lines = script.split('\n').map((line, at) => ({
      text: line.trim(),
      place: `line ${at + 1}`,
    }));
    for (const step of stepsOf(lines)) compare(step, this.carryOut(step), this.names);
    return this;
  }

  /** Runs `step`; returns everything that the peers received since. */
  carryOut(step: Step): Heard[] {
    if (step.kind === 'clock') {
      if (step.isWallOnly) this.thread.stepWall(step.ms);
      else this.thread.advance(step.ms);
    } else if (step.kind === 'own') {
      const act = this.#acts[step.line.text];
      if (act === undefined) {
        throw new Error(`${step.line.place}: not a line of a dialogue: ${step.line.text}`);
      }
      act();
      this.thread.run();
    } else {
      this.#act(step);
      if (step.isLater) return [];
      this.thread.run();
    }
    return this.#listen();
  }

  /** The handle named `#n`. */
  handle(n: number): string {
    return this.names.valueOf(String(n));
  }

  /** Sends bytes as they are, without running a turn. */
  push(name: string, bytes: Uint8Array | string): void {
    this.thread.reactor.push(this.peer(name).conn, toBytes(bytes));
  }

  /** All bytes that `name` received and no line took. */
  take(name: string): Buffer {
    return Buffer.from(this.thread.reactor.take(this.peer(name).conn));
  }

  peer(name: string): OwnThreadPeer {
    const known = this.#peers.get(name);
    if (known !== undefined) return known;
    const conn = this.thread.reactor.connect({ port: 1000 + this.#peers.size, ...this.#window });
    const peer = { conn, unread: Buffer.alloc(0), isClosed: false };
    this.#peers.set(name, peer);
    return peer;
  }

  /** The peer ends its connection and ignores further output. */
  leave(name: string): void {
    const peer = this.peer(name);
    if (peer.isClosed) return;
    peer.isClosed = true;
    if (!this.thread.reactor.isClosed(peer.conn)) this.thread.reactor.end(peer.conn);
    this.thread.run();
    this.thread.reactor.take(peer.conn);
  }

  /** Ends all connections, lets a worker of all functions run the remaining jobs, and checks for leaks. */
  sweep(): void {
    const { thread } = this;
    for (const name of this.#peers.keys()) this.leave(name);
    thread.run();
    runLeftovers(thread);
    const { broker, table } = thread;
    expect({
      connections: table.connectionCount,
      peers: peersOf(broker).length,
      jobs: broker.jobs.table.count,
      scheduled: broker.jobs.scheduled.size,
      deadlines: broker.jobs.deadlines.size,
      indexed: broker.uniques.count,
      blocks: broker.jobs.slab.usedBlocks,
      blobKib: thread.blobKib,
      openSockets: thread.reactor.registry.count,
    }).toEqual({
      connections: 0,
      peers: 0,
      jobs: 0,
      scheduled: 0,
      deadlines: 0,
      indexed: 0,
      blocks: 0,
      blobKib: 0,
      openSockets: 0,
    });
    for (let index = 1; index < broker.functions.indexEnd; index++) {
      const fn = broker.functions.at(index);
      if (fn === null) continue;
      const { total, assigned, runnable, registrations, woken, sleeping } = fn;
      expect({ total, assigned, runnable, registrations, woken, sleeping }).toEqual({
        total: 0,
        assigned: 0,
        runnable: 0,
        registrations: 0,
        woken: 0,
        sleeping: 0,
      });
    }
  }

  #act({ peer: name, act }: PeerStep): void {
    const { conn } = this.peer(name);
    const { reactor } = this.thread;
    if (act.kind === 'end') reactor.end(conn);
    else if (act.kind === 'reset') reactor.socketOf(conn).reset();
    else if (act.kind === 'send') {
      const bytes = bytesOf(act.words, this.names);
      if (!act.isBytewise) reactor.push(conn, bytes);
      else {
        for (const byte of bytes) {
          reactor.push(conn, Buffer.of(byte));
          this.thread.run();
        }
      }
    }
  }

  /** Everything that the peers received since the last call. */
  #listen(): Heard[] {
    const heard: Heard[] = [];
    for (const [name, peer] of this.#peers) {
      const { reactor } = this.thread;
      if (peer.isClosed) continue;
      const isClosed = reactor.isClosed(peer.conn);
      let bytes = Buffer.concat([peer.unread, Buffer.from(reactor.take(peer.conn))]);
      for (;;) {
        const length = itemLength(bytes);
        if (length === 0 || length > bytes.length) break;
        const item = itemOf(bytes.subarray(0, length));
        if (typeof item === 'string') throw new Error(`${name}: ${item}`);
        heard.push(heardItem(name, item));
        bytes = bytes.subarray(length);
      }
      peer.unread = bytes;
      // Taking the last output lets a lingering connection close.
      if (!isClosed && !reactor.isClosed(peer.conn)) continue;
      peer.isClosed = true;
      heard.push(heardEnd(name));
    }
    this.thread.run();
    return heard;
  }
}

/** Runs every job that is left, past and future, so that only leaks remain. */
function runLeftovers(thread: OwnThread): void {
  const { broker, reactor } = thread;
  if (broker.jobs.table.count === 0) return;
  thread.stepWall(2 ** 50);
  thread.advance(1000);
  const conn = reactor.connect({});
  for (let index = 1; index < broker.functions.indexEnd; index++) {
    const fn = broker.functions.at(index);
    if (fn !== null) reactor.push(conn, rawPacket(Packet.CAN_DO, fn.name));
  }
  while (broker.jobs.table.count > 0) {
    reactor.push(conn, rawPacket(Packet.GRAB_JOB));
    thread.run();
    const [packet] = [packetAt(Buffer.from(reactor.take(conn)))];
    if (packet.name !== 'JOB_ASSIGN') throw new Error(`left behind: ${describeJobs(thread)}`);
    reactor.push(conn, rawPacket(Packet.WORK_COMPLETE, `${packet.args[0]?.toString('latin1')}\0`));
    thread.run();
  }
  reactor.end(conn);
  thread.run();
}

function packetAt(bytes: Buffer) {
  return packetOf(bytes.readUInt32BE(4), bytes.subarray(12, 12 + bytes.readUInt32BE(8)));
}

function describeJobs({ broker }: OwnThread): string {
  const found: string[] = [];
  for (let job = broker.jobs.table.next(0); job !== 0; job = broker.jobs.table.next(job))
    found.push(`job ${job} in state ${broker.jobs.word(job, 2) & Flag.STATE}`);
  return found.join(', ');
}
