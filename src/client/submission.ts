/**
 * The arguments of a submit, checked and ready to be written: packet type, arguments, workload. Source: Gearman
 * PROTOCOL, "Client Requests"; SUBMIT_REDUCE_JOB as gearmand reads it (four arguments).
 */

import { checkText } from '../link/check-text.ts';
import type { Workload } from '../link/codec.ts';
import { ArgumentError } from '../link/errors.ts';
import { checkKnown, type Known } from '../link/known-options.ts';
import { ATTACH_BYTES, type RequestWriter, textBytesMax } from '../link/request-writer.ts';
import { checkMs } from '../link/settings.ts';
import { UNIQUE_BYTES_MAX } from '../protocol/limits.ts';
import { type SubmitTypes, submitTypes } from '../protocol/submit-types.ts';
import { checkFunctionName } from './function-name.ts';
import type { SubmitOptions } from './types.ts';

const NAMES_KEPT_MAX = 1000;

const PLAIN = submitTypes(null);
const REDUCER = submitTypes('reducer');
const EPOCH = submitTypes('epoch');

export interface Submission {
  readonly functionName: string;
  /** The name and its NUL. */
  readonly nameBytes: Uint8Array;
  readonly unique: string;
  readonly type: number;
  /** Arguments between unique and workload, each with its NUL; usually empty. */
  readonly extra: string;
  readonly isBackground: boolean;
  readonly workload: Workload;
}

const names = new Map<string, Uint8Array>();
const NO_OPTIONS: SubmitOptions = {};

/** A job of submitMany carries its own options. */
const SUBMIT_OPTIONS: Known<SubmitOptions & { functionName: string; input: unknown }> = {
  functionName: true,
  input: true,
  unique: true,
  priority: true,
  background: true,
  runAt: true,
  reducer: true,
  timeoutMs: true,
  signal: true,
  retry: true,
};

/** Throws ArgumentError for arguments that Gearman cannot carry. */
export function submissionOf(
  functionName: string,
  workload: Workload,
  options: SubmitOptions = NO_OPTIONS,
): Submission {
  if (options !== NO_OPTIONS) checkKnown(`submit ${functionName}`, options, SUBMIT_OPTIONS);
  const { unique = '', priority = 'normal', runAt, reducer } = options;
  const isBackground = options.background === true || runAt !== undefined;
  if (options.timeoutMs !== undefined) checkMs('timeoutMs', options.timeoutMs);
  checkText('unique', unique, UNIQUE_BYTES_MAX);
  let type = typeIn(PLAIN, isBackground, priority);
  if (type === undefined)
    throw new ArgumentError(`option priority: ${String(priority)}, allowed is high, normal, low`);
  let extra = '';
  if (runAt !== undefined || reducer !== undefined) {
    type = typeIn(runAt === undefined ? REDUCER : EPOCH, isBackground, priority);
    if (type === undefined || (runAt !== undefined && reducer !== undefined))
      throw new ArgumentError(
        `submit ${functionName}: Gearman has no job with more than one of priority, runAt, reducer`,
      );
    if (reducer !== undefined) {
      checkText('reducer', reducer, UNIQUE_BYTES_MAX);
      extra = `${reducer}\0\0`;
    } else extra = `${secondsOf(runAt as Date | number)}\0`;
  }
  const nameBytes = nameBytesOf(functionName);
  return { functionName, nameBytes, unique, type, extra, isBackground, workload };
}

function typeIn(types: SubmitTypes, isBackground: boolean, priority: string): number | undefined {
  return (isBackground ? types.background : types.foreground).get(priority);
}

/** Writes the request. A workload of ATTACH_BYTES and more must not change until it has been sent. */
export function writeSubmission(writer: RequestWriter, submission: Submission): void {
  const { nameBytes, unique, extra, type } = submission;
  let { workload } = submission;
  if (typeof workload === 'string' && textBytesMax(workload) >= ATTACH_BYTES)
    workload = Buffer.from(workload);
  const isText = typeof workload === 'string';
  const copiedBytes = isText
    ? textBytesMax(workload as string)
    : workload.length < ATTACH_BYTES
      ? workload.length
      : 0;
  const argumentBytes = nameBytes.length + textBytesMax(unique) + 1 + textBytesMax(extra);
  writer.open(type, argumentBytes + copiedBytes);
  writer.put(nameBytes);
  if (unique !== '') writer.text(unique);
  writer.nul();
  if (extra !== '') writer.text(extra);
  if (isText) {
    writer.text(workload as string);
    writer.close();
  } else writer.closeWith(workload as Uint8Array);
}

function nameBytesOf(functionName: string): Uint8Array {
  let bytes = names.get(functionName);
  if (bytes === undefined) {
    checkFunctionName('submit', functionName);
    bytes = new Uint8Array(Buffer.from(`${functionName}\0`));
    // Limits memory when a program uses a new name for every job.
    if (names.size >= NAMES_KEPT_MAX) names.clear();
    names.set(functionName, bytes);
  }
  return bytes;
}

function secondsOf(runAt: Date | number): number {
  const seconds = Math.ceil(Number(runAt) / 1000);
  if (Number.isSafeInteger(seconds) && seconds > 0) return seconds;
  throw new ArgumentError(`option runAt: ${String(runAt)} is not an instant after 1970`);
}
