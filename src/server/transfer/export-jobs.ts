/**
 * Reads all kept jobs of a store and passes them on as lines, in the order of their submits within each function. Rule:
 * `take` has used a line when it returns, so no lines are kept here. If a journal has moved old jobs after newer ones,
 * the lines are written to a temporary file, their positions are sorted (16 bytes a job), and the lines are read back
 * in order.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../../base/logger.ts';
import { readManifest } from '../../store/manifest.ts';
import type { Store } from '../../store/store.ts';
import type { ResolvedOptions } from '../options.ts';
import { lineOf } from './job-line.ts';
import { folderOf, KeptStores, optionsAsKept } from './kept-stores.ts';

export interface ExportOptions {
  readonly options: ResolvedOptions;
  readonly log: Logger;
  /** `line` has no line end. `total`: the approximate number of jobs. */
  take(line: string, total: number): void;
}

/** Resolves to the number of jobs. */
export async function exportJobs({ options, log, take }: ExportOptions): Promise<number> {
  const kept = optionsAsKept(options);
  const isJournal = kept.queueType === 'journal';
  if (isJournal && readManifest(folderOf(kept)) === null)
    throw new Error(`read ${folderOf(kept)}: there is no journal`);
  const before = isJournal ? await look(kept, log) : { count: 0, isOrdered: true };
  const stores = await KeptStores.open(kept, log);
  try {
    return before.isOrdered
      ? await straight(stores, before.count, take)
      : await sorted(stores, before.count, take);
  } finally {
    await stores.close();
  }
}

/** Counts the jobs before the first line is taken. */
async function look(
  options: ResolvedOptions,
  log: Logger,
): Promise<{ readonly count: number; readonly isOrdered: boolean }> {
  const stores = await KeptStores.open(options, log);
  const last = new Map<Store, number>();
  let count = 0;
  let isOrdered = true;
  try {
    await stores.read((_job, order, store) => {
      count++;
      if (order < (last.get(store) ?? 0)) isOrdered = false;
      last.set(store, order);
    });
  } finally {
    await stores.close();
  }
  return { count, isOrdered };
}

async function straight(
  stores: KeptStores,
  total: number,
  take: ExportOptions['take'],
): Promise<number> {
  let count = 0;
  await stores.read((job, _order, store) => {
    count++;
    take(lineOf(job), Math.max(total, store.health.jobs, count));
  });
  return count;
}

async function sorted(
  stores: KeptStores,
  total: number,
  take: ExportOptions['take'],
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-export-'));
  const file = openSync(join(folder, 'lines'), 'wx+', 0o600);
  try {
    const orders = new Float64Array(total);
    const ends = new Float64Array(total);
    const numbers = new Map<Store, number>();
    let count = 0;
    let at = 0;
    await stores.read((job, order, store) => {
      const number = numbers.get(store) ?? numbers.size;
      numbers.set(store, number);
      const bytes = Buffer.from(lineOf(job));
      writeAll(file, bytes);
      at += bytes.length;
      // One store after the other, in reading order.
      orders[count] = number * 2 ** 48 + order;
      ends[count] = at;
      count++;
    });
    const places = Uint32Array.from({ length: count }, (_, place) => place);
    places.sort((a, b) => (orders[a] as number) - (orders[b] as number));
    for (const place of places) {
      const start = place === 0 ? 0 : (ends[place - 1] as number);
      const bytes = Buffer.alloc((ends[place] as number) - start);
      readSync(file, bytes, 0, bytes.length, start);
      take(bytes.toString(), total);
    }
    return count;
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}
