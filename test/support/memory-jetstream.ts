/**
 * JetStream in memory, as far as the machines of a cluster use it: streams with one sequence each, the expected last
 * sequence of a subject, purge, `discard: new`, and replicas that lag. Rule: a request is carried out at once and as
 * a whole; delays, losses and elections are the matter of the caller.
 */
import type { NatsReply, NatsRequest, StoredMessage } from '../../src/cluster/nats.ts';

export interface StreamSettings {
  /** What all subjects of the stream begin with. */
  readonly prefixes: readonly string[];
  /** Whether only the last message of a subject is kept. */
  readonly keepsLastOnly: boolean;
  /** Room for messages. */
  maxBytes: number;
}

/** Something that happened to a subject: a message was stored, or all below a sequence were removed. */
type Change = { readonly at: number } & (
  | { readonly message: StoredMessage }
  | { readonly below: number }
);

class Stream {
  readonly settings: StreamSettings;
  readonly changes = new Map<string, Change[]>();
  /** Everything that was ever stored, in order. */
  readonly history: StoredMessage[] = [];
  lastSequence = 0;
  changeCount = 0;
  bytes = 0;

  constructor(settings: StreamSettings) {
    this.settings = settings;
  }

  change(subject: string, change: { message: StoredMessage } | { below: number }): void {
    const { changes } = this;
    const list = changes.get(subject) ?? [];
    list.push({ at: ++this.changeCount, ...change });
    changes.set(subject, list);
  }

  /** The messages of a subject after the first `upTo` changes of the stream, oldest first. */
  messages(subject: string, upTo = this.changeCount): StoredMessage[] {
    let kept: StoredMessage[] = [];
    for (const change of this.changes.get(subject) ?? []) {
      if (change.at > upTo) break;
      if ('below' in change) kept = kept.filter(({ sequence }) => sequence >= change.below);
      else if (this.settings.keepsLastOnly) kept = [change.message];
      else kept.push(change.message);
    }
    return kept;
  }
}

const sizeOf = ({ subject, bytes }: StoredMessage): number => subject.length + bytes.length;
const UNKNOWN: NatsReply = { kind: 'silence' };

export class MemoryJetStream {
  readonly #streams: Stream[];

  constructor(settings: readonly StreamSettings[]) {
    this.#streams = settings.map((one) => new Stream(one));
  }

  /** Everything that was ever stored in subjects that begin with `prefix`, in order. */
  history(prefix: string): StoredMessage[] {
    return this.#streams.flatMap(({ history }) =>
      history.filter(({ subject }) => subject.startsWith(prefix)),
    );
  }

  /** What the subject has now, oldest first. */
  messages(subject: string): StoredMessage[] {
    return this.#streamOf(subject)?.messages(subject) ?? [];
  }

  /** Changes that the stream of `subject` has seen. */
  changeCount(subject: string): number {
    return this.#streamOf(subject)?.changeCount ?? 0;
  }

  setMaxBytes(subject: string, maxBytes: number): void {
    const stream = this.#streamOf(subject);
    if (stream !== undefined) stream.settings.maxBytes = maxBytes;
  }

  /** How full the stream of `subject` is, 0 to 1. */
  fill(subject: string): number {
    const stream = this.#streamOf(subject);
    return stream === undefined ? 0 : stream.bytes / stream.settings.maxBytes;
  }

  /** The stream of `subject` goes back by `count` messages, as after a loss of disks. */
  loseLast(subject: string, count: number): void {
    const stream = this.#streamOf(subject);
    if (stream === undefined) return;
    for (const { subject: name, sequence } of stream.history.slice(-count)) {
      const kept = stream.messages(name).filter((message) => message.sequence < sequence);
      stream.changes.delete(name);
      for (const message of kept) stream.change(name, { message });
    }
    const lost = stream.history.splice(-count);
    stream.lastSequence = (lost[0]?.sequence ?? 1) - 1;
  }

  /** Carries out `request`. A read is answered from the state of `lag` changes ago. */
  apply(request: NatsRequest, lag = 0): NatsReply {
    switch (request.kind) {
      case 'publish':
        return this.#publish(request.subject, request.bytes, request.expected);
      case 'last':
        return { kind: 'message', message: this.messages(request.subject).at(-1) ?? null };
      case 'first':
        return { kind: 'first', sequence: this.messages(request.subject)[0]?.sequence ?? 0 };
      case 'read':
        return this.#read(request.subject, request.from, request.limit, lag);
      case 'lastOfEach':
        return this.#lastOfEach(request.prefixes, lag);
      case 'purge':
        return this.#purge(request.subject, request.below);
    }
  }

  #publish(subject: string, bytes: Uint8Array, expected: number): NatsReply {
    const stream = this.#streamOf(subject);
    if (stream === undefined) return UNKNOWN;
    const last = stream.messages(subject).at(-1);
    if ((last?.sequence ?? 0) !== expected) return { kind: 'refused' };
    const message = { subject, sequence: stream.lastSequence + 1, bytes };
    const { keepsLastOnly, maxBytes } = stream.settings;
    const freed = keepsLastOnly && last !== undefined ? sizeOf(last) : 0;
    if (stream.bytes - freed + sizeOf(message) > maxBytes) return { kind: 'full' };
    stream.lastSequence++;
    stream.bytes += sizeOf(message) - freed;
    stream.history.push(message);
    stream.change(subject, { message });
    return { kind: 'stored', sequence: message.sequence };
  }

  #read(subject: string, from: number, limit: number, lag: number): NatsReply {
    const stream = this.#streamOf(subject);
    if (stream === undefined) return UNKNOWN;
    const all = stream.messages(subject, stream.changeCount - lag);
    const messages = all.filter(({ sequence }) => sequence >= from).slice(0, limit);
    return { kind: 'messages', messages };
  }

  #lastOfEach(prefixes: readonly string[], lag: number): NatsReply {
    const stream = this.#streamOf(prefixes[0] as string);
    if (stream === undefined) return UNKNOWN;
    const messages: StoredMessage[] = [];
    for (const subject of stream.changes.keys()) {
      if (!prefixes.some((prefix) => subject.startsWith(prefix))) continue;
      const last = stream.messages(subject, stream.changeCount - lag).at(-1);
      if (last !== undefined) messages.push(last);
    }
    return { kind: 'messages', messages };
  }

  #purge(subject: string, below: number): NatsReply {
    const stream = this.#streamOf(subject);
    if (stream === undefined) return UNKNOWN;
    for (const message of stream.messages(subject))
      if (message.sequence < below) stream.bytes -= sizeOf(message);
    stream.change(subject, { below });
    return { kind: 'purged' };
  }

  #streamOf(subject: string): Stream | undefined {
    return this.#streams.find(({ settings }) =>
      settings.prefixes.some((prefix) => subject.startsWith(prefix)),
    );
  }
}
