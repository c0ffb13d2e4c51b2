/**
 * State of a connection in the thread where it lives: options, offered functions, what owners in other threads know
 * about it, pending replies. One object for each connection; fields that few connections need start as null.
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

/** Memory of a connection that has asked for nothing: here, in the reactor, and as a peer in the table. */
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

/** How much a connection may still send now. */
export interface RateBudget {
  packets: number;
  bytes: number;
  /** Monotonic time of these figures. */
  atMs: number;
}

/** A GRAB that is passed from owner to owner. */
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
  /** Common name of the certificate that the peer has proved to own; such a connection never moves. */
  commonName: string | null = null;
  /** The token that the peer has shown: its name, a blank, its hash. */
  tokenKey: string | null = null;
  /** The peer is a part of the program that embeds the server. */
  isTrusted = false;
  /** Rights under the access rules, looked up at first use. */
  rights: Rights | null = null;
  takesExceptions = false;
  /** See `Peer.takesAttempts`. */
  takesAttempts = false;
  /** Its peer in this thread's broker; made at first use. */
  peer: Peer | null = null;
  abilities: SessionAbilities | null = null;

  /** Whether PRE_SLEEP has come since the last GRAB; the number of sleeps; whether NOOP was sent for the last one. */
  isAsleep = false;
  sleepSerial = 0;
  isNooped = false;
  /** Owners that know that the worker sleeps, and do not know yet that it is awake again. */
  asleepAt = NO_THREADS;

  /** How much it may still send; null without a limit. */
  rateBudget: RateBudget | null = null;
  replies: ReplyQueue | null = null;
  nextReplyId = 1;
  /** Bits of `Hold`. */
  holds = 0;
  /** The last turn in which reading it was paused; its later rows of that turn were un-read. */
  heldTurn = -1;
  /** It cannot move to another thread; functions of other threads are reached by ring. */
  stays = false;
  /** Steps that its frames have cost in turn number `stepsTurn` (turn-budget.ts). */
  steps = 0;
  stepsTurn = -1;
  /** A listing is being sent. */
  isListing = false;
  /** Input has ended: the connection is closed when its last reply has been sent. */
  isEnding = false;
  /** True when too much of its output waits: then it gets no more and is ended in the next turn. */
  isOverLimit = false;

  /**
   * Owners in other threads whose functions it has named (they get GONE), and those with unconfirmed records (echo
   * barrier).
   */
  owners = NO_THREADS;
  unconfirmedOwners = NO_THREADS;
  grab: GrabUnderWay | null = null;
  /** It has functions of several owners, and has asked one for a job while it held one: see `Peer.isParallel`. */
  isParallel = false;
  /** Jobs of other threads that it holds, by `crossThreadJobKey`, with the number of the run in their handles, 0 = none. */
  crossThreadJobs: Map<number, number> | null = null;
  /** Jobs of other threads that it lost to timeouts, by the same key. */
  lateJobs: LateAssignments | null = null;
  /** Handle of a job that ended with WORK_EXCEPTION: the WORK_FAIL that some workers send after it is ignored. */
  exceptionHandle: string | null = null;

  /** Account of the thread where it lives. */
  account: Account | null = null;
  /** Bytes that it makes this thread keep, without its unsent output and its part in the broker; see Account. */
  held = 0;

  constructor(conn: number, address: string, port: number) {
    this.conn = conn;
    this.address = address;
    this.port = port;
  }
}

/** Address and names of a connection, for the context of a log line. */
export function contextOf(session: Session): { [name: string]: string | number } {
  const { address, port, clientId } = session;
  const own = { address, port, connection: session.conn & SLOT_MASK };
  return clientId === null ? own : { ...own, clientId: latin1(clientId, 0, clientId.length) };
}

/** Address, port and client id in one line, Latin-1: `ADDRESS:PORT ID`. */
export function nameOf({ address, port, clientId }: Session): string {
  const place = port === 0 ? address : `${address}:${port}`;
  return clientId === null ? place : `${place} ${latin1(clientId, 0, clientId.length)}`;
}

/** Key of a job in another thread, below 2^53. The shard is below 32. */
export function crossThreadJobKey(shard: number, serial: number): number {
  // Of two jobs of one shard with the same key, the older has ended: a whole boot of serials lies between them.
  const inBoot = serial < SERIALS_PER_BOOT ? serial : serial % SERIALS_PER_BOOT;
  return inBoot * 32 + shard;
}
