/**
 * The peers that wait for each job, and how often: a peer that submits the same unique again has one more subscription.
 * The first subscription of a job is in its row and in the peer's own list; further ones, which are rare, are in a side
 * map. Rule: except `forEach` and `dropAll`, the cost of an operation does not depend on the number of other peers of
 * the job.
 */
import type { Account } from '../base/account.ts';
import { Flag, type JobRows } from './job-rows.ts';
import { Job } from './job-table.ts';
import { Kept } from './kept.ts';
import type { Peer, PeerTable } from './peer.ts';

/** Subscriptions of one peer to one job. Each gets a copy of every packet of the worker. */
export const SUBSCRIPTIONS_MAX = 1024;

/** Subscriptions after the first one. */
interface More {
  /** By peer, the latest subscriber last. */
  readonly counts: Map<Peer, number>;
  total: number;
}

export class Watchers {
  readonly #rows: JobRows;
  readonly #peers: PeerTable;
  /** The account that pays for the side map. Each pair of job and peer is charged to its peer. */
  readonly #account: Account;
  readonly #more = new Map<number, More>();
  /** Pairs of job and peer in the side map; their size does not depend on their counts. */
  sideCount = 0;

  constructor(rows: JobRows, peers: PeerTable, account: Account) {
    this.#rows = rows;
    this.#peers = peers;
    this.#account = account;
  }

  /** Adds a subscription of `peer`; false, without a change, when it has SUBSCRIPTIONS_MAX. */
  add(job: number, peer: Peer): boolean {
    const rows = this.#rows;
    const hasMore = rows.has(job, Flag.HAS_MORE_WATCHERS);
    const first = rows.word(job, Job.WATCHER);
    if (!hasMore && first === 0) {
      rows.setWord(job, Job.WATCHER, peer.index);
      rows.setWord(job, Job.WATCH_PREV, 0);
      rows.setWord(job, Job.WATCH_NEXT, peer.watchedJob);
      if (peer.watchedJob !== 0) rows.setWord(peer.watchedJob, Job.WATCH_PREV, job);
      peer.watchedJob = job;
      return true;
    }
    const more = hasMore ? (this.#more.get(job) as More) : { counts: new Map(), total: 0 };
    const count = more.counts.get(peer) ?? 0;
    if (count + (first === peer.index ? 1 : 0) >= SUBSCRIPTIONS_MAX) return false;
    if (!hasMore) {
      this.#more.set(job, more);
      rows.setFlag(job, Flag.HAS_MORE_WATCHERS);
    }
    if (count === 0) {
      this.sideCount++;
      this.#account.keep(peer, Kept.WATCH);
      peer.extraWatches ??= new Set();
      peer.extraWatches.add(job);
    } else more.counts.delete(peer);
    more.counts.set(peer, count + 1);
    more.total++;
    return true;
  }

  /** Subscriptions; a peer that submitted twice counts twice. */
  count(job: number): number {
    const rows = this.#rows;
    const first = rows.word(job, Job.WATCHER) === 0 ? 0 : 1;
    return rows.has(job, Flag.HAS_MORE_WATCHERS)
      ? first + (this.#more.get(job) as More).total
      : first;
  }

  /**
   * Calls `send` for each peer with the number of its subscriptions, the latest subscriber first, as gearmand does. The
   * first subscriber is called once more at the end, for its first subscription.
   */
  forEach(job: number, send: (peer: Peer, count: number) => void): void {
    const rows = this.#rows;
    if (rows.has(job, Flag.HAS_MORE_WATCHERS)) {
      const more = [...(this.#more.get(job) as More).counts];
      for (let i = more.length - 1; i >= 0; i--) send(...(more[i] as [Peer, number]));
    }
    const first = rows.word(job, Job.WATCHER);
    if (first !== 0) send(this.#peers.at(first), 1);
  }

  /** Ends all subscriptions of one job. */
  dropAll(job: number): void {
    const rows = this.#rows;
    if (rows.has(job, Flag.HAS_MORE_WATCHERS)) {
      const { counts } = this.#more.get(job) as More;
      for (const peer of counts.keys()) {
        peer.extraWatches?.delete(job);
        this.#account.keep(peer, -Kept.WATCH);
      }
      this.sideCount -= counts.size;
      this.#more.delete(job);
      rows.clearFlag(job, Flag.HAS_MORE_WATCHERS);
    }
    this.#dropFirst(job);
  }

  /** Ends all subscriptions of one peer to one job. */
  drop(job: number, peer: Peer): void {
    const rows = this.#rows;
    if (rows.word(job, Job.WATCHER) === peer.index) this.#dropFirst(job);
    if (peer.extraWatches?.delete(job) !== true) return;
    const more = this.#more.get(job) as More;
    more.total -= more.counts.get(peer) as number;
    more.counts.delete(peer);
    this.#account.keep(peer, -Kept.WATCH);
    this.sideCount--;
    if (more.counts.size > 0) return;
    this.#more.delete(job);
    rows.clearFlag(job, Flag.HAS_MORE_WATCHERS);
  }

  #dropFirst(job: number): void {
    const rows = this.#rows;
    const index = rows.word(job, Job.WATCHER);
    if (index === 0) return;
    const next = rows.word(job, Job.WATCH_NEXT);
    const previous = rows.word(job, Job.WATCH_PREV);
    if (previous === 0) this.#peers.at(index).watchedJob = next;
    else rows.setWord(previous, Job.WATCH_NEXT, next);
    if (next !== 0) rows.setWord(next, Job.WATCH_PREV, previous);
    rows.setWord(job, Job.WATCHER, 0);
  }
}
