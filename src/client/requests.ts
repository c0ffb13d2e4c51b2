/**
 * Requests other than submits: GET_STATUS, GET_STATUS_UNIQUE and ECHO_REQ. Each is a promise that ends with the
 * answer, the loss of the connection, its timeout or its signal.
 */
import { performance } from 'node:perf_hooks';
import { equalBytes } from '../base/bytes.ts';
import { splitText } from '../link/arguments.ts';
import { ConnectionError, type ServerError } from '../link/errors.ts';
import type { RequestWriter } from '../link/request-writer.ts';
import { Packet } from '../protocol/packets.ts';
import type { Channel, Expectation } from './channel.ts';
import type { UniqueStatus } from './types.ts';

/** Reads an answer; undefined when the packet cannot be one. */
type Read<T> = (type: number, bytes: Uint8Array, start: number, end: number) => T | undefined;

/** Queries one server. Rejects with its ServerError, or ConnectionError when the connection ends. */
export function ask<T>(
  channel: Channel,
  write: (writer: RequestWriter) => void,
  read: Read<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (channel.isReady) channel.send(new Request(write, read, resolve, reject));
    // The connection was lost between the check and this request.
    else reject(channel.link.lastError ?? new ConnectionError('ERR_GEARMAN_CLOSED', 'was closed'));
  });
}

class Request<T> implements Expectation {
  requestNumber = 0;
  readonly #write: (writer: RequestWriter) => void;
  readonly #read: Read<T>;
  readonly #resolve: (answer: T) => void;
  readonly #reject: (error: Error) => void;

  constructor(
    write: (writer: RequestWriter) => void,
    read: Read<T>,
    resolve: (answer: T) => void,
    reject: (error: Error) => void,
  ) {
    this.#write = write;
    this.#read = read;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  write(channel: Channel): void {
    this.#write(channel.link.writer as RequestWriter);
  }

  onReply(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    const answer = this.#read(type, bytes, start, end);
    if (answer === undefined) return false;
    this.#resolve(answer);
    return true;
  }

  onRefused(error: ServerError): void {
    this.#reject(error);
  }

  onLost(error: ConnectionError): void {
    this.#reject(error);
  }
}

/** GET_STATUS. */
export function askStatus(channel: Channel, handle: string): Promise<UniqueStatus> {
  return ask(
    channel,
    (writer) => writeText(writer, Packet.GET_STATUS, handle, 'latin1'),
    (type, bytes, start, end) =>
      type === Packet.STATUS_RES ? statusOf(splitText(bytes, start, end, 5)) : undefined,
  );
}

/** GET_STATUS_UNIQUE. */
export function askStatusByUnique(channel: Channel, unique: string): Promise<UniqueStatus> {
  return ask(
    channel,
    (writer) => writeText(writer, Packet.GET_STATUS_UNIQUE, unique, 'utf8'),
    (type, bytes, start, end) =>
      type === Packet.STATUS_RES_UNIQUE ? statusOf(splitText(bytes, start, end, 6)) : undefined,
  );
}

let pingCount = 0;

/** ECHO_REQ; resolves with the milliseconds until the answer. */
export function askEcho(channel: Channel): Promise<number> {
  const sent = Buffer.from(`geartrain ping ${++pingCount}`);
  const startMs = performance.now();
  return ask(
    channel,
    (writer) => {
      writer.open(Packet.ECHO_REQ, sent.length);
      writer.put(sent);
      writer.close();
    },
    (type, bytes, start, end) =>
      type === Packet.ECHO_RES &&
      end - start === sent.length &&
      equalBytes(sent, 0, bytes, start, sent.length)
        ? performance.now() - startMs
        : undefined,
  );
}

function writeText(
  writer: RequestWriter,
  type: number,
  text: string,
  encoding: 'latin1' | 'utf8',
): void {
  const bytes = Buffer.from(text, encoding);
  writer.open(type, bytes.length);
  writer.put(bytes);
  writer.close();
}

function statusOf(fields: string[]): UniqueStatus {
  const [, known, running, numerator, denominator, clients] = fields;
  return {
    isKnown: known === '1',
    isRunning: running === '1',
    numerator: Number(numerator) || 0,
    denominator: Number(denominator) || 0,
    clientCount: Number(clients) || 0,
  };
}
