/**
 * How the owner of a bucket gives it to another incarnation: the owner key gets the name and the next epoch. Rule: it
 * begins when no commit is under way and none can begin; from then on this server answers nothing for the bucket.
 */
import { decodeOwner, encodeOwner } from './beat.ts';
import type { NatsReply, NatsRequest } from './nats.ts';

export class HandOver {
  readonly to: string;
  readonly #subject: string;
  readonly #from: string;
  readonly #revision: number;
  readonly #epoch: number;
  #step: 'wait' | 'set' | 'check' = 'wait';

  /** `revision`: of the owner key that names `from`. `epoch`: of the next owner. */
  constructor(subject: string, from: string, revision: number, to: string, epoch: number) {
    this.#subject = subject;
    this.#from = from;
    this.#revision = revision;
    this.to = to;
    this.#epoch = epoch;
  }

  get isStarted(): boolean {
    return this.#step !== 'wait';
  }

  start(): NatsRequest {
    this.#step = 'set';
    const bytes = encodeOwner({ incarnation: this.to, epoch: this.#epoch });
    return { kind: 'publish', subject: this.#subject, bytes, expected: this.#revision };
  }

  /** Takes the reply to the last request; returns the next one, or null when the bucket has another owner. */
  take(reply: NatsReply): NatsRequest | null {
    if (this.#step === 'set' && reply.kind === 'stored') return null;
    if (this.#step === 'check' && reply.kind === 'message') {
      const owner = reply.message === null ? null : decodeOwner(reply.message.bytes);
      return owner?.incarnation === this.#from ? this.start() : null;
    }
    this.#step = 'check';
    return { kind: 'last', subject: this.#subject };
  }
}
