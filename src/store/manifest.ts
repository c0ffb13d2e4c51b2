/**
 * The file that makes a directory a state directory. It has the facts that every run needs to read the journals. Rule:
 * it is replaced as a whole, by a rename that is durable before anything relies on it.
 *
 *   format 1   all segments of the journals have version 1 (journal/entry.ts)
 *   format 2   they may have version 2. Servers that do not know it refuse the directory. It is written before the
 *              first such segment exists, and is never taken back
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileReason } from './file-reason.ts';
import { makeFolder } from './make-folder.ts';

const NAME = 'manifest.json';
const FORMATS = [1, 2] as const;
export type ManifestFormat = (typeof FORMATS)[number];

export interface Manifest {
  /** 1 until a job with runs is to be stored. */
  readonly format: ManifestFormat;
  /** Counts how often jobs were redistributed to another number of shards; part of the names of the journals. */
  readonly generation: number;
  /** Number of shards with jobs; 0 = everything in one thread. */
  readonly shards: number;
  /** Determines which shard owns a function. */
  readonly hashSeed: number;
  /** Seed of the checksums. */
  readonly salt: number;
  /** Boot number of the last run, part of its handles. */
  readonly boot: number;
}

/** The manifest of `folder`, or null when there is none. Throws when this version cannot read it. */
export function readManifest(folder: string): Manifest | null {
  const path = join(folder, NAME);
  if (!existsSync(path)) return null;
  const found = parsed(path);
  const format = FORMATS.find((known) => known === found.format);
  if (format === undefined)
    throw new Error(
      `option --state-dir: read ${path}: its format is ${found.format}, this version reads ${FORMATS.join(' and ')}`,
    );
  const { generation, shards, hashSeed, salt, boot } = found;
  const numbers = { generation, shards, hashSeed, salt, boot };
  for (const [key, value] of Object.entries(numbers))
    if (!Number.isSafeInteger(value)) throw damaged(path, `${key} is ${value}`);
  return { format, ...numbers } as Manifest;
}

/** Writes the manifest of `folder`, which is made if it is missing; durable on return. */
export function writeManifest(folder: string, manifest: Manifest): void {
  try {
    replaceManifest(folder, manifest);
  } catch (error) {
    throw new Error(`option --state-dir: write ${join(folder, NAME)}: ${fileReason(error)}`, {
      cause: error,
    });
  }
}

function replaceManifest(folder: string, manifest: Manifest): void {
  makeFolder(folder);
  const path = join(folder, NAME);
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify(manifest)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  const parent = openSync(folder, 'r');
  try {
    fsyncSync(parent);
  } finally {
    closeSync(parent);
  }
}

/** Folder of one shard's journal. */
export function journalFolder(folder: string, generation: number, shard: number): string {
  return join(folder, `journal-${generation}-${shard}`);
}

/** Numbers of the shards that have a journal when `count` share the functions. */
export function shardsOf(count: number): number[] {
  return count === 0 ? [0] : Array.from({ length: count }, (_, i) => i + 1);
}

function parsed(path: string): { readonly [key in keyof Manifest]?: unknown } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`option --state-dir: read ${path}: ${fileReason(error)}`, { cause: error });
  }
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === 'object' && found !== null) return found;
  } catch (error) {
    throw damaged(path, 'it is not JSON', error);
  }
  throw damaged(path, 'it has no fields');
}

function damaged(path: string, what: string, cause?: unknown): Error {
  return new Error(
    `option --state-dir: ${path} is damaged: ${what}; put it back from a backup, or move the folder away to start without its jobs`,
    { cause },
  );
}
