/**
 * A client or worker as the broker sees it: its thread and connection id, its functions, jobs and watches. Jobs name
 * peers by `index`, so that a job row needs no object. Source: docs/design.md, sections 1 and 4.
 */
import { Abilities } from './abilities.ts';
import type { Ability } from './ability.ts';
import type { LinkedPeer } from './functions.ts';
import type { LateAssignments } from './late.ts';

/** Wake state of a peer. `stuck`: woken, but did not come within the wake-up delay; no longer counted. */
export const Waking = { awake: 0, sleeping: 1, woken: 2, stuck: 3 } as const;
export type WakingState = (typeof Waking)[keyof typeof Waking];

export class Peer implements LinkedPeer {
  /** Number in the peer table; 0 = none. */
  readonly index: number;
  /** Thread where the connection lives, and its id there. */
  readonly thread: number;
  readonly conn: number;
  waking: WakingState = Waking.awake;
  /** Counts the peer's sleeps; a wake belongs to one of them. */
  sleepSerial = 0;
  /** Number of its last sleep, counted over all peers; a smaller number means that it has slept longer. */
  sleptAs = 0;
  /** It offers very many functions; these functions neither count it nor list it (waking.ts). */
  isManyFunction = false;
  abilities: Abilities | null = null;
  /** First of the jobs assigned to it, newest first, linked by NEXT and PREV. */
  heldJob = 0;
  /** The number of held jobs for each function index; null for most peers (held-counts.ts). */
  heldCounts: Map<number, number> | null = null;
  /** See `Outbox.nameOf`: of a peer of another thread, and of one whose connection has ended. */
  name = '';
  /** It has asked for a job while it held one, so it may run several at a time. */
  isParallel = false;
  /** It has asked for the number of the run in handles: OPTION_REQ `attempts`. */
  takesAttempts = false;
  /** Jobs lost to timeouts, by serial. */
  late: LateAssignments | null = null;
  /** The first of the jobs that it was the first to watch, linked by WATCH_NEXT and WATCH_PREV. */
  watchedJob = 0;
  /** Jobs that it watches but was not the first to watch. */
  extraWatches: Set<number> | null = null;
  /** Bytes that it makes this thread keep: itself, its offers and watches; not its jobs (see Account). */
  held = 0;
  /** Its connection, which lives in another thread, is being closed. */
  isClosing = false;

  constructor(index: number, thread: number, conn: number) {
    this.index = index;
    this.thread = thread;
    this.conn = conn;
  }

  /** The abilities of the peer. They are made at the first CAN_DO, because clients never need them. */
  offered(): Abilities {
    this.abilities ??= new Abilities(this);
    return this.abilities;
  }

  ability(functionIndex: number): Ability | undefined {
    return this.abilities?.get(functionIndex);
  }
}

/** Peers by index; index 0 is none. Freed indexes are used again. */
export class PeerTable {
  readonly #peers: (Peer | null)[] = [null];
  readonly #free: number[] = [];

  /** Adds the peer of connection `conn` in `thread`. */
  add(thread: number, conn: number): Peer {
    const index = this.#free.pop() ?? this.#peers.length;
    const peer = new Peer(index, thread, conn);
    this.#peers[index] = peer;
    return peer;
  }

  /** The peer of a job row's WATCHER or WORKER word; the index must be live. */
  at(index: number): Peer {
    return this.#peers[index] as Peer;
  }

  remove(peer: Peer): void {
    this.#peers[peer.index] = null;
    this.#free.push(peer.index);
  }

  get count(): number {
    return this.#peers.length - 1 - this.#free.length;
  }
}
