/**
 * A thread for tests: owns a reactor, turns its rows into events, and answers as the test says.
 * Rule: an event's bytes are copied, so a test may keep it; every wait ends by an event or by the test's timeout.
 */
import type { Reactor, ReactorOptions } from '../../src/native/contract.ts';
import { Control, OUT_INTS, Out, ROW_INTS, Row, RowKind } from '../../src/protocol/batch.ts';

export interface Event {
  readonly conn: number;
  /** Packet type or RowKind. */
  readonly type: number;
  /** A0 to A3. */
  readonly args: readonly number[];
  readonly start: number;
  /** The frame's bytes in the arena, Latin-1. */
  readonly text: string;
  readonly dataBytes: number;
  readonly blob: number;
  /** Which turn gave it. */
  readonly turn: number;
}

export const DEFAULTS = {
  hashSeed: 7,
  packetBytesMax: 1 << 28,
  outputPauseBytes: 1 << 20,
  outputBytesMax: 1 << 26,
  keepalive: null,
} as const;

const KINDS = new Map<number, string>(Object.entries(RowKind).map(([name, kind]) => [kind, name]));

export class Host<R extends Reactor = Reactor> {
  readonly reactor: R;
  readonly events: Event[] = [];
  readonly listenErrors: string[] = [];
  /** Called for every event, inside the turn. */
  handle: (event: Event) => void = () => {};
  /** Called once a turn, before its events. */
  handleTurn: (rowCount: number) => void = () => {};
  turn = 0;
  /** Connections whose later rows of this turn are skipped. */
  readonly #skipped = new Set<number>();
  readonly #waiting = new Set<() => void>();

  constructor(create: (options: ReactorOptions) => R, options: Partial<ReactorOptions> = {}) {
    this.reactor = create({
      ...DEFAULTS,
      ...options,
      onTurn: (rowCount) => this.#onTurn(rowCount),
      onListenError: (code) => this.listenErrors.push(code),
    });
  }

  /** `KIND text` of all events of `conn` (of all connections): what a transcript shows. */
  said(conn?: number): string[] {
    return this.events
      .filter((event) => conn === undefined || event.conn === conn)
      .map(({ type, text }) => `${KINDS.get(type) ?? type} ${text.trim()}`.trim());
  }

  count(type: number, conn?: number): number {
    return this.events.filter((e) => e.type === type && (conn === undefined || e.conn === conn))
      .length;
  }

  /** Resolves with the first event (past or future) of which `matches` is true. */
  async event(matches: (event: Event) => boolean): Promise<Event> {
    let found: Event | undefined;
    await this.until(() => {
      found = this.events.find(matches);
      return found !== undefined;
    });
    return found as Event;
  }

  /** Resolves when `isTrue`, looked at now and behind each turn. */
  async until(isTrue: () => boolean): Promise<void> {
    if (isTrue()) return;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!isTrue()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** Appends output; `flushNow` is for output outside of a turn. */
  send(conn: number, bytes: Uint8Array | string): void {
    const { out, outRows, control } = this.reactor;
    let rest = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    while (rest.length > 0) {
      if (control[Control.OUT_BYTES] === out.length) this.reactor.spill();
      const off = control[Control.OUT_BYTES]!;
      const count = Math.min(rest.length, out.length - off);
      out.set(rest.subarray(0, count), off);
      this.#segment(conn, off, count, 0, outRows, control);
      control[Control.OUT_BYTES] = off + count;
      rest = rest.subarray(count);
    }
  }

  /** Appends blob bytes; one reference passes to the reactor. */
  sendBlob(conn: number, blob: number, off: number, count: number): void {
    this.#segment(conn, off, count, blob, this.reactor.outRows, this.reactor.control);
  }

  hold(event: Event): void {
    this.reactor.hold(event.conn, event.start);
    this.#skipped.add(event.conn);
  }

  close(conn: number): void {
    this.reactor.close(conn);
    this.#skipped.add(conn);
  }

  closeAfterFlush(conn: number, lingerMs: number): void {
    this.reactor.closeAfterFlush(conn, lingerMs);
    this.#skipped.add(conn);
  }

  #segment(
    conn: number,
    off: number,
    count: number,
    blob: number,
    outRows: Int32Array,
    control: Int32Array,
  ): void {
    if ((control[Control.OUT_ROWS]! + 1) * OUT_INTS > outRows.length) this.reactor.spill();
    const row = control[Control.OUT_ROWS]! * OUT_INTS;
    outRows[row + Out.CONN] = conn;
    outRows[row + Out.OFF] = off;
    outRows[row + Out.LEN] = count;
    outRows[row + Out.BLOB] = blob;
    control[Control.OUT_ROWS] = control[Control.OUT_ROWS]! + 1;
  }

  #onTurn(rowCount: number): void {
    this.turn++;
    this.#skipped.clear();
    this.handleTurn(rowCount);
    for (let i = 0; i < rowCount; i++) {
      const event = this.#event(i * ROW_INTS);
      if (this.#skipped.has(event.conn)) continue;
      this.events.push(event);
      this.handle(event);
    }
    for (const look of [...this.#waiting]) look();
  }

  #event(row: number): Event {
    const { arena, rows } = this.reactor;
    const field = (offset: number): number => rows[row + offset]!;
    return {
      conn: field(Row.CONN),
      type: field(Row.TYPE),
      args: [Row.A0, Row.A1, Row.A2, Row.A3].map(field),
      start: field(Row.START),
      text: Buffer.from(arena.subarray(field(Row.START), field(Row.END))).toString('latin1'),
      dataBytes: field(Row.DATA_LEN),
      blob: field(Row.BLOB),
      turn: this.turn,
    };
  }
}

/** A handler that sends each frame back (its data from the arena or its blob) and closes who has gone. */
export function echo(host: Host): (event: Event) => void {
  return (event) => {
    if (event.type === RowKind.GONE) host.close(event.conn);
    if (event.type !== RowKind.LINE && event.type < 0) return;
    host.send(event.conn, event.text);
    if (event.blob > 0) host.sendBlob(event.conn, event.blob, 0, event.dataBytes);
  };
}
