/**
 * A peer's end of one connection: bytes on their way in both directions, and the replies that the server owes.
 * Rule: every reply must answer the oldest request that waits; only NOOP and WORK_ packets may come unasked.
 */
import type { MemorySocket } from '../../support/memory-socket.ts';
import { packetOf, printItem, type WireItem, type WirePacket } from '../../support/packet-text.ts';
import type { Death } from '../server/world.ts';
import { ensure, type Transcript } from '../transcript.ts';

/** A connection that has sent, or was sent, so much may be the one that holds most when memory is full. */
const SENT_BYTES = 4096;
const RECEIVED_BYTES = 65_536;

/** A reply that is owed. */
export interface Expectation {
  /** The request, for messages. */
  readonly label: string;
  /** It may be left out: the ERROR for a result that came late. */
  readonly isOptional: boolean;
  /** How the reply looks when it is text. */
  readonly text: 'line' | 'listing' | null;
  /** Takes the reply; false when it does not answer this request. */
  take(item: WireItem): boolean;
}

export interface LinkEvents {
  onUnasked(packet: WirePacket): void;
  /** The server has closed the connection; `isRight` when the peer had left before. */
  onClosed(): void;
}

const UNASKED = new Set([
  'NOOP',
  'WORK_STATUS',
  'WORK_COMPLETE',
  'WORK_FAIL',
  'WORK_EXCEPTION',
  'WORK_DATA',
  'WORK_WARNING',
]);

export type Leave = 'reset' | 'end' | 'garbage';

export class PeerLink {
  readonly name: string;
  readonly socket: MemorySocket;
  readonly expected: Expectation[] = [];
  /** Shards whose functions this connection has named so far, with the deaths that were harmless by then. */
  readonly named = new Map<number, ReadonlySet<Death>>();
  /** Deaths of shards that were over before the connection was opened. */
  readonly deathsBefore: ReadonlySet<Death>;
  /** The peer has decided to leave. */
  leaving: Leave | null = null;
  isClosed = false;
  /** It does not read what the server sends. */
  isDeaf = false;
  /** It may be closed when memory is full. */
  isBig = false;
  readonly #events: LinkEvents;
  readonly #transcript: Transcript;
  #outgoing: Buffer[] = [];
  #incoming: Buffer = Buffer.alloc(0);
  #hasLeft = false;

  constructor(
    name: string,
    socket: MemorySocket,
    deathsBefore: ReadonlySet<Death>,
    transcript: Transcript,
    events: LinkEvents,
  ) {
    this.name = name;
    this.socket = socket;
    this.deathsBefore = deathsBefore;
    this.#transcript = transcript;
    this.#events = events;
  }

  /** Bytes wait to be delivered to the server, or the peer's end of the connection. */
  get hasOutgoing(): boolean {
    return !this.isClosed && !this.#hasLeft && (this.#outgoing.length > 0 || this.leaving !== null);
  }

  get hasIncoming(): boolean {
    if (this.isClosed || (this.isDeaf && !this.socket.isClosed)) return false;
    return this.socket.outbound.bytes > 0 || this.socket.isClosed;
  }

  /** Whether it is there and means to stay. */
  get isUp(): boolean {
    return !this.isClosed && this.leaving === null;
  }

  send(bytes: Buffer, reply: Expectation | null, label: string): void {
    if (!this.isUp) return;
    this.#transcript.add(() => `${this.name} > ${label}`);
    if (bytes.length > SENT_BYTES) this.isBig = true;
    this.#outgoing.push(bytes);
    if (reply !== null) this.expected.push(reply);
  }

  /** Leaves behind what was sent so far, or behind a part of it. */
  leave(how: Leave, isAbrupt: boolean): void {
    if (!this.isUp) return;
    this.#transcript.add(() => `${this.name} leaves by ${how}${isAbrupt ? ' at once' : ''}`);
    this.leaving = how;
    if (isAbrupt && how === 'reset') this.#outgoing = this.#outgoing.slice(0, 1);
    if (how === 'garbage') this.#outgoing.push(Buffer.from('\0BAD________', 'latin1'));
  }

  /** Delivers at most `bytesMax` to the server. */
  deliver(bytesMax: number): void {
    let left = bytesMax;
    while (left > 0 && this.#outgoing.length > 0) {
      const first = this.#outgoing[0] as Buffer;
      const part = first.subarray(0, left);
      left -= part.length;
      if (part.length === first.length) this.#outgoing.shift();
      else this.#outgoing[0] = first.subarray(part.length);
      this.socket.push(part);
    }
    if (this.#outgoing.length > 0 || this.leaving === null) return;
    this.#hasLeft = true;
    if (this.leaving === 'reset') this.socket.reset();
    else if (this.leaving === 'end') this.socket.end();
  }

  /** Reads all that the server has sent. */
  receive(): void {
    const bytes = this.socket.take();
    if (bytes.length > 0) {
      const fresh = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      if (fresh.length > RECEIVED_BYTES) this.isBig = true;
      this.#incoming = this.#incoming.length === 0 ? fresh : Buffer.concat([this.#incoming, fresh]);
      this.#cut();
    }
    if (!this.socket.isClosed || this.socket.outbound.bytes > 0) return;
    this.isClosed = true;
    this.#transcript.add(() => `${this.name} is closed by the server`);
    this.#events.onClosed();
  }

  /** Replies that must still come. */
  get owed(): Expectation[] {
    return this.expected.filter((expectation) => !expectation.isOptional);
  }

  #cut(): void {
    let at = 0;
    for (;;) {
      const rest = this.#incoming.subarray(at);
      const size = this.#itemBytes(rest);
      if (size === 0) break;
      at += size;
      this.#onItem(itemOf(rest.subarray(0, size)));
    }
    this.#incoming = Buffer.from(this.#incoming.subarray(at));
  }

  /** Bytes of the first item, 0 while it is incomplete. */
  #itemBytes(bytes: Buffer): number {
    if (bytes.length === 0) return 0;
    if (bytes[0] === 0) {
      if (bytes.length < 12) return 0;
      const size = 12 + bytes.readUInt32BE(8);
      return bytes.length < size ? 0 : size;
    }
    const front = this.expected.find((expectation) => expectation.text !== null);
    const text = bytes.toString('latin1');
    if (front?.text !== 'listing') return text.indexOf('\n') + 1;
    if (text.startsWith('.\n')) return 2;
    if (text.startsWith('ERR ')) return text.indexOf('\n') + 1;
    const end = text.indexOf('\n.\n');
    return end < 0 ? 0 : end + 3;
  }

  #onItem(item: WireItem): void {
    this.#transcript.add(() => `${this.name} < ${printItem(item)}`);
    if (item.kind === 'packet') {
      ensure(item.name !== 'TYPE_0', () => `${this.name}: a packet of type 0`);
      if (UNASKED.has(item.name)) {
        this.#events.onUnasked(item);
        return;
      }
    }
    for (;;) {
      const front = this.expected[0];
      ensure(front !== undefined, () => `${this.name} did not ask for ${printItem(item)}`);
      if (front.take(item)) break;
      ensure(
        front.isOptional,
        () => `${this.name} asked ${front.label} and is answered ${printItem(item)}`,
      );
      this.expected.shift();
    }
    this.expected.shift();
  }
}

function itemOf(bytes: Buffer): WireItem {
  if (bytes[0] !== 0) return { kind: 'line', text: bytes.toString('latin1') };
  ensure(bytes.toString('latin1', 1, 4) === 'RES', () => 'a packet without magic');
  return packetOf(bytes.readUInt32BE(4), bytes.subarray(12));
}
