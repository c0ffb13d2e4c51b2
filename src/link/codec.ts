/**
 * How values become workloads and results become values. Bytes and text go as they are; anything else needs a codec
 * that the program names. Rule: nothing is guessed from the type of a value.
 */

import { PACKET_BYTES_LIMIT } from '../protocol/limits.ts';
import { utf8 } from './arguments.ts';
import { ArgumentError } from './errors.ts';

/** What goes over the wire: bytes, or text that is sent as UTF-8. */
export type Workload = Uint8Array | string;

/** Turns values into workloads and back. Both functions may throw; the job then fails with that error. */
export interface Codec {
  /** What it returns belongs to the library from then on. */
  encode(value: unknown): Workload;
  /** `bytes` belong to the codec. */
  decode(bytes: Uint8Array): unknown;
}

/** JSON as UTF-8. An empty workload is `undefined`. */
export const json: Codec = {
  encode: (value) => JSON.stringify(value) ?? '',
  decode: (bytes) => (bytes.length === 0 ? undefined : JSON.parse(utf8(bytes))),
};

/** The longest that a packet takes, with room for its arguments. */
const WORKLOAD_BYTES_MAX = PACKET_BYTES_LIMIT - 16_384;

/** The bytes that `value` stands for. Throws ArgumentError without a codec when it is neither bytes nor text. */
export function encodeValue(value: unknown, codec: Codec | null, what: string): Workload {
  const workload = codec === null ? value : codec.encode(value);
  if (typeof workload === 'string' || workload instanceof Uint8Array) {
    if (workload.length <= WORKLOAD_BYTES_MAX) return workload;
    throw new ArgumentError(`${what}: is ${workload.length} bytes, limit ${WORKLOAD_BYTES_MAX}`);
  }
  const kind = workload === null ? 'null' : typeof workload;
  throw new ArgumentError(
    `${what}: ${kind} is neither Uint8Array nor text; give a codec to send other values`,
  );
}

/** Types of the input and output of one function. */
export interface FunctionTypes {
  /** What is submitted. */
  readonly input: unknown;
  /** What the job results in. */
  readonly output: unknown;
}

/** Functions by name, for type checking: `{ resize: { input: Picture; output: Picture } }`. */
export type FunctionMap<F> = { [N in keyof F]: FunctionTypes };

/** Any function, bytes or text in, bytes out: what there is without a map of names. */
export interface BytesFunctions {
  readonly [functionName: string]: { input: Workload; output: Uint8Array };
}

/** Any function, any value in and out; for programs that use a codec without naming types. */
export interface AnyFunctions {
  // biome-ignore lint/suspicious/noExplicitAny: the caller says what comes
  readonly [functionName: string]: { input: any; output: any };
}

/** True when the functions take bytes or text and give bytes, so that no codec is needed. */
export type IsBytes<F extends FunctionMap<F>> = unknown extends F[keyof F]['input']
  ? false
  : F extends { [N in keyof F]: { input: Workload; output: Uint8Array } }
    ? true
    : false;

/** Values other than bytes and text need a codec. */
export type CodecOption<F extends FunctionMap<F>> =
  IsBytes<F> extends true
    ? {
        /** How other values than bytes and text become workloads, and results become values. Default: none. */
        readonly codec?: Codec;
      }
    : {
        /** How inputs become workloads and results become values: `json`, or one of your own. */
        readonly codec: Codec;
      };
