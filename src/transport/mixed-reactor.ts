/**
 * The addon's reactor together with streams. The bytes of streams are decoded here; streams share the arrays, the blobs
 * and the turn of the reactor. Rule: a turn handles the addon's rows first, then those of streams, in a batch of their
 * own.
 */
import type { Duplex } from 'node:stream';
import { AddonReactor } from '../native/addon-reactor.ts';
import { bindings } from '../native/bindings.ts';
import type { ReactorOptions } from '../native/contract.ts';
import { Control } from '../protocol/batch.ts';
import { AddonBlobs } from './in-process/addon-blobs.ts';
import { ReservedConnections } from './in-process/reserved-connections.ts';
import { connectStream, type StreamReactor } from './stream-connection.ts';
import { Leaving, type Opened } from './turn/connection.ts';
import { askDrained, hold, leave, resume } from './turn/connection-calls.ts';
import { TurnEngine } from './turn/turn-engine.ts';

export class MixedReactor extends AddonReactor implements StreamReactor {
  readonly #connections: ReservedConnections;
  readonly #engine: TurnEngine;

  constructor(options: ReactorOptions) {
    let onTurn = options.onTurn;
    let isGathered = false;
    let onOutput = (): void => {};
    super(bindings(), { ...options, onTurn: (rowCount) => onTurn(rowCount) }, () => onOutput());
    const { arena, rows, out, outRows, control, unsent } = this;
    const connections = new ReservedConnections(this);
    const blobs = new AddonBlobs(this);
    const engine = new TurnEngine(options, () => this.requestTurn(), {
      ...{ arena, rows, out, outRows, control, unsent, connections, blobs },
      isShared: true,
    });
    onTurn = (rowCount) => {
      if (connections.count === 0) {
        options.onTurn(rowCount);
        return;
      }
      engine.runTurn(rowCount);
      isGathered = connections.count > 0 && control[Control.OUT_ROWS]! > 0;
    };
    // Gathers streams' output written outside of a turn, which the addon would drop. The addon also calls it at the
    // end of a turn, when everything has been gathered.
    onOutput = () => {
      if (!isGathered && engine.output.spill()) this.requestTurn();
      isGathered = false;
    };
    this.#connections = connections;
    this.#engine = engine;
  }

  attach(stream: Duplex, opened: Opened | null): number {
    return connectStream(this.#engine, stream, opened, () => {}).id;
  }

  override spill(): void {
    if (this.#connections.count > 0) this.#engine.output.spill();
    super.spill();
  }

  override close(conn: number): void {
    if (!leave(this.#engine, conn, Leaving.AT_ONCE, 0)) super.close(conn);
  }

  override closeAfterFlush(conn: number, lingerMs: number): void {
    if (!leave(this.#engine, conn, Leaving.WHEN_SENT, lingerMs))
      super.closeAfterFlush(conn, lingerMs);
  }

  override hold(conn: number, start: number): void {
    if (!hold(this.#engine, conn, start)) super.hold(conn, start);
  }

  override resume(conn: number): void {
    if (!resume(this.#engine, conn)) super.resume(conn);
  }

  override unsentBytes(conn: number): number {
    return this.#connections.get(conn) === undefined
      ? super.unsentBytes(conn)
      : this.#engine.unsentBytes(conn);
  }

  override unreadBytes(conn: number): number {
    return this.#connections.get(conn) === undefined
      ? super.unreadBytes(conn)
      : this.#engine.unreadBytes(conn);
  }

  override notifyDrained(conn: number, bytes: number): void {
    if (!askDrained(this.#engine, conn, bytes)) super.notifyDrained(conn, bytes);
  }

  override pauseReading(isPaused: boolean): void {
    this.#engine.pauseReading(isPaused);
    super.pauseReading(isPaused);
  }

  override destroy(): Promise<void> {
    this.#engine.closeAll();
    return super.destroy();
  }
}
