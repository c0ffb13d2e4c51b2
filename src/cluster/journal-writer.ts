/**
 * Writes the commits of a bucket that this server owns. Pure: each method returns what is to be done next.
 *
 * Rules:
 * - One commit is under way; entries gather meanwhile, in order, and go into the next ones.
 * - A commit is fenced on the last sequence of the subject. When it is not certain whether it was stored, the last message at the
 *   leader decides: this commit = stored; a higher epoch = the bucket has another owner; below the last acknowledged
 *   sequence = the stream was lost or went back; otherwise the same bytes are sent again.
 * - The last message of the subject is never purged: the next commit would be fenced on 0.
 * - Before a purge, a commit says which submits have an answer. A put is written again only while its job is live and
 *   no forget of it has been gathered, so it never follows its forget.
 */
import { assert } from '../base/assert.ts';
import {
  COMMIT_BYTES_MAX,
  COMMIT_HEAD_BYTES_MAX,
  decodeCommit,
  encodeCommit,
  entryBytes,
} from './commit.ts';
import { type Answered, type Entry, EntryKind, keyText } from './entries.ts';
import type { NatsReply, NatsRequest } from './nats.ts';
import type { CommitRange } from './replay.ts';

export interface WriterOptions {
  readonly incarnation: string;
  readonly subject: string;
  readonly epoch: number;
  /** The commits of the journal, the epoch message last. */
  readonly commits: readonly CommitRange[];
  /** Dead bytes at the beginning from which on they are purged. */
  readonly purgeBytesMin: number;
  /** What is known of answered submits, for the commit before a purge. */
  readonly answered: () => Answered[];
}

export type WriterEffect =
  | { readonly type: 'request'; readonly for: 'commit' | 'purge'; readonly request: NatsRequest }
  /** The entries are stored. `mark`: the last one of `confirm` before this commit was begun; 0 = none. */
  | { readonly type: 'committed'; readonly entries: readonly Entry[]; readonly mark: number }
  /** Another owner has begun an epoch. */
  | { readonly type: 'fenced' }
  /** Acknowledged commits are missing in the stream. */
  | { readonly type: 'streamLost' };

interface UnderWay {
  readonly bytes: Uint8Array;
  readonly entries: readonly Entry[];
  readonly mark: number;
  step: 'publish' | 'check' | 'wait';
}

export class JournalWriter {
  readonly #options: WriterOptions;
  readonly #commits: CommitRange[];
  readonly #live = new Map<string, CommitRange>();
  #gathered: Entry[] = [];
  /** Jobs whose forget has been gathered or is under way. */
  readonly #ending = new Set<string>();
  #number = 0;
  #underWay: UnderWay | null = null;
  #mark = 0;
  #markSent = 0;
  #isStopped = false;
  /** Whether the next commits are to say which submits have an answer. */
  #mustNote = false;
  /** Entries of the note that are not stored yet; -1 = no note is being written. */
  #notesLeft = -1;
  #noteBegan = 0;
  /** Sequence of the first commit of the last complete note. */
  #noteSequence = 0;
  /** Puts that are gathered for the second time. */
  readonly #rewriting = new Set<string>();
  #isTight = false;
  #isPurging = false;
  #liveBytes = 0;
  #bytes = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#commits = [...options.commits];
    for (const range of this.#commits) {
      this.#bytes += range.byteCount;
      for (const [text, put] of range.puts) {
        this.#live.set(text, range);
        this.#liveBytes += entryBytes(put);
      }
    }
  }

  /** Sequence of the last commit that is known to be stored. */
  get lastSequence(): number {
    return this.#commits.at(-1)?.sequence ?? 0;
  }

  get isIdle(): boolean {
    return this.#underWay === null && this.#gathered.length === 0;
  }

  /** Live puts that are stored. */
  get liveCount(): number {
    return this.#live.size;
  }

  add(entry: Entry): WriterEffect[] {
    assert(entryBytes(entry) <= COMMIT_BYTES_MAX - COMMIT_HEAD_BYTES_MAX, 'commit: too large');
    this.#gathered.push(entry);
    if (entry.kind === EntryKind.FORGET) this.#ending.add(keyText(entry.key));
    return this.#begin();
  }

  /** Sees to it that a commit begins from now on, if only an empty one; `mark` ascends. */
  confirm(mark: number): WriterEffect[] {
    this.#mark = mark;
    return this.#begin();
  }

  /** No commit begins any more; the one under way ends. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Little room is left in the stream: only what makes room is stored, and commits without entries. */
  setTight(isTight: boolean): WriterEffect[] {
    this.#isTight = isTight;
    return this.#begin();
  }

  /** Whether a commit is under way. */
  get isBusy(): boolean {
    return this.#underWay !== null;
  }

  /** A commit for which there was no room is sent again. */
  tick(): WriterEffect[] {
    return this.#underWay?.step === 'wait' ? [this.#publish(this.#underWay)] : [];
  }

  takePurged(): void {
    this.#isPurging = false;
  }

  /** Takes the reply to the request for the commit. */
  take(reply: NatsReply): WriterEffect[] {
    const underWay = this.#underWay;
    if (underWay === null) return [];
    if (underWay.step === 'publish') {
      if (reply.kind === 'stored') return this.#stored(underWay, reply.sequence);
      if (reply.kind === 'full') {
        underWay.step = 'wait';
        return [];
      }
      return [this.#check(underWay)];
    }
    if (reply.kind !== 'message') return [this.#check(underWay)];
    const { message } = reply;
    if (message === null || message.sequence < this.lastSequence) return [{ type: 'streamLost' }];
    if (message.sequence === this.lastSequence) return [this.#publish(underWay)];
    const commit = decodeCommit(message.bytes);
    const { epoch, incarnation } = this.#options;
    const isOurs = commit?.epoch === epoch && commit.writer === incarnation;
    if (isOurs && commit.number === this.#number + 1)
      return this.#stored(underWay, message.sequence);
    return [{ type: 'fenced' }];
  }

  #check(underWay: UnderWay): WriterEffect {
    underWay.step = 'check';
    const request = { kind: 'last', subject: this.#options.subject } as const;
    return { type: 'request', for: 'commit', request };
  }

  #publish(underWay: UnderWay): WriterEffect {
    underWay.step = 'publish';
    const { subject } = this.#options;
    const { bytes } = underWay;
    const request = { kind: 'publish', subject, bytes, expected: this.lastSequence } as const;
    return { type: 'request', for: 'commit', request };
  }

  #begin(): WriterEffect[] {
    if (this.#underWay !== null || this.#isStopped) return [];
    if (this.#mustNote) {
      const notes = this.#options.answered();
      this.#gathered.unshift(...notes);
      this.#notesLeft = notes.length;
      this.#noteBegan = 0;
    }
    const count = this.#fitting();
    if (count === 0 && this.#mark === this.#markSent && !this.#mustNote) return [];
    const entries = this.#gathered.splice(0, count);
    const { epoch, incarnation: writer } = this.#options;
    const bytes = encodeCommit({ epoch, number: this.#number + 1, writer, entries });
    this.#underWay = { bytes, entries, mark: this.#mark, step: 'publish' };
    this.#markSent = this.#mark;
    this.#mustNote = false;
    return [this.#publish(this.#underWay)];
  }

  /** Gathered entries that go into the next commit. */
  #fitting(): number {
    let room = COMMIT_BYTES_MAX - COMMIT_HEAD_BYTES_MAX;
    let count = 0;
    for (const entry of this.#gathered) {
      room -= entryBytes(entry);
      if (room < 0 || (this.#isTight && entry.kind !== EntryKind.ANSWERED)) break;
      count++;
    }
    return count;
  }

  #stored({ bytes, entries, mark }: UnderWay, sequence: number): WriterEffect[] {
    this.#underWay = null;
    this.#number++;
    const range: CommitRange = { sequence, byteCount: bytes.length, puts: new Map() };
    this.#commits.push(range);
    this.#bytes += bytes.length;
    for (const entry of entries) this.#account(entry, range);
    if (this.#notesLeft >= 0) {
      if (this.#noteBegan === 0) this.#noteBegan = sequence;
      this.#notesLeft -= entries.filter(({ kind }) => kind === EntryKind.ANSWERED).length;
      if (this.#notesLeft === 0) {
        this.#noteSequence = this.#noteBegan;
        this.#notesLeft = -1;
      }
    }
    return [{ type: 'committed', entries, mark }];
  }

  /** To be called when `committed` has been handled, because the next commit may say what that has changed. */
  next(): WriterEffect[] {
    return this.#underWay === null ? [...this.#compact(), ...this.#begin()] : [];
  }

  #account(entry: Entry, range: CommitRange): void {
    if (entry.kind === EntryKind.ANSWERED) return;
    const text = keyText(entry.key);
    const before = this.#live.get(text);
    const old = before?.puts.get(text);
    if (old !== undefined) this.#liveBytes -= entryBytes(old);
    before?.puts.delete(text);
    if (entry.kind === EntryKind.FORGET) {
      this.#live.delete(text);
      this.#ending.delete(text);
      return;
    }
    this.#rewriting.delete(text);
    range.puts.set(text, entry);
    this.#live.set(text, range);
    this.#liveBytes += entryBytes(entry);
  }

  /** Purges what is dead at the beginning, in two steps; writes puts again that keep much dead space from being purged. */
  #compact(): WriterEffect[] {
    const { purgeBytesMin, subject } = this.#options;
    const first = this.#firstLive();
    const below = Math.min(first?.sequence ?? this.lastSequence, this.#noteSequence);
    if (!this.#isPurging && below > (this.#commits[0]?.sequence ?? 0)) {
      while (this.#commits.length > 1 && (this.#commits[0] as CommitRange).sequence < below)
        this.#bytes -= (this.#commits.shift() as CommitRange).byteCount;
      this.#isPurging = true;
      return [{ type: 'request', for: 'purge', request: { kind: 'purge', subject, below } }];
    }
    let dead = 0;
    for (const range of this.#commits) {
      if (range === first || range === this.#commits.at(-1)) break;
      dead += range.byteCount;
    }
    if (dead >= purgeBytesMin && this.#notesLeft < 0) this.#mustNote = true;
    else if (this.#bytes - this.#liveBytes >= 2 * purgeBytesMin && first !== undefined)
      this.#rewrite(first);
    return [];
  }

  #rewrite({ puts }: CommitRange): void {
    for (const [text, put] of puts) {
      if (this.#ending.has(text) || this.#rewriting.has(text)) continue;
      this.#rewriting.add(text);
      this.#gathered.push(put);
    }
  }

  #firstLive(): CommitRange | undefined {
    return this.#commits.find(({ puts }) => puts.size > 0);
  }
}
