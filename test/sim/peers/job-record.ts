/** What peers know of one job, and the names by which its packets are told apart. */
import { numbersOf as handleNumbers, handleOf } from '../../support/handles.ts';
import { HANDLE_BOOT, HANDLE_PREFIX } from '../server/sim-thread.ts';
import { ensure } from '../transcript.ts';
import type { PeerLink } from './link.ts';

export interface Submission {
  readonly link: PeerLink;
  readonly functionName: string;
  readonly unique: string;
  readonly reducer: string | null;
  readonly isBackground: boolean;
  /** Wall clock in ms before which it must not run; 0 = at once. */
  readonly notBeforeMs: number;
  readonly workload: Buffer;
}

/** A WORK_ packet that a worker sent about a job that it held. */
interface Saying {
  readonly by: PeerLink;
  readonly index: number;
  readonly rest: Buffer;
}

export class JobRecord {
  readonly handle: string;
  readonly shard: number;
  readonly slot: number;
  readonly serial: number;
  functionName: string | null = null;
  unique = '';
  workload: Buffer | null = null;
  isAckedBackground = false;
  /** Subscriptions and final packets by client. */
  readonly subscriptions = new Map<PeerLink, number>();
  readonly finals = new Map<PeerLink, number>();
  /** Workers that were handed it and have not ended it. */
  readonly holders = new Set<PeerLink>();
  readonly sayings = new Map<string, Saying>();
  /** Greatest index of a saying of one worker that one client has heard. */
  readonly heard = new Map<PeerLink, Map<PeerLink, number>>();
  /** A holder has sent WORK_COMPLETE, WORK_FAIL or WORK_EXCEPTION. */
  isEndSent = false;
  /** It has ended, and that is durable. */
  isOver = false;
  mayFail = false;
  isCancelAsked = false;
  isBuryAsked = false;
  isKickAsked = false;
  /** Failures that its workers have reported, and whether one said that there is no further run. */
  failures = 0;
  isDeadSaid = false;
  /** A client has submitted it again after it had heard of a failure. */
  isJoinedAgain = false;
  /** Its shard has died. */
  isLost = false;

  constructor(handle: string) {
    const [shard, slot, serial] = numbersOf(handle);
    this.handle = handle;
    this.shard = shard;
    this.slot = slot;
    this.serial = serial;
  }
}

/** Shard, slot and serial of a handle of ours. */
export function numbersOf(handle: string): [shard: number, slot: number, serial: number] {
  ensure(/^H:sim:\d{21,34}$/.test(handle), () => `${handle} is no handle of ours`);
  const { shard, slot, serial } = handleNumbers(handle);
  return [shard, slot, serial];
}

/** A handle of this run that no job of `shard` has. */
export function madeUpHandle(shard: number): string {
  return handleOf(shard, 1, 46_655, { prefix: HANDLE_PREFIX, boot: HANDLE_BOOT });
}

export function isFinal(name: string): boolean {
  return name === 'WORK_COMPLETE' || name === 'WORK_FAIL' || name === 'WORK_EXCEPTION';
}

/** Data begins with a word that no other packet has, up to `|`; progress is known by its numbers. */
export function sayingKey(name: string, rest: Buffer): string {
  const end = rest.indexOf('|');
  return `${name} ${rest.toString('latin1', 0, end < 0 ? rest.length : end)}`;
}
