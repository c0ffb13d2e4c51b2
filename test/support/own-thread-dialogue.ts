/**
 * Dialogues with one thread, written as they read: `plays` carries out the lines with `>`, and what the peers hear must
 * be exactly the lines with `<`, step by step. Handles are `#1`, `#2` in the order in which they become known.
 *
 *   client > SUBMIT_JOB rev u1 hi      send a packet (or `"status\n"`: bytes) and let the thread come to rest
 *   client >> SUBMIT_JOB rev u2 hi     the same, but only into the socket: it goes with the next line
 *   client < JOB_CREATED #1            the next thing that this peer hears; order matters for each peer
 *   client > (connect) (end) (reset)   `(closed)` is what a peer hears when the server closes
 *   + 100 ms, wall + 5000 ms           time passes; only the wall clock is set
 *   store commits                      an act of the test itself, given by that name
 *
 * Words are separated by blanks; `""` is empty, quoted ones know \0 \n \r \" \\ \xNN and `name*3` (repetition).
 */
import { expect } from 'vitest';
import { Flag } from '../../src/broker/jobs.ts';
import { HAS_DATA } from '../../src/protocol/packet-columns.ts';
import { Packet } from '../../src/protocol/packets.ts';
import { OwnThread, type OwnThreadOptions, peersOf } from './own-thread.ts';
import {
  type PacketName,
  packetOf,
  printBytes,
  rawPacket,
  request,
  toBytes,
} from './packet-text.ts';

const HANDLE = /^H:t:\d{21,34}$/;

/** Plays a dialogue on a new thread, then lets everyone go and looks whether anything is left behind. */
export function plays(
  script: string,
  options: OwnThreadOptions = {},
  acts: Readonly<Record<string, () => void>> = {},
): OwnThreadDialogue {
  const dialogue = new OwnThreadDialogue(options, acts);
  dialogue.play(script);
  dialogue.sweep();
  return dialogue;
}

interface OwnThreadPeer {
  readonly conn: number;
  /** Output that is no whole packet or line yet. */
  unread: Buffer;
  isClosed: boolean;
}

export class OwnThreadDialogue {
  readonly thread: OwnThread;
  readonly #peers = new Map<string, OwnThreadPeer>();
  /** Handles by their names, `#1` first. */
  readonly #handles: string[] = [];

  readonly #acts: Readonly<Record<string, () => void>>;

  readonly #window: { readonly windowBytes?: number };

  constructor(options: OwnThreadOptions = {}, acts: Readonly<Record<string, () => void>> = {}) {
    this.#acts = acts;
    const { windowBytes } = options;
    this.#window = windowBytes === undefined ? {} : { windowBytes };
    this.thread = new OwnThread(options);
  }

  /** Carries out `script` and compares what was said with it. */
  play(script: string): this {
    const lines = script
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('//'));
    const wanted: string[] = [];
    const found: string[] = [];
    for (let at = 0; at < lines.length; ) {
      const step = lines[at++] as string;
      const heard: string[] = [];
      while (at < lines.length && / < /.test(lines[at] as string))
        heard.push(lines[at++] as string);
      const isLater = this.#act(step);
      wanted.push(step, ...byPeer(heard));
      found.push(step, ...(isLater ? [] : byPeer(this.#listen())));
    }
    expect(found.map(tidy)).toEqual(wanted.map(tidy));
    return this;
  }

  /** The handle named `#n`. */
  handle(n: number): string {
    const handle = this.#handles[n - 1];
    if (handle === undefined) throw new Error(`handle #${n} is not known yet`);
    return handle;
  }

  /** Sends bytes as they are, without running a turn. */
  push(name: string, bytes: Uint8Array | string): void {
    this.thread.reactor.push(this.peer(name).conn, toBytes(bytes));
  }

  /** All bytes that `name` has heard and no line took. */
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

  /** The peer ends its connection and does not care for what it may still hear. */
  leave(name: string): void {
    const peer = this.peer(name);
    if (peer.isClosed) return;
    peer.isClosed = true;
    if (!this.thread.reactor.isClosed(peer.conn)) this.thread.reactor.end(peer.conn);
    this.thread.run();
    this.thread.reactor.take(peer.conn);
  }

  /** Ends all connections, has what is left run by a worker for everything, and looks for leaks. */
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

  /** Carries one line out; true when its effects come with a later line. */
  #act(line: string): boolean {
    const clock = /^(wall )?\+ ([\d.]+) ms$/.exec(line);
    if (clock !== null) {
      const ms = Number(clock[2]);
      if (clock[1] === undefined) this.thread.advance(ms);
      else this.thread.stepWall(ms);
      return false;
    }
    const act = this.#acts[line];
    if (act !== undefined) {
      act();
      this.thread.run();
      return false;
    }
    const parts = /^(\w+) (>>?) (.*)$/.exec(line);
    if (parts === null) throw new Error(`not a line of a dialogue: ${line}`);
    const [, name, arrow, what] = parts as unknown as [string, string, string, string];
    const { conn } = this.peer(name);
    if (what === '(end)') this.thread.reactor.end(conn);
    else if (what === '(reset)') this.thread.reactor.socketOf(conn).reset();
    else if (what !== '(connect)') this.thread.reactor.push(conn, this.#bytesOf(what));
    if (arrow === '>>') return true;
    this.thread.run();
    return false;
  }

  /** Bytes of a packet by name (`RES_` before it: with the magic of replies), of `TYPE_<n>`, or of a quoted text. */
  #bytesOf(what: string): Uint8Array {
    const words = wordsOf(what);
    const [head, ...args] = words.map((word) => this.#unquoted(word)) as [string, ...string[]];
    if ((words[0] as string).startsWith('"')) return toBytes(head);
    const raw = /^(RES_)?TYPE_(\d+)$/.exec(head);
    const magic = head.startsWith('RES_') ? '\0RES' : '\0REQ';
    if (raw !== null) return rawPacket(Number(raw[2]), args.join('\0'), { magic });
    const packet = request(head.replace(/^RES_/, '') as PacketName, ...args);
    packet.write(magic, 0, 'latin1');
    return packet;
  }

  #unquoted(word: string): string {
    const plain = word.startsWith('"')
      ? word.slice(1, -1).replace(/\\(0|n|r|x[0-9a-f]{2}|.)/g, (_, code: string) => unescaped(code))
      : word;
    const repeated = /^(.+)\*(\d+)$/.exec(word);
    if (repeated !== null && !word.startsWith('"'))
      return (repeated[1] as string).repeat(Number(repeated[2]));
    return plain.replace(/#(\d+)/g, (_, n: string) => this.handle(Number(n)));
  }

  /** What every peer has heard since the last time, as lines. */
  #listen(): string[] {
    const lines: string[] = [];
    for (const [name, peer] of this.#peers) {
      const { reactor } = this.thread;
      if (peer.isClosed) continue;
      const isClosed = reactor.isClosed(peer.conn);
      let bytes = Buffer.concat([peer.unread, Buffer.from(reactor.take(peer.conn))]);
      for (;;) {
        const length = itemLength(bytes);
        if (length === 0 || length > bytes.length) break;
        lines.push(`${name} < ${this.#print(bytes.subarray(0, length))}`);
        bytes = bytes.subarray(length);
      }
      peer.unread = bytes;
      // Taking the last output lets a lingering connection close.
      if (!isClosed && !reactor.isClosed(peer.conn)) continue;
      peer.isClosed = true;
      lines.push(`${name} < (closed)`);
    }
    this.thread.run();
    return lines;
  }

  #print(bytes: Buffer): string {
    if (bytes[0] !== 0) return this.#printed(bytes, true);
    expect(bytes.toString('latin1', 0, 4)).toBe('\0RES');
    const packet = packetOf(bytes.readUInt32BE(4), bytes.subarray(12));
    const words = packet.args.map((arg) => this.#printed(arg, false));
    if (HAS_DATA[packet.type] === 1) words.push(this.#printed(packet.data, false));
    return [packet.name, ...words].join(' ');
  }

  #printed(bytes: Buffer, isQuoted: boolean): string {
    const text = bytes.toString('latin1');
    if (HANDLE.test(text) && !isQuoted) {
      if (!this.#handles.includes(text)) this.#handles.push(text);
      return `#${this.#handles.indexOf(text) + 1}`;
    }
    const named = text.replace(/H:t:\d{21,34}/g, (handle) => {
      const n = this.#handles.indexOf(handle);
      return n < 0 ? handle : `#${n + 1}`;
    });
    if (/^[\w:.@/#*+-]{1,120}$/.test(named) && !isQuoted) return named;
    const printed = printBytes(Buffer.from(named, 'latin1'));
    return printed.startsWith('"') || printed.startsWith('<') ? printed : `"${printed}"`;
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

/** Bytes of the packet or line that begins `bytes`; 0 = not known yet. */
function itemLength(bytes: Buffer): number {
  if (bytes.length === 0) return 0;
  if (bytes[0] !== 0) return bytes.indexOf(10) + 1;
  return bytes.length < 12 ? 0 : 12 + bytes.readUInt32BE(8);
}

/** Words at blanks, quoted ones with their quotes. */
function wordsOf(text: string): string[] {
  return text.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
}

function unescaped(code: string): string {
  if (code === '0') return '\0';
  if (code === 'n') return '\n';
  if (code === 'r') return '\r';
  return code.startsWith('x') ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : code;
}

/** Blanks do not matter, so that lines can be aligned; `\x00` is written `\0`, repetitions in full. */
function tidy(line: string): string {
  return wordsOf(line)
    .map((word) => {
      const repeated = /^([^"]+)\*(\d+)$/.exec(word);
      if (repeated !== null) return printBytes((repeated[1] as string).repeat(Number(repeated[2])));
      return word.replace(/\\x00/g, '\\0');
    })
    .join(' ');
}

/** Lines of one peer together, in their order. */
function byPeer(lines: string[]): string[] {
  const nameOf = (line: string): string => line.slice(0, line.indexOf(' '));
  const names = [...new Set(lines.map(nameOf))].sort();
  return names.flatMap((name) => lines.filter((line) => nameOf(line) === name));
}
