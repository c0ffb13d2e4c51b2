/**
 * The audit log: who changed what at this server, by the JSON API and by text commands. The last entries stay in
 * memory; with `--audit-log` all of them are written into a file, one line of JSON each, whatever the level of the log.
 * Rule: what the file cannot take is reported and stays in memory.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { type Logger, LogLevel } from '../base/logger.ts';
import type { AuditEntry, AuditFacts } from '../http/api/schemas.ts';
import { fileReason } from '../store/file-reason.ts';

/** Limits of the memory: entries, and characters of their texts. */
const ENTRIES_MAX = 10_000;
const CHARS_MAX = 4 * 1024 * 1024;
/** Characters of one text. */
const TEXT_CHARS_MAX = 1_000;
/** An entry costs so many characters besides its texts. */
const ENTRY_CHARS = 100;
/** Only the user of the server may read it: it has addresses and names. */
const MODE = 0o600;

export class AuditLog {
  readonly #path: string | null;
  readonly #log: Logger;
  #fd: number | null = null;
  #isFailing = false;
  /** Oldest first; the entries before `#first` have been dropped. */
  #entries: AuditEntry[] = [];
  #first = 0;
  #chars = 0;
  #serial = 0;

  /** `path`: the file of `--audit-log`; null without one. */
  constructor(path: string | null, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** Opens the file, or opens it anew. Throws Error that names the option; then an open file stays in use. */
  open(): void {
    if (this.#path === null) return;
    let fd: number;
    try {
      fd = openSync(this.#path, 'a', MODE);
    } catch (error) {
      const reason = `option --audit-log: open ${this.#path}: ${fileReason(error)}`;
      throw new Error(reason, { cause: error });
    }
    this.close();
    this.#fd = fd;
    this.#isFailing = false;
  }

  /** Opens the file anew after it was moved away; reports it when that fails. */
  reopen(): void {
    try {
      this.open();
    } catch (error) {
      this.#log.log(LogLevel.ERROR, `${(error as Error).message}, the old file stays in use`);
    }
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  note(facts: AuditFacts): void {
    const cut = (text: string | null) => text?.slice(0, TEXT_CHARS_MAX) ?? null;
    const { who, target, before, after } = facts;
    const texts = {
      who: cut(who) ?? '',
      target: cut(target) ?? '',
      ...{ before: cut(before), after: cut(after) },
    };
    const entry = { serial: ++this.#serial, atMs: Date.now(), ...facts, ...texts };
    this.#entries.push(entry);
    this.#chars += charsOf(entry);
    while (this.#entries.length - this.#first > ENTRIES_MAX || this.#chars > CHARS_MAX) {
      this.#chars -= charsOf(this.#entries[this.#first++] as AuditEntry);
    }
    if (this.#first > ENTRIES_MAX) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    this.#write(entry);
  }

  /** At most `limit` entries with smaller serials than `before`, the youngest first. */
  page(before: number, limit: number): AuditEntry[] {
    const page: AuditEntry[] = [];
    for (let i = this.#entries.length - 1; i >= this.#first && page.length < limit; i--) {
      const entry = this.#entries[i] as AuditEntry;
      if (entry.serial < before) page.push(entry);
    }
    return page;
  }

  #write(entry: AuditEntry): void {
    if (this.#fd === null) return;
    try {
      writeSync(this.#fd, `${JSON.stringify(entry)}\n`);
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing)
        this.#log.log(LogLevel.ERROR, `write the audit log ${this.#path}: ${fileReason(error)}`);
      this.#isFailing = true;
    }
  }
}

function charsOf({ who, action, target, before, after, result }: AuditEntry): number {
  const texts = [who, action, target, before ?? '', after ?? '', result];
  return texts.reduce((sum, text) => sum + text.length, ENTRY_CHARS);
}
