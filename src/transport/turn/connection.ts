/**
 * One connection as the turn code sees it, and the table that gives connections their ids.
 * Rule: a slot is used again only after its wire is closed, and then under the next generation.
 */
import { GENERATION_MAX, SLOT_BITS, SLOT_MASK } from '../../protocol/batch.ts';
import { ConnectionInput, type InputContext } from './connection-input.ts';

/** What carries a connection's bytes: a socket or memory. Calls the reactor back with received, ended, failed, sent, closed. */
export interface Wire {
  /** Sends `pieces` in order. They are the wire's until `done` is called, also when they could not be sent. */
  send(pieces: readonly Uint8Array[], done: () => void): void;
  /** Bytes given to `send` that have not left. */
  unsentBytes(): number;
  setReading(isReading: boolean): void;
  /** Pieces are kept behind `done`, so none may be the memory of a blob. */
  readonly keepsPieces?: boolean;
  /** Nothing that was given to `received` is in use any more. */
  taken?(): void;
  /** Closes when everything has left, or after `lingerMs`; what comes in meanwhile is dropped. */
  finish(lingerMs: number): void;
  /** Closes at once. */
  destroy(): void;
}

/** Peer of a connection whose OPEN row is still to be given. */
export interface Opened {
  readonly address: string;
  readonly port: number;
  readonly listener: number;
}

/** How a connection leaves. */
export const Leaving = { NO: 0, AT_ONCE: 1, WHEN_SENT: 2 } as const;
export type Leaving = (typeof Leaving)[keyof typeof Leaving];

export class Connection {
  readonly id: number;
  readonly wire: Wire;
  readonly input: ConnectionInput;
  opened: Opened | null;
  /** Is in the list of those that have rows to give. */
  isReady = false;
  isHeld = false;
  /** Unsent output passed the pause mark and has not fallen to half of it. */
  isOutputPaused = false;
  /** Unsent output after the last send, less what has left since. */
  backlogBytes = 0;
  /** Of the unsent output: bytes of blobs in `pieces`, those given to the wire, and what is counted for all without them. */
  gatheredBlobBytes = 0;
  wireBlobBytes = 0;
  countedBytes = 0;
  /** The last word given to `wire.setReading`. */
  isReading = true;
  /** A GoneReason, -1 while the connection lives. */
  goneReason = -1;
  isGoneGiven = false;
  /** Give a DRAINED row when unsent bytes are at most this; -1: not asked. */
  drainedBelowBytes = -1;
  isDrainedDue = false;
  leaving: Leaving = Leaving.NO;
  lingerMs = 0;
  /** Its last output was given to the wire; nothing more leaves. */
  isEnded = false;
  isWireClosed = false;
  /** The first row in the batch of turn `rowsOfTurn`. */
  firstRow = 0;
  rowsOfTurn = -1;
  /** Output moved out of `out`, in order, not yet given to the wire. */
  pieces: Uint8Array[] = [];
  piecesBytes = 0;
  /** Blobs in `pieces`; one reference each. */
  pieceBlobs: number[] = [];
  /** The gathering under way (output.ts): bytes in `out`, the copy they go to, where its last run begins and ends. */
  gatherBytes = 0;
  gatherInto: Uint8Array | null = null;
  gatherFrom = 0;
  gatherAt = 0;

  constructor(id: number, wire: Wire, opened: Opened | null, context: InputContext) {
    this.id = id;
    this.wire = wire;
    this.opened = opened;
    this.input = new ConnectionInput(context);
  }
}

/** Connections by id. */
export interface Connections extends Iterable<Connection> {
  /** The living or leaving connection of exactly this id. */
  get(id: number): Connection | undefined;
  /** Makes a connection with a new id. */
  add(make: (id: number) => Connection): Connection;
  /** The id is unknown from now on. */
  remove(connection: Connection): void;
}

/** Connections that have a reactor alone: it gives them their ids. */
export class ConnectionTable implements Connections {
  readonly #slots: (Connection | null)[] = [];
  readonly #generations: number[] = [];
  /** Slots to use again, last first, and those freed since: oldest first, so that an id stays stale for long. */
  #nextSlots: number[] = [];
  #freedSlots: number[] = [];

  get(id: number): Connection | undefined {
    const connection = this.#slots[id & SLOT_MASK];
    return connection?.id === id ? connection : undefined;
  }

  /** Makes the connection with a free slot. Throws RangeError when there are 2^20 connections. */
  add(make: (id: number) => Connection): Connection {
    const slot = this.#takeSlot();
    if (slot > SLOT_MASK) throw new RangeError('open a connection: all slots are in use');
    const generation = ((this.#generations[slot] ?? 0) % GENERATION_MAX) + 1;
    this.#generations[slot] = generation;
    const connection = make((generation << SLOT_BITS) | slot);
    this.#slots[slot] = connection;
    return connection;
  }

  /** Frees the slot; the id is unknown from now on. */
  remove(connection: Connection): void {
    const slot = connection.id & SLOT_MASK;
    if (this.#slots[slot] !== connection) return;
    this.#slots[slot] = null;
    this.#freedSlots.push(slot);
  }

  *[Symbol.iterator](): Iterator<Connection> {
    for (const connection of this.#slots) if (connection !== null) yield connection;
  }

  #takeSlot(): number {
    if (this.#nextSlots.length === 0) {
      this.#nextSlots = this.#freedSlots.reverse();
      this.#freedSlots = [];
    }
    return this.#nextSlots.pop() ?? this.#slots.length;
  }
}
