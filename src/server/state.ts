/**
 * What a server keeps over restarts besides jobs, and its state directory. Made with the server, when the directory is
 * only read; `open` takes it for this server alone. Rule: boot numbers only rise, so no handle ever comes again; the
 * hash seed stays, so a function keeps its shard as long as their number does.
 */

import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type Logger, LogLevel } from '../base/logger.ts';
import { shardOfName } from '../protocol/shard-of.ts';
import type { StoreConfig } from '../shard/assemble.ts';
import { fileReason } from '../store/file-reason.ts';
import { makeFolder } from '../store/make-folder.ts';
import {
  journalFolder,
  type Manifest,
  readManifest,
  shardsOf,
  writeManifest,
} from '../store/manifest.ts';
import { databaseSettingsOf, waitsForDatabase } from '../store/options.ts';
import { removeJournals, reshard } from '../store/reshard.ts';
import { lockState, type StateLock } from '../store/state-lock.ts';
import { DatabaseState } from './database-state.ts';
import { newHashSeed, nextBoot } from './identity.ts';
import type { ResolvedOptions } from './options.ts';
import { defaultStateDir } from './state-dir.ts';

export interface ServerState {
  readonly hashSeed: number;
  readonly boot: number;
  /** Where jobs are when a thread dies: `journal` or `database`; null: nowhere. */
  readonly keptIn: string | null;
  /** Store of one thread, for one life of it; null where it keeps jobs in memory, or owns none. */
  storeOf(thread: number): StoreConfig | null;
  /** Takes the state directory; rejects when it is used, or cannot be. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Throws when there is a state directory that this version cannot read. `onFailure`: jobs cannot be kept any more, the
 * server must end. `waits`: a database that is away is no reason to refuse to start.
 */
export function createState(
  options: ResolvedOptions,
  log: Logger,
  onFailure: (error: Error) => void,
  waits = waitsForDatabase(options),
): ServerState {
  if (options.queueType === 'journal') return new JournalState(options, log);
  const settings = databaseSettingsOf(options);
  if (settings === null) return new NoState();
  return new DatabaseState(options, settings, log, onFailure, waits);
}

/** Jobs in memory: every run is another one. */
class NoState implements ServerState {
  readonly hashSeed = newHashSeed();
  readonly boot = nextBoot();
  readonly keptIn = null;

  storeOf(): null {
    return null;
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}
}

class JournalState implements ServerState {
  readonly hashSeed: number;
  readonly boot: number;
  readonly keptIn = 'journal';
  readonly #options: ResolvedOptions;
  readonly #log: Logger;
  readonly #folder: string;
  readonly #found: Manifest | null;
  readonly #manifest: Manifest;
  #lock: StateLock | null = null;

  constructor(options: ResolvedOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#folder = options.stateDir ?? defaultStateDir();
    const found = readManifest(this.#folder);
    this.#found = found;
    const isRespread = found !== null && found.shards !== options.threads;
    this.hashSeed = found?.hashSeed ?? newHashSeed();
    this.boot = nextBoot(found?.boot);
    this.#manifest = {
      generation: (found?.generation ?? 1) + (isRespread ? 1 : 0),
      shards: options.threads,
      hashSeed: this.hashSeed,
      salt: found?.salt ?? randomInt(2 ** 32),
      boot: this.boot,
    };
  }

  storeOf(thread: number): StoreConfig | null {
    const { threads, durability, flushInterval } = this.#options;
    if (threads > 0 && thread === 0) return null;
    const { generation, salt } = this.#manifest;
    return {
      kind: 'journal',
      folder: journalFolder(this.#folder, generation, thread),
      shard: thread,
      salt,
      relaxedMs: durability === 'relaxed' ? flushInterval : null,
    };
  }

  async open(): Promise<void> {
    try {
      makeFolder(this.#folder);
    } catch (error) {
      throw new Error(
        `option --state-dir: make ${this.#folder}: ${fileReason(error)}; name a folder that can be written to`,
        { cause: error },
      );
    }
    this.#lock = await lockState(this.#folder);
    try {
      await this.#take();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const lock = this.#lock;
    this.#lock = null;
    await lock?.release();
  }

  async #take(): Promise<void> {
    const now = readManifest(this.#folder);
    const before = this.#found;
    if (now?.boot !== before?.boot || now?.generation !== before?.generation)
      throw new Error(`use ${this.#folder}: another server has used it since this one was made`);
    if (before !== null) this.#tellMissing(before);
    const isRespread = before !== null && before.generation !== this.#manifest.generation;
    if (isRespread) await this.#respread(before);
    writeManifest(this.#folder, this.#manifest);
    if (isRespread) removeJournals(this.#folder, before.generation, before.shards);
  }

  /** A shard's journal is made in its first run and stays. */
  #tellMissing({ generation, shards }: Manifest): void {
    for (const shard of shardsOf(shards)) {
      const folder = journalFolder(this.#folder, generation, shard);
      if (!existsSync(folder))
        this.#log.log(
          LogLevel.ERROR,
          `${folder} is missing: all jobs of shard ${shard} are lost; put it back from a backup if there is one`,
        );
    }
  }

  async #respread(before: Manifest): Promise<void> {
    const { threads } = this.#options;
    const count = await reshard({
      folder: this.#folder,
      from: before,
      to: this.#manifest,
      ownerOf: (name) => shardOfName(name, this.hashSeed, threads),
      log: (level, text) => this.#log.log(level, text),
    });
    this.#log.log(
      LogLevel.NOTICE,
      `${count} jobs of ${before.shards} threads were spread over ${threads}`,
    );
  }
}
