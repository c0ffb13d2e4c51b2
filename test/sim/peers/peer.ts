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
import { ownerOf } from '../server/inspect.ts';
import type { World } from '../server/world.ts';
import { ensure } from '../transcript.ts';
import type { Ledger } from './ledger.ts';
import { type Expectation, type Leave, PeerLink } from './link.ts';

/** What every peer is made with. */
export interface PeerContext {
  readonly world: World;
  readonly ledger: Ledger;
  readonly random: Random;
}

/** Whether an ERROR answers a WORK_ packet. */
export type Answered = 'must' | 'may' | 'never';

const WORK_ERRORS: Readonly<Record<string, string>> = {
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
    // However wide the window is: the output of one turn waits until its end.
    return this.world.plan.outputBytesMax < 1 << 20;
  }

  /** Does one thing, or nothing. */
  abstract act(): void;

  protected abstract onUnasked(packet: WirePacket): void;

  leave(how: Leave): void {
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
    const { named } = this.link;
    const shard = ownerOf(this.world, functionName);
    if (!named.has(shard)) named.set(shard, this.world.harmlessDeaths());
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

  #onClosed(): void {
    const { link, world } = this;
    const isOfDead = [...link.named].some(
      ([shard, harmless]) =>
        world.wasAbsentLong(shard) || world.deathsSince(harmless).some((it) => it.shard === shard),
    );
    const isShort = world.plan.memoryBytesMax > 0 && link.isBig;
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
