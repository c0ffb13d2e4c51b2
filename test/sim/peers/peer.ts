/**
 * What clients and workers have in common: a connection, a name, and requests that anybody may send between others.
 * Rule: a peer acts only when it is told to; what it hears changes only what it knows.
 */

import {
  type PacketName,
  request,
  type WireItem,
  type WirePacket,
} from '../../support/packet-text.ts';
import type { Random } from '../../support/random.ts';
import { ownerOf, registrationsOf } from '../inspect.ts';
import { ensure } from '../transcript.ts';
import type { World } from '../world.ts';
import type { Ledger } from './ledger.ts';
import { type Expectation, type Leave, PeerLink } from './link.ts';

/** What every peer is made with. */
export interface PeerContext {
  readonly world: World;
  readonly ledger: Ledger;
  readonly random: Random;
}

/** A line and how its answer looks; null for a listing. */
type Line = readonly [line: string, reply: RegExp | null];
/** Whether an ERROR answers a WORK_ packet. */
export type Answered = 'must' | 'may' | 'never';

/** Above the 4,096 replies that may wait for one connection. */
const FLOOD = 5000;

export const WORK_ERRORS: Readonly<Record<string, string>> = {
  WORK_COMPLETE: 'Job given in work result not found',
  WORK_FAIL: 'Job given in work result not found',
  WORK_STATUS: 'Job given in work result not found',
  WORK_DATA: 'Job does not exist on server',
  WORK_WARNING: 'Job does not exist on server',
  WORK_EXCEPTION: 'An exception was received for a job that does not exist',
};

export abstract class SimPeer {
  readonly link: PeerLink;
  protected readonly world: World;
  protected readonly ledger: Ledger;
  protected readonly random: Random;
  /** Registrations by function as the server must see them; what was sent last counts. */
  protected readonly offered = new Map<string, number>();
  /** Changes whenever `offered` does. */
  protected offeredSerial = 0;
  /** Whether WORK_EXCEPTION may come; null while it is being asked for. */
  protected takesExceptions: boolean | null;
  #tokens = 0;

  constructor(name: string, { world, ledger, random }: PeerContext) {
    this.world = world;
    this.ledger = ledger;
    this.random = random;
    this.takesExceptions = world.plan.exceptions;
    this.link = new PeerLink(
      name,
      world.connect(1000 + random.below(60000)),
      new Set(world.deaths.filter((death) => death.isOver)),
      world.transcript,
      { onUnasked: (packet) => this.onUnasked(packet), onClosed: () => this.#onClosed() },
    );
  }

  /** Whether more may wait for it than the server keeps for one peer. */
  get mayBeOverLimit(): boolean {
    const { windowBytes, outputBytesMax } = this.world.plan;
    return windowBytes < Number.POSITIVE_INFINITY && outputBytesMax < 1 << 20;
  }

  /** Does one thing, or nothing. */
  abstract act(): void;

  protected abstract onUnasked(packet: WirePacket): void;

  /** Asks more than the server lets wait for one connection. */
  flood(): void {
    for (let i = 0; i < FLOOD; i++) this.#askStatus();
  }

  leave(how: Leave): void {
    if (this.random.oneIn(4)) this.#askEcho();
    this.link.leave(this.link.isDeaf ? 'reset' : how, this.random.oneIn(3));
  }

  /** Sends a packet that owes no reply. */
  protected tell(name: PacketName, ...args: (string | Uint8Array)[]): void {
    this.link.send(request(name, ...args), null, label(name, args));
  }

  /** Sends a packet that owes a reply; `take` is told of it. */
  protected ask(
    name: PacketName,
    args: (string | Uint8Array)[],
    take: (reply: WirePacket) => boolean,
  ): void {
    const text = label(name, args);
    this.link.send(request(name, ...args), expectPacket(text, take), text);
  }

  /** WORK_ packet: `error` says whether an ERROR must, may or must not answer it. */
  protected tellWork(name: PacketName, args: (string | Uint8Array)[], error: Answered): void {
    this.sendWork(name, request(name, ...args), error, label(name, args));
  }

  protected sendWork(
    name: PacketName,
    bytes: Buffer,
    error: Answered,
    text = `short ${name}`,
  ): void {
    const isError = (reply: WirePacket) =>
      reply.name === 'ERROR' &&
      reply.payload.toString('latin1').endsWith(WORK_ERRORS[name] as string);
    const reply = error === 'never' ? null : expectPacket(text, isError, error === 'may');
    this.link.send(bytes, reply, text);
  }

  /** Some request that has nothing to do with what the peer does otherwise. */
  protected askSomething(): void {
    const { random } = this;
    const choice = random.weighted([
      [4, () => this.#askEcho()],
      [3, () => this.#askStatus()],
      [1, () => this.#askMuch()],
      [2, () => this.#askUnique()],
      [2, () => this.#askText()],
      [1, () => this.#askExceptions()],
      [1, () => this.tell('SET_CLIENT_ID', `peer ${random.below(10)}`)],
      [1, () => this.tell('ALL_YOURS')],
    ] as const);
    choice();
  }

  /** A word that no other packet of this simulation has. */
  protected token(): string {
    return `${this.link.name}.${++this.#tokens}`;
  }

  /** Bytes that begin with `head`; now and then many. */
  protected bytes(head: string): Buffer {
    const { random } = this;
    const { bigOneIn, ringBytes } = this.world.plan;
    const count = !random.oneIn(bigOneIn)
      ? random.below(80)
      : random.pick([ringBytes >> 3, ringBytes >> 2, 5000, 17_000, 30_000, 70_000, 140_000]);
    return Buffer.from(`${head}|`.padEnd(head.length + 1 + count, 'abcdefghij'), 'latin1');
  }

  /** Notes that the connection has named a function. */
  protected name(functionName: string): void {
    this.link.named.add(ownerOf(this.world, functionName));
  }

  #askEcho(): void {
    const data = this.bytes(this.token());
    const serial = this.offeredSerial;
    const offered = new Map(this.offered);
    this.ask('ECHO_REQ', [data], (reply) => {
      if (reply.name !== 'ECHO_RES' || !reply.data.equals(data)) return false;
      if (serial === this.offeredSerial && this.link.isUp) this.#checkFence(offered);
      return true;
    });
  }

  /** ECHO_RES promises that everything before has taken effect, at far owners as well. */
  #checkFence(offered: ReadonlyMap<string, number>): void {
    const { link, world } = this;
    if (link.socket.isClosed || world.deathsSince(link.deathsBefore).length > 0) return;
    const seen = registrationsOf(this.world, this.link.socket);
    const [wanted, found] = [offered, seen].map((map) => String([...map].sort()));
    ensure(
      wanted === found,
      () => `${this.link.name} has its echo, offers ${wanted}, registered ${found}`,
    );
  }

  #askStatus(): void {
    const { random, ledger } = this;
    const known = ledger.handles.length > 0 && !random.oneIn(8);
    const handle = known ? random.pick(ledger.handles.slice(-20)) : 'H:sim:ya.9.1.1';
    this.ask('GET_STATUS', [handle], (reply) => {
      const [echoed, ...numbers] = reply.args.map(String);
      return reply.name === 'STATUS_RES' && echoed === handle && numbers.length === 4;
    });
  }

  /** More questions at once than a small ring takes. */
  #askMuch(): void {
    for (let i = this.random.between(5, 40); i > 0; i--) this.#askStatus();
  }

  #askUnique(): void {
    const unique = `u${this.random.below(4)}`;
    this.ask('GET_STATUS_UNIQUE', [unique], (reply) => {
      const [echoed, ...numbers] = reply.args.map(String);
      return reply.name === 'STATUS_RES_UNIQUE' && echoed === unique && numbers.length === 5;
    });
  }

  #askExceptions(): void {
    if (this.takesExceptions === false) this.takesExceptions = null;
    this.ask('OPTION_REQ', ['exceptions'], (reply) => {
      this.takesExceptions = true;
      return reply.name === 'OPTION_RES' && reply.payload.toString() === 'exceptions';
    });
  }

  #askText(): void {
    const { random, ledger } = this;
    const fn = random.pick([...this.world.plan.functionNames, 'extra']);
    const line = random.weighted<() => Line>([
      [2, () => ['version', /^OK 2\.0\.0\+sim\n$/]],
      [2, () => ['STATUS', null]],
      [1, () => ['prioritystatus', null]],
      [1, () => ['workers', null]],
      [1, () => ['show jobs', null]],
      [1, () => ['show unique jobs', null]],
      [1, () => ['frobnicate', /^ERR UNKNOWN_COMMAND /]],
      [1, () => [`create function ${fn}`, /^OK\r\n$/]],
      [1, () => [`drop function ${fn}`, /^(OK|ERR .*)\r\n$/]],
      [1, () => this.#limit(fn)],
      [ledger.handles.length > 0 ? 2 : 0, () => this.#cancel()],
    ])();
    const [text, reply] = line;
    this.text(text, reply);
  }

  /** Sends a line; `reply` null stands for a listing. */
  protected text(line: string, reply: RegExp | null, use: (text: string) => void = () => {}): void {
    const end = this.random.pick(['\n', '\r\n']);
    this.link.send(
      Buffer.from(line + end, 'latin1'),
      {
        label: line,
        isOptional: false,
        text: reply === null ? 'listing' : 'line',
        take: (item) => {
          if (item.kind !== 'line' || reply?.test(item.text) === false) return false;
          use(item.text);
          return true;
        },
      },
      line,
    );
  }

  #limit(fn: string): Line {
    const limit = this.random.pick([0, 0, 8]);
    if (limit > 0) this.ledger.limited.add(fn);
    return [`maxqueue ${fn} ${limit}`, /^OK\r\n$/];
  }

  #cancel(): Line {
    const handle = this.random.pick(this.ledger.handles.slice(-10));
    this.ledger.cancelAsked(handle);
    return [`cancel job ${handle}`, /^(OK|ERR UNKNOWN_JOB)\r\n$/];
  }

  #onClosed(): void {
    const { link, world } = this;
    const isOfDead = world
      .deathsSince(link.deathsBefore)
      .some(({ shard }) => link.named.has(shard));
    const isShort = world.plan.memoryBytesMax > 0 && link.hasSentBig;
    if (isOfDead || isShort || this.mayBeOverLimit) return;
    ensure(link.leaving !== null, () => `${link.name} is closed without a reason`);
    // Whoever closes, or sends what is no packet, is answered all that came before.
    ensure(
      link.leaving === 'reset' || link.owed.length === 0,
      () => `${link.name} leaves by ${link.leaving}, no answer to ${link.owed[0]?.label}`,
    );
  }
}

function expectPacket(
  text: string,
  take: (reply: WirePacket) => boolean,
  isOptional = false,
): Expectation {
  return {
    label: text,
    isOptional,
    text: null,
    take: (item: WireItem) => item.kind === 'packet' && take(item),
  };
}

function label(name: PacketName, args: readonly (string | Uint8Array)[]): string {
  return [name, ...args.map((arg) => shortened(Buffer.from(arg as Uint8Array)))].join(' ');
}

function shortened(bytes: Buffer): string {
  const text = bytes.toString('latin1', 0, 40);
  return bytes.length > 40 ? `${text}...(${bytes.length})` : text || '""';
}
