/**
 * How a server takes a bucket: it reads owner key and journal, sets the key to a new epoch, stores the epoch message
 * and reads the journal back. Pure. Source: docs/design.md, section 16.
 *
 * Rules:
 * - The epoch is above those of key and journal, and the key says it before the journal does.
 * - The epoch message is fenced on the last sequence of the journal, so nothing of the owner before can be stored after
 *   it. Refused while the key still names this server: begin again, or nobody would own the bucket.
 * - It gives up when the journal has reached the epoch, or when the owner in the key is alive.
 * - Without room for the epoch message, the journal is read first, and what is dead at its beginning is purged.
 */
import { decodeOwner, encodeOwner, type Owner } from './beat.ts';
import { decodeCommit, encodeCommit } from './commit.ts';
import type { NatsReply, NatsRequest, StoredMessage } from './nats.ts';
import { Replay } from './replay.ts';

export interface ClaimOptions {
  readonly incarnation: string;
  readonly ownerSubject: string;
  readonly journalSubject: string;
  /** Whether the bucket may be taken from this owner. */
  readonly mayTake: (owner: Owner) => boolean;
  /** The epoch is to be above this one. */
  readonly above: number;
  /** Messages of one read, at least 1. */
  readonly readMessages: number;
}

export type ClaimEffect =
  | { readonly type: 'request'; readonly request: NatsRequest }
  | {
      readonly type: 'claimed';
      readonly epoch: number;
      /** Sequence of the epoch message. */
      readonly sequence: number;
      readonly keyRevision: number;
      readonly replay: Replay;
    }
  | { readonly type: 'gaveUp'; readonly reason: string };

type Step =
  | 'key'
  | 'journal'
  | 'set'
  | 'wasSet'
  | 'open'
  | 'wasOpened'
  | 'read'
  | 'first'
  | 'readForRoom'
  | 'firstForRoom'
  | 'purge';

export class Claim {
  readonly #options: ClaimOptions;
  #step: Step = 'key';
  #epoch = 0;
  #keyRevision = 0;
  #key: Owner | null = null;
  #lastSequence = 0;
  #replay = new Replay();
  #isOver = false;

  constructor(options: ClaimOptions) {
    this.#options = options;
  }

  /** The epoch that this server will have; 0 while it is not known. */
  get epoch(): number {
    return this.#epoch;
  }

  start(): ClaimEffect {
    return this.#ask('key');
  }

  /** Takes the reply to the request of the last effect; `null` when the claim is over. */
  take(reply: NatsReply): ClaimEffect | null {
    if (this.#isOver) return null;
    const effect = this.#next(reply);
    if (effect.type !== 'request') this.#isOver = true;
    return effect;
  }

  #next(reply: NatsReply): ClaimEffect {
    switch (this.#step) {
      case 'key':
        return reply.kind === 'message' ? this.#gotKey(reply.message) : this.#ask('key');
      case 'journal':
        return reply.kind === 'message' ? this.#gotJournal(reply.message) : this.#ask('journal');
      case 'set':
        if (reply.kind !== 'stored') return this.#ask('wasSet');
        this.#keyRevision = reply.sequence;
        return this.#ask('open');
      case 'wasSet':
        return reply.kind === 'message' ? this.#wasSet(reply.message) : this.#ask('wasSet');
      case 'open':
        if (reply.kind === 'stored') return this.#opened(reply.sequence);
        return this.#ask(reply.kind === 'full' ? 'readForRoom' : 'wasOpened');
      case 'wasOpened':
        return reply.kind === 'message' ? this.#wasOpened(reply.message) : this.#ask('wasOpened');
      case 'read':
      case 'readForRoom':
        return this.#read(reply);
      case 'first':
      case 'firstForRoom':
        return reply.kind === 'first' ? this.#gotFirst(reply.sequence) : this.#ask(this.#step);
      case 'purge':
        return this.#ask('key');
    }
  }

  #gotKey(message: StoredMessage | null): ClaimEffect {
    this.#keyRevision = message?.sequence ?? 0;
    this.#key = message === null ? null : decodeOwner(message.bytes);
    if (message !== null && this.#key === null) return gaveUp('the owner key cannot be read');
    const { incarnation, mayTake } = this.#options;
    if (this.#key !== null && this.#key.incarnation !== incarnation && !mayTake(this.#key))
      return gaveUp(`${this.#key.incarnation} owns it`);
    return this.#ask('journal');
  }

  #gotJournal(message: StoredMessage | null): ClaimEffect {
    const epoch = epochOf(message);
    if (epoch < 0) return gaveUp('the last message of the journal is not a commit');
    this.#lastSequence = message?.sequence ?? 0;
    this.#replay = new Replay(this.#replay.answers);
    const keyEpoch = this.#key?.epoch ?? 0;
    const isGiven = this.#key?.incarnation === this.#options.incarnation;
    if (isGiven && keyEpoch > Math.max(epoch, this.#options.above)) {
      this.#epoch = keyEpoch;
      return this.#ask('open');
    }
    this.#epoch = 1 + Math.max(epoch, keyEpoch, this.#options.above);
    return this.#ask('set');
  }

  #wasSet(message: StoredMessage | null): ClaimEffect {
    const owner = message === null ? null : decodeOwner(message.bytes);
    const isOurs = owner?.incarnation === this.#options.incarnation && owner.epoch === this.#epoch;
    if (message === null || !isOurs) return gaveUp('another server was faster');
    this.#keyRevision = message.sequence;
    return this.#ask('open');
  }

  #opened(sequence: number): ClaimEffect {
    this.#lastSequence = sequence;
    return this.#ask('read');
  }

  #wasOpened(message: StoredMessage | null): ClaimEffect {
    const commit = message === null ? null : decodeCommit(message.bytes);
    if (message !== null && commit !== null && commit.epoch >= this.#epoch) {
      const isOurs = commit.epoch === this.#epoch && commit.writer === this.#options.incarnation;
      return isOurs ? this.#opened(message.sequence) : gaveUp(`epoch ${commit.epoch} has begun`);
    }
    return this.#ask('key');
  }

  #read(reply: NatsReply): ClaimEffect {
    const replay = this.#replay;
    const messages = reply.kind === 'messages' ? reply.messages : [];
    for (const message of messages)
      if (message.sequence <= this.#lastSequence) replay.take(message);
    const isForRoom = this.#step === 'readForRoom';
    const isBeyond = messages.some(({ sequence }) => sequence > this.#lastSequence);
    // Only a later owner writes after the epoch message; it may have purged what was to be read.
    if (isBeyond && !isForRoom) return gaveUp('a later epoch has begun');
    if (replay.lastSequence < this.#lastSequence && !isBeyond) return this.#ask(this.#step);
    return this.#ask(isForRoom ? 'firstForRoom' : 'first');
  }

  #gotFirst(sequence: number): ClaimEffect {
    this.#replay.dropBelow(sequence);
    if (this.#step === 'firstForRoom') return this.#ask('purge');
    return {
      type: 'claimed',
      epoch: this.#epoch,
      sequence: this.#lastSequence,
      keyRevision: this.#keyRevision,
      replay: this.#replay,
    };
  }

  #ask(step: Step): ClaimEffect {
    this.#step = step;
    return { type: 'request', request: this.#requestOf(step) };
  }

  #requestOf(step: Step): NatsRequest {
    const { ownerSubject, journalSubject, incarnation } = this.#options;
    switch (step) {
      case 'key':
      case 'wasSet':
        return { kind: 'last', subject: ownerSubject };
      case 'journal':
      case 'wasOpened':
        return { kind: 'last', subject: journalSubject };
      case 'set': {
        const bytes = encodeOwner({ incarnation, epoch: this.#epoch });
        return { kind: 'publish', subject: ownerSubject, bytes, expected: this.#keyRevision };
      }
      case 'open': {
        const commit = { epoch: this.#epoch, number: 0, writer: incarnation, entries: [] };
        const bytes = encodeCommit(commit);
        return { kind: 'publish', subject: journalSubject, bytes, expected: this.#lastSequence };
      }
      case 'read':
      case 'readForRoom':
        return {
          kind: 'read',
          subject: journalSubject,
          from: this.#replay.lastSequence + 1,
          limit: this.#options.readMessages,
        };
      case 'first':
      case 'firstForRoom':
        return { kind: 'first', subject: journalSubject };
      case 'purge': {
        const live = this.#replay.commits.find(({ puts }) => puts.size > 0);
        const below = live?.sequence ?? this.#lastSequence;
        return { kind: 'purge', subject: journalSubject, below };
      }
    }
  }
}

const gaveUp = (reason: string): ClaimEffect => ({ type: 'gaveUp', reason });

/** Epoch of the commit; 0 without a message, -1 when it is not a commit. */
function epochOf(message: StoredMessage | null): number {
  return message === null ? 0 : (decodeCommit(message.bytes)?.epoch ?? -1);
}
