/**
 * Measures a thread's turns: their duration, the lateness of timers and, for the log line of a slow turn, its content.
 * Describing a turn costs nothing until it is requested.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { BUCKET_COUNT, bucketOf } from '../broker/function-stats.ts';
import { ROW_INTS, Row, RowKind } from '../protocol/batch.ts';
import { PACKET_NAMES } from '../protocol/packet-columns.ts';
import type { LoopDelay } from '../session/thread-queries.ts';

const UINT32_MAX = 2 ** 32 - 1;

/** Durations of turns, counted in buckets by powers of four of a microsecond (function-stats.ts). */
export class TurnTimes {
  readonly #buckets = new Float64Array(BUCKET_COUNT);
  #sumUs = 0;

  add(tookMs: number): void {
    const us = tookMs * 1000;
    this.#sumUs += us;
    const bucket = bucketOf(Math.min(us, UINT32_MAX) >>> 0);
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
  }

  figures(): { buckets: number[]; sumUs: number } {
    return { buckets: [...this.#buckets], sumUs: this.#sumUs };
  }
}

const STEP_MS = 20;
const NS_PER_MS = 1e6;

/**
 * Measures how late the timers of this thread are, with a timer of Node's own that fires much less often than turns
 * run. Starts measuring; the returned function reads the values since its previous call.
 */
export function loopDelayMeter(): () => LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: STEP_MS });
  histogram.enable();
  // The recorded time is that from one call of the timer to the next.
  const late = (ns: number): number =>
    Math.max(0, (Number.isNaN(ns) ? 0 : ns) / NS_PER_MS - STEP_MS);
  return () => {
    const { mean, max } = histogram;
    const hasAny = histogram.count > 0;
    const delay = {
      meanMs: hasAny ? late(mean) : 0,
      p99Ms: hasAny ? late(histogram.percentile(99)) : 0,
      maxMs: hasAny ? late(max) : 0,
    };
    histogram.reset();
    return delay;
  };
}

/** Kinds of rows that are named; the others are counted together. */
const KINDS_MAX = 4;

const KIND_NAMES: Readonly<Record<number, string>> = {
  [RowKind.OPEN]: 'new connection',
  [RowKind.LINE]: 'text line',
  [RowKind.GONE]: 'lost connection',
  [RowKind.FAULT]: 'fault',
  [RowKind.DRAINED]: 'drained connection',
};

/** Work of a turn besides its rows. */
export interface TurnWork {
  /** Records of other threads. */
  readonly records: number;
  /** Jobs that fell due: scheduled ones and timeouts. */
  readonly dueJobs: number;
  /** Listings that were continued. */
  readonly listings: number;
}

/** `1200 rows of 3 connections (1000 SUBMIT_JOB_BG, 200 GRAB_JOB), 20 records`; `rows` as the reactor gave them. */
export function describeTurn(rows: Int32Array, rowCount: number, work: TurnWork): string {
  const counts = new Map<number, number>();
  const conns = new Set<number>();
  for (let row = 0; row < rowCount; row++) {
    const type = rows[row * ROW_INTS + Row.TYPE] as number;
    counts.set(type, (counts.get(type) ?? 0) + 1);
    conns.add(rows[row * ROW_INTS + Row.CONN] as number);
  }
  const kinds = [...counts].sort(([, a], [, b]) => b - a);
  const named = kinds.slice(0, KINDS_MAX).map(([type, count]) => `${count} ${nameOf(type)}`);
  const others = kinds.slice(KINDS_MAX).reduce((sum, [, count]) => sum + count, 0);
  if (others > 0) named.push(`${others} others`);
  const parts = [];
  if (rowCount > 0)
    parts.push(`${rowCount} rows of ${conns.size} connections (${named.join(', ')})`);
  if (work.records > 0) parts.push(`${work.records} records of other threads`);
  if (work.dueJobs > 0) parts.push(`${work.dueJobs} due jobs`);
  if (work.listings > 0) parts.push(`${work.listings} listings`);
  return parts.length === 0 ? 'nothing of its own' : parts.join(', ');
}

function nameOf(type: number): string {
  return PACKET_NAMES[type] ?? KIND_NAMES[type] ?? `row of kind ${type}`;
}
