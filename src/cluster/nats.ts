/**
 * What the machines of a cluster ask of NATS, as requests and replies. Rule: a machine never learns more than a reply
 * says. `silence` means that the request may have been carried out, may be carried out later, or never.
 */

/** A message as a stream keeps it. */
export interface StoredMessage {
  readonly subject: string;
  /** Its sequence in the stream: ascending, not consecutive for one subject. */
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

export type NatsRequest =
  /**
   * Stores `bytes`, if the last message of the subject has the sequence `expected` (0 = there is none).
   * Replies: stored, refused, full.
   */
  | {
      readonly kind: 'publish';
      readonly subject: string;
      readonly bytes: Uint8Array;
      readonly expected: number;
    }
  /** The last message of the subject, from the leader. Reply: message. */
  | { readonly kind: 'last'; readonly subject: string }
  /** The sequence of the first message of the subject, from the leader. Reply: first. */
  | { readonly kind: 'first'; readonly subject: string }
  /** Messages of the subject from sequence `from` on, at most `limit`. A replica may answer. Reply: messages. */
  | {
      readonly kind: 'read';
      readonly subject: string;
      readonly from: number;
      readonly limit: number;
    }
  /**
   * The last message of every subject of one stream that begins with one of `prefixes`, all from one state of the stream.
   * A replica may answer. Reply: messages.
   */
  | { readonly kind: 'lastOfEach'; readonly prefixes: readonly string[] }
  /** Removes the messages of the subject below sequence `below`. Reply: purged. */
  | { readonly kind: 'purge'; readonly subject: string; readonly below: number };

export type NatsReply =
  | { readonly kind: 'stored'; readonly sequence: number }
  /**
   * Another last sequence than expected, or another publish under way. NATS can say so although the sequence was right.
   */
  | { readonly kind: 'refused' }
  /** The stream has no room for the message. */
  | { readonly kind: 'full' }
  /** null: the subject has no message. */
  | { readonly kind: 'message'; readonly message: StoredMessage | null }
  /** 0: the subject has no message. */
  | { readonly kind: 'first'; readonly sequence: number }
  | { readonly kind: 'messages'; readonly messages: readonly StoredMessage[] }
  | { readonly kind: 'purged' }
  /** No reply came in time. */
  | { readonly kind: 'silence' };

/** A connection to NATS. Its user calls nothing of it after `close`, and hears nothing more. */
export interface Nats {
  /** Carries out `request` and calls `done` once, later, with the reply. */
  request(request: NatsRequest, done: (reply: NatsReply) => void): void;
  /** Sends `bytes` at most once: nobody learns whether they arrived. */
  send(subject: string, bytes: Uint8Array): void;
  /** Calls `hear` for every message that is sent to `subject` and arrives. */
  listen(subject: string, hear: (bytes: Uint8Array) => void): void;
  close(): void;
}
