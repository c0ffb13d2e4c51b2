/**
 * The state directory of a server with a journal. Making the server only reads it; `open` takes it for this server
 * alone. Rule: boot numbers only rise, so that handles never repeat; the hash seed stays, so that a function keeps its
 * shard while the number of shards is the same; the format stays 1 until `upgrade`, and 2 from then on.
 */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type Logger, LogLevel } from '../base/logger.ts';
import { shardOfName } from '../protocol/shard-of.ts';
import type { StoreConfig } from '../shard/assemble.ts';
import {
  journalFolder,
  type Manifest,
  readManifest,
  shardsOf,
  writeManifest,
} from '../store/manifest.ts';
import { removeJournals, reshard } from '../store/reshard.ts';
import { type StateLock, takeStateDir } from '../store/state-lock.ts';
import { newHashSeed, nextBoot } from './identity.ts';
import type { ResolvedOptions } from './options.ts';
import type { ServerState } from './state.ts';
import { stateDirOf } from './state-dir.ts';

export class JournalState implements ServerState {
  readonly hashSeed: number;
  readonly boot: number;
  readonly keptIn = 'journal';
  readonly #options: ResolvedOptions;
  readonly #log: Logger;
  readonly #folder: string;
  readonly #found: Manifest | null;
  #manifest: Manifest;
  /** The manifest is that of this server. */
  #isWritten = false;
  #lock: StateLock | null = null;

  constructor(options: ResolvedOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#folder = stateDirOf(options);
    const found = readManifest(this.#folder);
    this.#found = found;
    const isRespread = found !== null && found.shards !== options.threads;
    this.hashSeed = found?.hashSeed ?? newHashSeed();
    this.boot = nextBoot(found?.boot);
    this.#manifest = {
      format: found?.format ?? 1,
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
    const { format, generation, salt } = this.#manifest;
    return {
      kind: 'journal',
      folder: journalFolder(this.#folder, generation, thread),
      shard: thread,
      salt,
      isVersion2: format === 2,
      relaxedMs: durability === 'relaxed' ? flushInterval : null,
    };
  }

  upgrade(): void {
    if (this.#manifest.format === 2) return;
    const upgraded: Manifest = { ...this.#manifest, format: 2 };
    // Before, `open` writes it.
    if (this.#isWritten) writeManifest(this.#folder, upgraded);
    this.#manifest = upgraded;
  }

  async open(): Promise<void> {
    this.#lock = await takeStateDir(this.#folder);
    try {
      await this.#take();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const lock = this.#lock;
    this.#isWritten = false;
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
    this.#isWritten = true;
    if (isRespread) removeJournals(this.#folder, before.generation, before.shards);
  }

  /** Logs missing journals. The journal of a shard is made in its first run and stays, so it must exist later. */
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
