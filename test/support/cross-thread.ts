/**
 * One thread with peers of its own; the test plays the other threads: records to them are recorded as lines, records
 * from them are made by `hear`. Rule: as in a ring, records from one thread are handled in order, before the rows of
 * the turn.
 */
import { PACKET_NAMES } from '../../src/protocol/packet-columns.ts';
import { shardOfName } from '../../src/protocol/shard-of.ts';
import type { RingReader, RingWriter } from '../../src/ring/ring.ts';
import { RecordKind } from '../../src/session/cross-thread/records.ts';
import type { Session } from '../../src/session/session.ts';
import { MemoryDialogue } from './dialogue/memory.ts';
import type { OwnThreadOptions } from './own-thread.ts';
import { HASH_SEED } from './own-thread.ts';
import { toBytes } from './packet-text.ts';

type KindName = keyof typeof RecordKind;
const KIND_NAMES = Object.entries(RecordKind) as [KindName, number][];

export interface CrossThreadRecord {
  readonly to: number;
  readonly kind: KindName;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly payload: Buffer;
}

/** Writes records down when they are shown. */
class Writer {
  bytes = new Uint8Array(0);
  at = 0;
  overflowBytes = 0;
  sent = 0;
  #open: Omit<CrossThreadRecord, 'payload'> | null = null;
  #committed: CrossThreadRecord[] = [];
  readonly #to: number;
  readonly #shown: (record: CrossThreadRecord) => void;

  constructor(to: number, shown: (record: CrossThreadRecord) => void) {
    this.#to = to;
    this.#shown = shown;
  }

  begin(kind: number, a: number, b: number, c: number, d: number, byteCount: number): void {
    this.#commit();
    for (const word of [a, b, c, d])
      if (word !== (word | 0)) throw new Error(`begin a record: ${word} is no int32`);
    const name = KIND_NAMES.find(([, value]) => value === kind) as [KindName, number];
    // The payload never lies at the start of its memory, like in a ring.
    this.bytes = new Uint8Array(byteCount + 24).fill(0xee);
    this.at = 16;
    this.#open = { to: this.#to, kind: name[0], a, b, c, d };
  }

  #commit(): void {
    if (this.#open === null) return;
    const payload = Buffer.from(this.bytes.slice(this.at, this.bytes.length - 8));
    this.#committed.push({ ...this.#open, payload });
    this.#open = null;
    this.sent++;
  }

  publish(): void {
    this.#commit();
    for (const record of this.#committed) this.#shown(record);
    this.#committed = [];
  }
}

interface Heard {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly byteCount: number;
}

class Reader {
  received = 0;
  readonly queue: Heard[] = [];

  get isEmpty(): boolean {
    return this.queue.length === 0;
  }

  drain(recordsMax: number, handle: (record: Heard) => void): void {
    for (const record of this.queue.splice(0, recordsMax)) {
      this.received++;
      handle(record);
      // The ring's memory is used again.
      record.bytes.fill(0xdd);
    }
  }
}

export interface CrossThreadOptions extends OwnThreadOptions {
  readonly thread: number;
  readonly shardCount: number;
}

export class CrossThreadDialogue extends MemoryDialogue {
  /** Records that the thread has shown, oldest first. */
  readonly records: CrossThreadRecord[];
  /** Levels that other threads have published. */
  readonly levels: number[];
  /** The last values that this thread has published. */
  readonly published: { level: number; connections: number };
  readonly #readers: (Reader | null)[];
  readonly #writers: (Writer | null)[];
  readonly shardCount: number;

  constructor(options: CrossThreadOptions) {
    const { thread, shardCount } = options;
    const records: CrossThreadRecord[] = [];
    const levels: number[] = [];
    const published = { level: 0, connections: 0 };
    const writers: (Writer | null)[] = [];
    const readers: (Reader | null)[] = [];
    for (let other = 0; other <= shardCount; other++) {
      levels.push(0);
      const isSelf = other === thread;
      writers.push(isSelf ? null : new Writer(other, (record) => records.push(record)));
      readers.push(isSelf ? null : new Reader());
    }
    super({
      ...options,
      rings: {
        writers: writers as unknown as (RingWriter | null)[],
        readers: readers as unknown as (RingReader | null)[],
        epoch: 0,
        levelOf: (other) => levels[other] as number,
        publishLevel: (level) => {
          published.level = level;
        },
        connectionTotal: () => 0,
        publishCounts: (count) => {
          published.connections = count;
        },
      },
    });
    this.records = records;
    this.levels = levels;
    this.published = published;
    this.shardCount = shardCount;
    this.#writers = writers;
    this.#readers = readers;
  }

  /** A record from thread `from`, heard in the next turn; `heard` runs that turn. */
  send(
    from: number,
    kind: KindName,
    [a = 0, b = 0, c = 0, d = 0]: readonly number[],
    payload: Uint8Array | string = '',
  ): void {
    const bytes = new Uint8Array(toBytes(payload).length + 24).fill(0xee);
    bytes.set(toBytes(payload), 16);
    const byteCount = bytes.length - 24;
    const record = { kind: RecordKind[kind], a, b, c, d, bytes, at: 16, byteCount };
    (this.#readers[from] as Reader).queue.push(record);
    this.thread.reactor.requestTurn();
  }

  heard(...record: Parameters<CrossThreadDialogue['send']>): void {
    this.send(...record);
    this.thread.run();
  }

  /** Records since the last call, as lines, by thread: there is no order between two rings. */
  told(): string[] {
    const records = this.records.splice(0).sort((a, b) => a.to - b.to);
    return records.map((record) => this.#print(record));
  }

  /** Thread `other` is gone: no ring leads to it. */
  cut(other: number): void {
    this.#writers[other] = null;
  }

  /** Thread `other` has died. */
  lose(other: number): void {
    this.cut(other);
    this.thread.core.lose(other);
    this.thread.run();
  }

  /** It runs again. */
  regain(other: number): void {
    this.#writers[other] = new Writer(other, (record) => this.records.push(record));
    this.thread.core.regain(other);
    this.thread.run();
  }

  session(name: string): Session {
    const session = this.thread.table.live(this.peer(name).conn);
    if (session === null) throw new Error(`${name} has no session`);
    return session;
  }

  /** A function name that belongs to `owner`. */
  functionOf(owner: number, stem = 'f'): string {
    for (let i = 0; ; i++) {
      const name = `${stem}${i}`;
      if (shardOfName(toBytes(name), HASH_SEED, this.shardCount) === owner) return name;
    }
  }

  #print({ to, kind, a, b, c, payload }: CrossThreadRecord): string {
    const head = `to ${to}: ${kind}`;
    switch (kind) {
      case 'FRAME': {
        const replyId = b === 0 ? '' : ` place ${b}`;
        const name = PACKET_NAMES[c];
        return `${head} ${a & 0xfffff}${replyId} ${name}${payload.length > 0 ? ` ${visible(payload)}` : ''}`;
      }
      case 'REPLY':
        return `${head} ${a & 0xfffff} place ${b} ${packetText(payload)}`;
      case 'NOTIFY': {
        const copies = b === 1 ? '' : ` ${b} copies`;
        return `${head} ${a & 0xfffff}${copies} ${packetText(payload)}`;
      }
      case 'SLEEP':
      case 'WAKE':
        return `${head} ${a & 0xfffff} sleep ${b}`;
      case 'AWAKE':
      case 'GONE':
        return `${head} ${a & 0xfffff}`;
      case 'CLOSE':
        return `${head} ${a & 0xfffff} ${visible(payload)}`;
      case 'PEER':
        return `${head} ${a & 0xfffff}${['', ' parallel', ' attempts', ' parallel attempts'][b]} ${visible(payload)}`;
      case 'QUERY':
      case 'RESULT':
        return `${head} ${a} ${visible(payload)}`;
      case 'REVOKE':
        return `${head}${a === 1 ? ' late' : ''} serial ${b >>> 0}`;
      default:
        return head;
    }
  }
}

function visible(bytes: Buffer): string {
  if (bytes.length > 200) return `<${bytes.length} bytes>`;
  return bytes.toString('latin1').replace(/\0/g, '\\0').replace(/\n/g, '\\n');
}

/** Name and payload of one packet to a peer, which is all of `bytes`. */
function packetText(bytes: Buffer): string {
  const payload = bytes.subarray(12);
  const isWhole =
    bytes.toString('latin1', 0, 4) === '\0RES' && bytes.readUInt32BE(8) === payload.length;
  if (!isWhole) return `no packet: ${visible(bytes)}`;
  const name = PACKET_NAMES[bytes.readUInt32BE(4)] as string;
  return payload.length === 0 ? name : `${name} ${visible(payload)}`;
}
