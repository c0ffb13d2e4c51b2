/**
 * Who waits for which job. The first subscription of a job lies in its row and in the peer's own list; more of them,
 * which are rare, in a side map by number. Rule: every operation is O(1) in the other subscriptions of the job.
 */
import { Flag, type JobRows } from './job-rows.ts';
import { Job } from './job-table.ts';
import type { Peer, PeerTable } from './peer.ts';

export class Watchers {
  readonly #rows: JobRows;
  readonly #peers: PeerTable;
  /** Subscriptions beside the first one, by job: their numbers, oldest first, and whose they are. */
  readonly #more = new Map<number, Map<number, Peer>>();
  #lastSubscription = 0;

  constructor(rows: JobRows, peers: PeerTable) {
    this.#rows = rows;
    this.#peers = peers;
  }

  /** One subscription more of `peer`. */
  add(job: number, peer: Peer): void {
    const rows = this.#rows;
    const hasMore = rows.has(job, Flag.HAS_MORE_WATCHERS);
    if (!hasMore && rows.word(job, Job.WATCHER) === 0) {
      rows.setWord(job, Job.WATCHER, peer.index);
      rows.setWord(job, Job.WATCH_PREV, 0);
      rows.setWord(job, Job.WATCH_NEXT, peer.watchedJob);
      if (peer.watchedJob !== 0) rows.setWord(peer.watchedJob, Job.WATCH_PREV, job);
      peer.watchedJob = job;
      return;
    }
    let more = hasMore ? this.#more.get(job) : undefined;
    if (more === undefined) {
      more = new Map();
      this.#more.set(job, more);
      rows.setFlag(job, Flag.HAS_MORE_WATCHERS);
    }
    const subscription = ++this.#lastSubscription;
    more.set(subscription, peer);
    peer.extraWatches ??= new Map();
    const own = peer.extraWatches.get(job);
    if (own === undefined) peer.extraWatches.set(job, [subscription]);
    else own.push(subscription);
  }

  /** Subscriptions; a peer that submitted twice counts twice. */
  count(job: number): number {
    const rows = this.#rows;
    const first = rows.word(job, Job.WATCHER) === 0 ? 0 : 1;
    return rows.has(job, Flag.HAS_MORE_WATCHERS)
      ? first + (this.#more.get(job) as Map<number, Peer>).size
      : first;
  }

  /** Calls `send` for each subscription, the latest first, as gearmand does. */
  forEach(job: number, send: (peer: Peer) => void): void {
    const rows = this.#rows;
    if (rows.has(job, Flag.HAS_MORE_WATCHERS)) {
      const more = [...(this.#more.get(job) as Map<number, Peer>).values()];
      for (let i = more.length - 1; i >= 0; i--) send(more[i] as Peer);
    }
    const first = rows.word(job, Job.WATCHER);
    if (first !== 0) send(this.#peers.at(first));
  }

  /** Ends all subscriptions of one job. */
  dropAll(job: number): void {
    const rows = this.#rows;
    if (rows.has(job, Flag.HAS_MORE_WATCHERS)) {
      const more = this.#more.get(job) as Map<number, Peer>;
      for (const peer of more.values()) peer.extraWatches?.delete(job);
      this.#more.delete(job);
      rows.clearFlag(job, Flag.HAS_MORE_WATCHERS);
    }
    this.#dropFirst(job);
  }

  /** Ends all subscriptions of one peer to one job. O(1) in the number of its other watchers. */
  drop(job: number, peer: Peer): void {
    const rows = this.#rows;
    if (rows.word(job, Job.WATCHER) === peer.index) this.#dropFirst(job);
    const own = peer.extraWatches?.get(job);
    if (own === undefined) return;
    peer.extraWatches?.delete(job);
    const more = this.#more.get(job) as Map<number, Peer>;
    for (const subscription of own) more.delete(subscription);
    if (more.size > 0) return;
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
