/**
 * Turns values into workloads and results into values. Bytes and text are sent unchanged; other values need a codec
 * from the program. Rule: the type of a value is never used to guess an encoding.
 */

import { PACKET_BYTES_LIMIT } from '../protocol/limits.ts';
import { utf8 } from './arguments.ts';
import { ArgumentError } from './errors.ts';

/**
 * Data on the wire: bytes, or text that is sent as UTF-8. Bytes are not copied: do not change them until the job has
 * been submitted.
 */
export type Workload = Uint8Array | string;

/**
 * Turns values into workloads and back. When a function throws while a job is submitted, the call rejects with its
 * error; when it throws in a worker, the job fails with its error.
 */
export interface Codec {
  /** Returns bytes, which belong to the library from then on, or text. */
  encode(value: unknown): Workload;
  /** `bytes` belong to the codec, which may keep and change them. */
  decode(bytes: Uint8Array): unknown;
}

/** The codec for JSON as UTF-8. An empty workload is `undefined`. */
export const json: Codec = {
  encode: (value) => JSON.stringify(value) ?? '',
  decode: (bytes) => (bytes.length === 0 ? undefined : JSON.parse(utf8(bytes))),
};

/** The longest workload of a packet, with room for its arguments. */
const WORKLOAD_BYTES_MAX = PACKET_BYTES_LIMIT - 16_384;

/** The bytes of `value`. Throws ArgumentError when it is neither bytes nor text and there is no codec. */
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
  /** Type of the value that clients submit. */
  readonly input: unknown;
  /** Type of the job's result. */
  readonly output: unknown;
}

/** Functions by name, for type checking: `{ resize: { input: Picture; output: Picture } }`. */
export type FunctionMap<F> = { [N in keyof F]: FunctionTypes };

/** Any function, with bytes or text as input and bytes as output: the default without a map of functions. */
export interface BytesFunctions {
  readonly [functionName: string]: { input: Workload; output: Uint8Array };
}

/** Any function, any value in and out; for programs that use a codec without naming types. */
export interface AnyFunctions {
  // biome-ignore lint/suspicious/noExplicitAny: the caller says what comes
  readonly [functionName: string]: { input: any; output: any };
}

/** True when the functions take bytes or text and return bytes, so that no codec is needed. */
export type IsBytes<F extends FunctionMap<F>> = unknown extends F[keyof F]['input']
  ? false
  : F extends { [N in keyof F]: { input: Workload; output: Uint8Array } }
    ? true
    : false;

/** Values other than bytes and text need a codec. */
export type CodecOption<F extends FunctionMap<F>> =
  IsBytes<F> extends true
    ? {
        /** Turns values other than bytes and text into workloads, and workloads into values. Default: none. */
        readonly codec?: Codec;
      }
    : {
        /** Turns inputs into workloads and results into values: `json`, or one of your own. */
        readonly codec: Codec;
      };
