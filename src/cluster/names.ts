/** Subjects and names of a cluster. `c` is the name of the cluster. Source: docs/design.md, section 16. */

import { bytesOf } from '../base/bytes.ts';
import { hashBytes } from '../protocol/hash.ts';

/** Subjects of the cluster `c`, which has `streamCount` journal streams. */
export class Subjects {
  readonly #prefix: string;
  readonly #streamCount: number;

  constructor(cluster: string, streamCount: number) {
    this.#prefix = `gt.${cluster}`;
    this.#streamCount = streamCount;
  }

  /** What the subjects of journals begin with. */
  get journals(): string {
    return `${this.#prefix}.j.`;
  }

  journal(bucket: number): string {
    return `${this.journals}${bucket % this.#streamCount}.${bucket}`;
  }

  /** What the subjects of owner keys begin with. */
  get owners(): string {
    return `${this.#prefix}.own.`;
  }

  owner(bucket: number): string {
    return `${this.owners}${bucket}`;
  }

  /** What the subjects of beats begin with. */
  get beats(): string {
    return `${this.#prefix}.srv.`;
  }

  beat(incarnation: string): string {
    return `${this.beats}${incarnation}`;
  }

  inbox(incarnation: string): string {
    return `${this.#prefix}.to.${incarnation}`;
  }
}

/** The name of the server of an incarnation: `mail1.7` belongs to `mail1`. */
export function serverOf(incarnation: string): string {
  return incarnation.slice(0, incarnation.lastIndexOf('.'));
}

/** Counts the incarnations of a server, from 1 on; NaN for what is not an incarnation. */
export function incarnationNumber(incarnation: string): number {
  return Number(incarnation.slice(incarnation.lastIndexOf('.') + 1));
}

/** The bucket of a function. */
export function bucketOf(functionName: string, seed: number, bucketCount: number): number {
  const bytes = bytesOf(functionName);
  return (hashBytes(bytes, 0, bytes.length, seed) >>> 0) % bucketCount;
}

/**
 * The server that shall own the bucket: the one with the highest hash of server and bucket, so that the loss of a server moves
 * its buckets only. null without servers.
 */
export function rendezvous(bucket: number, incarnations: Iterable<string>): string | null {
  let best: string | null = null;
  let bestHash = -1;
  for (const incarnation of incarnations) {
    const bytes = bytesOf(`${serverOf(incarnation)} ${bucket}`);
    const hash = hashBytes(bytes, 0, bytes.length, 0x9e3779b9) >>> 0;
    if (hash < bestHash || (hash === bestHash && best !== null && incarnation < best)) continue;
    best = incarnation;
    bestHash = hash;
  }
  return best;
}
