/**
 * Work of a thread besides its turns, in limited steps: gives memory back when queues have become shorter, and warns
 * about functions with jobs and no worker. Rule: one step a turn, so that turns do not become longer.
 */

import { latin1 } from '../base/bytes.ts';
import { type Logger, LogLevel } from '../base/logger.ts';
import type { Broker } from '../broker/broker.ts';

/** Pause between two pieces of memory given back. */
const TRIM_STEP_MS = 2;
/** Pause after free memory was found, in case it is needed again at once. */
const TRIM_PAUSE_MS = 200;
const SCAN_STEP_MS = 1000;
const SCAN_FUNCTIONS_MAX = 1000;

export class Housekeeping {
  readonly #broker: Broker | null;
  readonly #log: Logger;
  readonly #unservedMs: number;
  #trimAtMs = 0;
  #scanAtMs = 0;
  #scanIndex = 1;
  #jobCount = 0;

  constructor(broker: Broker | null, log: Logger, unservedMs: number) {
    this.#broker = broker;
    this.#log = log;
    this.#unservedMs = unservedMs;
  }

  /** Does what is due. Returns the time of the next call, or Infinity. */
  run(nowMs: number): number {
    const broker = this.#broker;
    if (broker === null) return Number.POSITIVE_INFINITY;
    if (nowMs >= this.#trimAtMs) this.#trim(broker, nowMs);
    if (this.#unservedMs > 0 && nowMs >= this.#scanAtMs) this.#scan(broker, nowMs);
    const isScanning = this.#unservedMs > 0 && broker.jobs.level > 0;
    const hasShrunk = broker.jobs.table.count < this.#jobCount;
    return Math.min(
      hasShrunk ? this.#trimAtMs : Number.POSITIVE_INFINITY,
      isScanning ? this.#scanAtMs : Number.POSITIVE_INFINITY,
    );
  }

  #trim(broker: Broker, nowMs: number): void {
    const { jobs } = broker;
    const count = jobs.table.count;
    const didTable = jobs.table.trim();
    const didSlab = jobs.slab.trim();
    // While jobs leave, or something was found, there may be more to give back.
    if (!didTable && !didSlab) this.#jobCount = count;
    this.#trimAtMs = nowMs + (didTable || didSlab ? TRIM_STEP_MS : TRIM_PAUSE_MS);
  }

  #scan(broker: Broker, nowMs: number): void {
    this.#scanAtMs = nowMs + SCAN_STEP_MS;
    const { functions } = broker;
    const end = Math.min(functions.indexEnd, this.#scanIndex + SCAN_FUNCTIONS_MAX);
    for (let index = this.#scanIndex; index < end; index++) {
      const fn = functions.at(index);
      if (fn === null) continue;
      if (fn.runnable === 0 || fn.registrations > 0) fn.unservedSinceMs = -1;
      else if (fn.unservedSinceMs < 0) fn.unservedSinceMs = nowMs;
      else if (nowMs - fn.unservedSinceMs >= this.#unservedMs) {
        fn.unservedSinceMs = Number.POSITIVE_INFINITY;
        const name = latin1(fn.name, 0, fn.name.length);
        this.#log.log(LogLevel.WARNING, `function ${name} has ${fn.runnable} jobs and no worker`);
      }
    }
    this.#scanIndex = end >= functions.indexEnd ? 1 : end;
  }
}
