/** Runs operations over one connection and prints the server's replies. */

import { isRefusal, isUnknownCommand, lackOf, refusalOf } from '../../link/text-reply.ts';
import type { AdminConnection } from '../tool/admin-connection.ts';
import { RowWriter, writeAll } from '../tool/streams.ts';
import type { Operation } from './operations.ts';

/** An operation with the value of its option. */
export interface WantedOperation {
  readonly operation: Operation;
  readonly value: string;
}

const LF = 0x0a;
const OK = 'OK ';
const ERR = 'ERR ';
const NOT_ALLOWED = 'ERR NOT_ALLOWED ';
const BARE_OK = Buffer.from('OK\r\n');

/** The first line with its end and the bytes after it, and whether the reply continues. */
async function firstLine(parts: AsyncIterator<Buffer>): Promise<Buffer> {
  let start: Buffer = Buffer.alloc(0);
  for (;;) {
    const { done, value } = await parts.next();
    if (done === true) return start;
    start = start.length === 0 ? value : Buffer.concat([start, value]);
    if (value.includes(LF)) return start;
  }
}

/**
 * Removes the leading OK or ERR. A reply that is only OK stays, with a plain line end. A refusal by our access rules
 * has plus signs on the wire and is printed with blanks.
 */
function withoutWord(start: Buffer): Buffer {
  if (start.equals(BARE_OK)) return Buffer.from('OK\n');
  if (start.indexOf(NOT_ALLOWED) === 0)
    return Buffer.from(start.toString('latin1', ERR.length).replaceAll('+', ' '), 'latin1');
  const word = [OK, ERR].find((candidate) => start.indexOf(candidate) === 0);
  return word === undefined ? start : start.subarray(word.length);
}

/**
 * The reply to one of our own commands, which has plus signs for blanks on the wire. A server that does not know the
 * command is named as the reason.
 */
function ownReply(start: Buffer, command: string, hasFailed: boolean): Buffer {
  if (!hasFailed) return Buffer.from(start.toString().replace(/\r\n$/, '\n').replaceAll('+', ' '));
  const refusal = refusalOf(start);
  const { code, sentence } = refusal;
  const reason = isUnknownCommand(refusal) ? `this server ${lackOf(command)}` : sentence || code;
  return Buffer.from(`${reason}\n`);
}

async function run(connection: AdminConnection, wanted: WantedOperation): Promise<boolean> {
  const { option, request } = wanted.operation;
  const { command, isListing } = request(wanted.value);
  const parts = connection.ask(command);
  const start = await firstLine(parts);
  const hasFailed = isRefusal(start, isListing);
  const stream = hasFailed ? process.stderr : process.stdout;
  if (hasFailed) await writeAll(stream, 'Error: ');
  const rows = new RowWriter(stream);
  if (isListing && !hasFailed) await rows.write(start);
  else if (option.isOwn === true) await rows.write(ownReply(start, command, hasFailed));
  else await rows.write(withoutWord(start));
  for await (const part of parts) await rows.write(part);
  return !hasFailed;
}

/**
 * Runs all operations, even after one was refused. Resolves to whether all succeeded; rejects when the connection is
 * lost.
 */
export async function runOperations(
  connection: AdminConnection,
  all: readonly WantedOperation[],
): Promise<boolean> {
  let isGood = true;
  for (const wanted of all) if (!(await run(connection, wanted))) isGood = false;
  return isGood;
}
