/**
 * One connection in the turn code, and the table that gives connections their ids. Rule: a slot is reused only after
 * its wire is closed, and then under the next generation.
 */
import { GENERATION_MAX, SLOT_BITS, SLOT_MASK } from '../../protocol/batch.ts';
import { ConnectionInput, type InputContext } from './connection-input.ts';

/**
 * Carries a connection's bytes: a socket or memory. Calls the reactor back with received, ended, failed, sent, closed.
 */
export interface Wire {
  /**
   * Sends `pieces` in order. The wire owns them until it calls `done`; it calls `done` even if they could not be sent.
   */
  send(pieces: readonly Uint8Array[], done: () => void): void;
  /** Bytes given to `send` that have not been sent. */
  unsentBytes(): number;
  setReading(isReading: boolean): void;
  /** The wire keeps pieces after `done`, so none of them may be a blob's memory. */
  readonly keepsPieces?: boolean;
  /** The bytes given to `received` are no longer in use. */
  taken?(): void;
  /** Closes when everything has been sent, or after `lingerMs`; input is dropped meanwhile. */
  finish(lingerMs: number): void;
  /** Closes at once. */
  destroy(): void;
}

/** Address of a connection whose OPEN row is due. */
export interface Opened {
  readonly address: string;
  readonly port: number;
  readonly listener: number;
}

/** How a connection is closed. */
export const Leaving = { NO: 0, AT_ONCE: 1, WHEN_SENT: 2 } as const;
export type Leaving = (typeof Leaving)[keyof typeof Leaving];

export class Connection {
  readonly id: number;
  readonly wire: Wire;
  readonly input: ConnectionInput;
  opened: Opened | null;
  /** True while it is in the list of connections with rows to give. */
  isReady = false;
  isHeld = false;
  /** Unsent output exceeded the pause mark and has not fallen to half of it. */
  isOutputPaused = false;
  /** Unsent output after the last send, minus the bytes sent since. */
  backlogBytes = 0;
  /**
   * Parts of the unsent output: bytes of blobs in `pieces`; bytes of blobs that were given to the wire; and the other
   * bytes, as counted for all connections together.
   */
  gatheredBlobBytes = 0;
  wireBlobBytes = 0;
  countedBytes = 0;
  /** The last argument of `wire.setReading`. */
  isReading = true;
  /** A GoneReason, -1 while the connection lives. */
  goneReason = -1;
  isGoneGiven = false;
  /** Give a DRAINED row when unsent bytes are at most this; -1: not asked. */
  drainedBelowBytes = -1;
  isDrainedDue = false;
  leaving: Leaving = Leaving.NO;
  lingerMs = 0;
  /** True when its last output was given to the wire; no more follows. */
  isEnded = false;
  isWireClosed = false;
  /** The first row in the batch of turn `rowsOfTurn`. */
  firstRow = 0;
  rowsOfTurn = -1;
  /** Output that was moved out of `out`, in order, not yet given to the wire. */
  pieces: Uint8Array[] = [];
  piecesBytes = 0;
  /** Blobs in `pieces`; one reference each. */
  pieceBlobs: number[] = [];
  /**
   * State while output is collected (output.ts): number of bytes in `out`; the memory to which they are copied; begin
   * and end of the last run in it.
   */
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
  /** The live or closing connection of exactly this id. */
  get(id: number): Connection | undefined;
  /** Makes a connection with a new id. */
  add(make: (id: number) => Connection): Connection;
  /** Removes a connection; its id is unknown from now on. */
  remove(connection: Connection): void;
}

/** Connections of a reactor that gives ids itself. */
export class ConnectionTable implements Connections {
  readonly #slots: (Connection | null)[] = [];
  readonly #generations: number[] = [];
  /**
   * Slots to reuse, the last one first; and slots freed since, the oldest first, so that an old id stays unknown for
   * long.
   */
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
