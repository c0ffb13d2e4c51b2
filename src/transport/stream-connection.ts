/**
 * Makes a stream a connection of a turn engine: its bytes and its end are recorded for the next turn. Rule: the stream
 * keeps its bytes until the engine asks for more; this file does not know the kind of stream.
 */
import type { Duplex } from 'node:stream';
import type { Reactor } from '../native/contract.ts';
import { GoneReason } from '../protocol/batch.ts';
import { InProcessStream } from './in-process/stream.ts';
import { connectInProcess } from './in-process/wire.ts';
import { SocketWire } from './socket-wire.ts';
import type { Connection, Opened } from './turn/connection.ts';
import type { TurnEngine } from './turn/turn-engine.ts';

/** A reactor that serves streams beside its own sockets. */
export interface StreamReactor extends Reactor {
  /**
   * Makes a connected stream (plain, TLS, inside the process) a connection and returns its conn. `opened`: its OPEN
   * row comes with the next turn; null: the caller makes its session. When there are too many connections it throws
   * the same error as the system for too many descriptors.
   */
  attach(stream: Duplex, opened: Opened | null): number;
}

/** `onClosed` is called once, when the stream is closed. */
export function connectStream(
  engine: TurnEngine,
  stream: Duplex,
  opened: Opened | null,
  onClosed: () => void,
): Connection {
  if (stream instanceof InProcessStream) return connectInProcess(engine, stream, opened, onClosed);
  const connection = engine.open(new SocketWire(stream), opened);
  stream.on('data', (chunk) => engine.received(connection, chunk));
  stream.on('end', () => engine.ended(connection, GoneReason.END));
  stream.on('error', () => engine.ended(connection, GoneReason.RESET));
  stream.on('close', () => {
    engine.closed(connection);
    onClosed();
  });
  return connection;
}
