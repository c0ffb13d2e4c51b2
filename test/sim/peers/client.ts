/**
 * A client: submits in every form, asks in between, leaves when it likes. It waits for every job that it submitted in
 * the foreground and says so to the ledger.
 */
import type { PacketName, WirePacket } from '../../support/packet-text.ts';
import { ownerOf } from '../server/inspect.ts';
import { CuriousPeer } from './curious-peer.ts';
import type { Submission } from './job-record.ts';
import type { PeerContext } from './peer.ts';

const FORMS = [
  [6, 'SUBMIT_JOB'],
  [2, 'SUBMIT_JOB_HIGH'],
  [2, 'SUBMIT_JOB_LOW'],
  [5, 'SUBMIT_JOB_BG'],
  [1, 'SUBMIT_JOB_HIGH_BG'],
  [1, 'SUBMIT_JOB_LOW_BG'],
  [2, 'SUBMIT_JOB_EPOCH'],
  [1, 'SUBMIT_REDUCE_JOB'],
  [1, 'SUBMIT_REDUCE_JOB_BACKGROUND'],
] as const satisfies readonly (readonly [number, PacketName])[];

const BACKGROUND = new Set<PacketName>([
  'SUBMIT_JOB_BG',
  'SUBMIT_JOB_HIGH_BG',
  'SUBMIT_JOB_LOW_BG',
  'SUBMIT_JOB_EPOCH',
  'SUBMIT_REDUCE_JOB_BACKGROUND',
]);

export class Client extends CuriousPeer {
  readonly #favourite: string;
  readonly #isMortal: boolean;
  #left: number;

  /** `submitsMax`: jobs that it will submit. */
  constructor(name: string, context: PeerContext, submitsMax: number) {
    super(name, context);
    const { random } = this;
    this.#favourite = random.pick(this.world.plan.functionNames);
    this.#isMortal = random.oneIn(3);
    this.#left = submitsMax;
  }

  act(): void {
    const { random } = this;
    if (this.#isMortal && random.oneIn(15)) {
      this.leave(random.pick(['reset', 'reset', 'end', 'garbage']));
      return;
    }
    if (this.#left === 0 || random.oneIn(5)) {
      if (this.#left > 0 || random.oneIn(5)) this.askSomething();
      return;
    }
    for (let burst = random.oneIn(4) ? random.between(2, 9) : 1; burst > 0; burst--) this.submit();
  }

  /** Only waits from now on. */
  stopSubmitting(): void {
    this.#left = 0;
  }

  protected override onUnasked(packet: WirePacket): void {
    this.ledger.heard(this.link, packet, this.takesExceptions);
  }

  protected submit(): void {
    if (this.#left === 0 || !this.link.isUp) return;
    this.#left--;
    const { random, world, link } = this;
    const form = random.weighted(FORMS);
    const functionName = random.oneIn(2) ? random.pick(world.plan.functionNames) : this.#favourite;
    const unique = this.#unique();
    const reducer = form.startsWith('SUBMIT_REDUCE') ? `reduce${random.below(3)}` : null;
    const startSeconds =
      form === 'SUBMIT_JOB_EPOCH'
        ? Math.floor(world.wallMs / 1000) + random.pick([-5, 1, 1, 2, 3])
        : 0;
    const submission: Submission = {
      link,
      functionName,
      unique,
      reducer,
      isBackground: BACKGROUND.has(form),
      notBeforeMs: startSeconds * 1000,
      workload: this.#workload(unique),
    };
    const args = [functionName, unique];
    if (reducer !== null) args.push(reducer, 'ignored');
    if (form === 'SUBMIT_JOB_EPOCH') args.push(String(startSeconds));
    this.name(functionName);
    this.ledger.submitted(submission);
    this.ask(form, [...args, submission.workload], (reply) => this.#onReply(submission, reply));
  }

  #onReply(submission: Submission, reply: WirePacket): boolean {
    if (reply.name === 'JOB_CREATED') {
      this.ledger.acknowledged(submission, reply.payload.toString('latin1'));
      return true;
    }
    const { world } = this;
    const refusal = reply.name === 'ERROR' ? reply.payload.toString() : '';
    if (refusal === 'QUEUE_ERROR\0QUEUE_ERROR')
      return world.plan.hasStore && world.wasAbsentLong(ownerOf(world, submission.functionName));
    if (refusal === 'QUEUE_ERROR\0The function takes no new jobs')
      return world.policies.drained.has(submission.functionName);
    const mayBeFull =
      this.ledger.limited.has(submission.functionName) || world.plan.memoryBytesMax > 0;
    return mayBeFull && refusal === 'QUEUE_ERROR\0Job queue is full';
  }

  #unique(): string {
    const { random } = this;
    return random.weighted([
      [10, ''],
      [3, `u${random.below(4)}`],
      [2, '-'],
      [1, 'x'.repeat(64)],
    ]);
  }

  /** Jobs with the unique `-` share a few workloads, so that they coalesce. */
  #workload(unique: string): Buffer {
    const { random } = this;
    if (unique !== '-') return this.bytes(this.token());
    return Buffer.from(random.pick(['', 'shared', 'other', 'big'.repeat(7000)]), 'latin1');
  }
}
