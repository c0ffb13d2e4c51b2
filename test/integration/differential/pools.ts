/**
 * Small pools from which dialogues draw: workloads, uniques, status numbers, ids, odd lines. Small, so that submits
 * meet, and odd, so that every rule of the wire is met now and then.
 */
import { Random } from '../../support/random.ts';

const big = (bytes: number): Buffer => new Random(bytes).bytes(bytes);

const WORKLOADS: readonly Buffer[] = [
  Buffer.alloc(0),
  Buffer.from('x'),
  Buffer.from('Hello World!'),
  Buffer.from('a\0b\0\0', 'latin1'),
  Buffer.from('\xff\xfe\r\n.\n\0REQ', 'latin1'),
];
const BIG_WORKLOADS: readonly Buffer[] = [big(9000), big(70_000)];

/** A workload or result: one in fifty is of 9 KB or 70 KB. */
export function workload(n: number): Buffer {
  const pool = n % 50 === 7 ? BIG_WORKLOADS : WORKLOADS;
  return pool[(n >>> 8) % pool.length] as Buffer;
}

const UNIQUES: readonly string[] = [
  '',
  '',
  '-',
  '-',
  'u1',
  'u1',
  'u2',
  'U1',
  'x',
  'Hello World!',
  'sixty-three-bytes-'.padEnd(63, '3'),
  '@1',
  '@1',
  '@2',
];

/** `@` stands for the dialogue's prefix. One in forty is too long. */
export function unique(n: number, prefix: string): string {
  if (n % 40 === 13) return 'long'.padEnd(65 + ((n >>> 8) % 40), '5');
  return (UNIQUES[(n >>> 8) % UNIQUES.length] as string).replace('@', prefix);
}

/**
 * For a job that does not become due: gearmand keeps it when it is cancelled, so its unique must be the dialogue's own,
 * or none that could be asked for.
 */
export function ownUnique(n: number, prefix: string): string {
  return ['', '-', `${prefix}1`, `${prefix}1`, `${prefix}2`][n % 5] as string;
}

const pick =
  <T>(items: readonly T[]) =>
  (n: number): T =>
    items[n % items.length] as T;

export const epochDue = pick(['0', '1', '-5', 'abc', '', ' 7', '1000000000', '12 34']);
export const epochLater = pick(['4102444800', '5000000000', '+9000000000000x']);
export const reducer = pick(['r', 'sum', '', 'reducer'.padEnd(64, 'r'), 'reducer'.padEnd(66, 'r')]);
export const numerator = pick(['0', '1', '50', '007', 'abc', '-1', '99999999999', '', ' 5', '3x']);
export const denominator = pick(['100', '1', '0', '', 'abc', '-1', '9999999999', ' 8']);
export const option = pick([
  'exceptions',
  'exceptions',
  'exceptions',
  'exceptions',
  'EXCEPTIONS',
  'exceptions\0',
  'exception',
  'foo',
  '',
  'o'.repeat(70),
]);
export const clientId = pick([
  'worker one',
  'a',
  '-',
  'id\0behind',
  'i'.repeat(127),
  'j'.repeat(140),
]);
export const echo = pick(['', 'hi', '\0\0', 'e'.repeat(3000)]);
export const wrongHandle = pick(['H:nowhere:1', '', 'job', 'H:x:', 'h'.repeat(63), 'H:a:1\0']);

/** Types that no peer may send, with enough arguments to be read. */
export const unexpectedType = pick([6, 8, 10, 11, 17, 19, 20, 24, 24, 27, 31, 35, 40, 42]);

/** Text lines that are answered by one line; `F` stands for a function of the dialogue. */
export const oddLine = pick([
  '',
  ' status',
  'show',
  'show foo',
  'show jobs ',
  'show jobs now',
  'show unique',
  'SHOW',
  'cancel',
  'cancel job',
  'cancel F F',
  'cancel job F F',
  'create',
  'create function',
  'create foo F',
  'drop',
  'drop foo F',
  'drop function',
  'drop function nowhere-to-be-found',
  'maxqueue',
  'Cancel Job H:nowhere:1',
  'shutdown',
  'shutdown graceful',
  'jobs',
  'foo bar baz four five',
  '\tstatus',
  'CREATE function F\r',
]);

/** Bytes at which both servers close without a word. */
export const closingInput = pick([
  { note: 'type 0', bytes: Buffer.from('\0REQ\0\0\0\0\0\0\0\0', 'latin1') },
  { note: 'type 43', bytes: Buffer.from('\0REQ\0\0\0\x2b\0\0\0\0', 'latin1') },
  { note: 'type 0x7fffffff', bytes: Buffer.from('\0REQ\x7f\xff\xff\xff\0\0\0\0', 'latin1') },
  { note: 'a strange magic', bytes: Buffer.from('\0RAQ\0\0\0\x01\0\0\0\x01f', 'latin1') },
  { note: 'twelve NULs', bytes: Buffer.alloc(12) },
  { note: 'six words', bytes: Buffer.from('one two three four five six\n', 'latin1') },
]);
