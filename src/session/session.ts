/**
 * What a connection's home thread remembers of it: options, what it offers, where it stands with far owners, replies
 * that wait. One object a connection; fields that few connections need start as null.
 */
import type { Account } from '../base/account.ts';
import { latin1 } from '../base/bytes.ts';
import type { LateAssignments } from '../broker/late.ts';
import type { Peer } from '../broker/peer.ts';
import { SLOT_MASK } from '../protocol/batch.ts';
import { SERIALS_PER_BOOT } from '../protocol/handle.ts';
import type { Rights } from './access.ts';
import type { ReplyQueue } from './reply-queue.ts';
import type { SessionAbilities } from './session-abilities.ts';
import { NO_THREADS, type ThreadSet } from './thread-set.ts';

/** What a connection costs without anything that it asks for: here, in the reactor, and as a peer of the table. */
export const SESSION_BYTES = 2048;

/** Why a connection's frames are held back; bits. */
export const Hold = {
  grab: 1,
  queue: 2,
  move: 4,
  listing: 8,
  search: 16,
  rateLimit: 32,
  restart: 64,
  output: 128,
  steps: 256,
} as const;

/** What a connection may still send now. */
export interface RateBudget {
  packets: number;
  bytes: number;
  /** Monotonic time of these figures. */
  atMs: number;
}

/** A GRAB that is asked around. */
export interface GrabUnderWay {
  readonly type: number;
  readonly replyId: number;
  /** Owners asked so far. */
  asked: ThreadSet;
}

export class Session {
  readonly conn: number;
  readonly address: string;
  readonly port: number;
  /** Bytes as sent, at most 127, without NUL; null shows as `-`. */
  clientId: Uint8Array | null = null;
  /** Common name of the certificate that the peer has proved; such a connection never moves. */
  commonName: string | null = null;
  /** Which token the peer has shown: its name, a blank, its hash. */
  tokenKey: string | null = null;
  /** A part of the program that the server runs in. */
  isTrusted = false;
  /** Looked up when first needed, where there are rules of access. */
  rights: Rights | null = null;
  takesExceptions = false;
  /** What the broker of this thread knows it as; made when first needed. */
  peer: Peer | null = null;
  abilities: SessionAbilities | null = null;

  /** PRE_SLEEP since the last GRAB; how many there were; NOOP sent for the last one. */
  isAsleep = false;
  sleepSerial = 0;
  isNooped = false;
  /** Owners that were told of a sleep and not yet that it is over. */
  asleepAt = NO_THREADS;

  /** Where there is a limit of what it may send. */
  rateBudget: RateBudget | null = null;
  replies: ReplyQueue | null = null;
  nextReplyId = 1;
  /** Bits of `Hold`. */
  holds = 0;
  /** Turn in which it was held: its other rows of that turn were un-read. */
  heldTurn = -1;
  /** It cannot move (any more): its functions are far for good. */
  stays = false;
  /** Steps that its frames have cost in turn number `stepsTurn` (turn-budget.ts). */
  steps = 0;
  stepsTurn = -1;
  /** A listing is under way. */
  isListing = false;
  /** Input is over: the connection is closed when its last reply has left. */
  isEnding = false;
  /** Too much of its output waits: it gets nothing more and ends with the next turn. */
  isOverLimit = false;

  /** Far owners that this connection has named (GONE goes to them), and those with unanswered records (FENCE). */
  owners = NO_THREADS;
  unconfirmedOwners = NO_THREADS;
  grab: GrabUnderWay | null = null;
  /** Far jobs that it holds, by `farJobKey`. */
  crossThreadJobs: Set<number> | null = null;
  /** Far jobs that it lost to its timeouts, by the same key. */
  lateJobs: LateAssignments | null = null;
  /** Handle whose job ended with WORK_EXCEPTION: the WORK_FAIL that some workers send behind it is swallowed. */
  exceptionHandle: string | null = null;

  /** Of the thread where it lives. */
  account: Account | null = null;
  /** Bytes that it makes this thread keep, without its unsent output and its part in the broker; see Account. */
  held = 0;

  constructor(conn: number, address: string, port: number) {
    this.conn = conn;
    this.address = address;
    this.port = port;
  }
}

/** Who a connection is, for the context of a log line. */
export function contextOf(session: Session): { [name: string]: string | number } {
  const { address, port, clientId } = session;
  const own = { address, port, connection: session.conn & SLOT_MASK };
  return clientId === null ? own : { ...own, clientId: latin1(clientId, 0, clientId.length) };
}

/** Key of a far job in `farJobs`: below 2^53. The shard is below 32. */
export function crossThreadJobKey(shard: number, serial: number): number {
  // Of two jobs of one shard with the same key, the older one is a boot of serials old: it has ended.
  const inBoot = serial < SERIALS_PER_BOOT ? serial : serial % SERIALS_PER_BOOT;
  return inBoot * 32 + shard;
}
