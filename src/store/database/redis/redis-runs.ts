/**
 * The runs of a job in Redis: a hash of its own, outside of the keys that gearmand reads. The hash of a live job names
 * it; that of a dead job has the workload, and there is no other one.
 *
 *   _gear_+0123456789ab:1    id, handle, fingerprint, attempts, losses, due, delay, details, function, unique
 *                            of a dead job also dead, priority, data
 */
import type { FoundRuns, Put, RunsRow } from '../backend.ts';
import { fingerprintOf } from '../runs-row.ts';
import { valuesOf } from './redis-row.ts';
import type { Fields } from './scripts.ts';

const PLUS = 0x2b;
const NO_BYTES = new Uint8Array(0);
const DIGITS = /^\d+(\.\d+)?$/;

export function runsKeyOf(prefix: Buffer, id: Uint8Array): Buffer {
  return Buffer.concat([prefix, Uint8Array.of(PLUS), id]);
}

/** The fields of a job with runs for RUNS_SCRIPT, after those of the job. */
export function runsFields(prefix: Buffer, put: Put): Fields {
  const {
    id,
    handle = NO_BYTES,
    attempts,
    losses,
    dueMs,
    delayMs,
    isDead,
    details,
  } = put.runs as RunsRow;
  const fingerprint = isDead ? NO_BYTES : fingerprintOf(put);
  return [
    ...[`${put.change ?? 0}`, runsKeyOf(prefix, id), id, handle, fingerprint],
    ...[`${attempts}`, `${losses}`, `${dueMs}`, `${delayMs}`, details, isDead ? '1' : ''],
  ];
}

/** Names and values alternate. */
export function readRuns(fields: readonly Buffer[]): FoundRuns {
  const values = valuesOf(fields);
  const bytes = (name: string): Buffer | null => values.get(name) ?? null;
  const number = (name: string): number | null => {
    const text = String(values.get(name) ?? '');
    return DIGITS.test(text) ? Number(text) : null;
  };
  return {
    id: bytes('id'),
    key: bytes('unique'),
    functionName: bytes('function'),
    fingerprint: bytes('fingerprint'),
    handle: bytes('handle'),
    attempts: number('attempts'),
    losses: number('losses'),
    dueMs: number('due'),
    delayMs: number('delay'),
    isDead: values.has('dead'),
    details: bytes('details'),
    priority: number('priority'),
    workload: bytes('data'),
  };
}
