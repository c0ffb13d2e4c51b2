/**
 * The reactor's contract, implemented by the turn engine, without listeners and descriptors: these are in the
 * subclasses. Rule: while `onTurn` runs, methods only record requests.
 */
import type { Duplex } from 'node:stream';
import type { Detached, ListenAddress, ReactorOptions } from '../native/contract.ts';
import { connectStream, type StreamReactor } from './stream-connection.ts';
import type { BlobTable } from './turn/blob-table.ts';
import { type Connection, Leaving, type Opened } from './turn/connection.ts';
import { askDrained, hold, leave, resume } from './turn/connection-calls.ts';
import { ownParts, TurnEngine } from './turn/turn-engine.ts';

/** The bytes that move with a connection to another thread. */
export interface TakenOut {
  readonly connection: Connection;
  readonly unread: Uint8Array;
  readonly unsent: Uint8Array;
}

/** Base of the node:net reactor and of the tests' memory reactor. */
export abstract class TurnReactor implements StreamReactor {
  readonly kind = 'twin';
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  readonly out: Uint8Array;
  readonly outRows: Int32Array;
  readonly control: Int32Array;
  readonly unsent: Float64Array;
  protected readonly options: ReactorOptions;
  protected readonly engine: TurnEngine;
  readonly #blobs: BlobTable;

  constructor(options: ReactorOptions) {
    this.options = options;
    const parts = ownParts();
    this.#blobs = parts.blobs;
    this.engine = new TurnEngine(options, () => this.schedule(), parts);
    this.arena = this.engine.arena;
    this.rows = this.engine.rows;
    this.out = this.engine.out;
    this.outRows = this.engine.outRows;
    this.control = this.engine.control;
    this.unsent = parts.unsent;
  }

  abstract listen(address: ListenAddress): Promise<{ id: number; port: number }>;
  abstract unlisten(id: number): void;
  abstract adopt(fd: number, unread: Uint8Array, unsent: Uint8Array): number;
  abstract detach(conn: number): Detached;
  abstract destroy(): Promise<void>;
  /** Schedules `engine.runTurn` soon; may be called more than once before it runs. */
  protected abstract schedule(): void;

  attach(stream: Duplex, opened: Opened | null): number {
    return connectStream(this.engine, stream, opened, () => {}).id;
  }

  spill(): void {
    this.engine.output.spill();
  }

  close(conn: number): void {
    leave(this.engine, conn, Leaving.AT_ONCE, 0);
  }

  closeAfterFlush(conn: number, lingerMs: number): void {
    leave(this.engine, conn, Leaving.WHEN_SENT, lingerMs);
  }

  hold(conn: number, start: number): void {
    hold(this.engine, conn, start);
  }

  resume(conn: number): void {
    resume(this.engine, conn);
  }

  unsentBytes(conn: number): number {
    return this.engine.unsentBytes(conn);
  }

  unreadBytes(conn: number): number {
    return this.engine.unreadBytes(conn);
  }

  notifyDrained(conn: number, bytes: number): void {
    askDrained(this.engine, conn, bytes);
  }

  blobFrom(bytes: Uint8Array, start: number, end: number): number {
    return this.#blobs.from(bytes, start, end);
  }

  blobRetain(id: number): void {
    this.#blobs.retain(id);
  }

  blobRelease(id: number): void {
    this.#blobs.release(id);
  }

  blobBytes(id: number): number {
    return this.#blobs.bytes(id);
  }

  blobRead(id: number, offset: number, target: Uint8Array, at: number, count: number): void {
    this.#blobs.read(id, offset, target, at, count);
  }

  /** The caller owns the doorbell: the thread that it wakes calls `requestTurn`. */
  watchRings(
    words: Int32Array,
    asleep: number,
    writeWords: Int32Array,
    readWords: Int32Array,
    _doorbellFd: number,
  ): void {
    this.engine.rings.watch(words, asleep, writeWords, readWords);
    this.requestTurn();
  }

  pauseReading(isPaused: boolean): void {
    this.engine.pauseReading(isPaused);
  }

  requestTurn(): void {
    this.engine.requestTurn();
  }

  /** Gives an adopted connection the bytes that moved with it. */
  protected welcome(connection: Connection, unread: Uint8Array, unsent: Uint8Array): void {
    this.engine.output.owe(connection, unsent);
    if (unread.length > 0) this.engine.received(connection, unread);
    this.schedule();
  }

  /** Removes a held connection. Throws Error when it is not held, or data of its frames was dropped. */
  protected takeOut(conn: number): TakenOut {
    const connection = this.engine.find(conn);
    if (connection === undefined || !connection.isHeld) {
      throw new Error(`detach: connection ${conn} is not held`);
    }
    this.engine.output.spill();
    const unread = connection.input.takeUnread();
    const unsent = this.engine.output.takeUnsent(connection);
    this.engine.forget(connection);
    return { connection, unread, unsent };
  }
}
