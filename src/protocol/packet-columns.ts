/**
 * The packet table by column, indexed by type, for reading on every frame. Rule: derived from PACKETS; adds no facts.
 * In every column 0 also stands for types without a row.
 */
import {
  Extra,
  Kind,
  Names,
  PACKET_ROWS,
  PACKET_TYPE_MAX,
  Packet,
  Priority,
  type Request,
  type Response,
  Right,
} from './packets.ts';

const RIGHT_BITS = { ...Right, any: Right.submit | Right.work | Right.admin, none: 0 } as const;

/** Names by type, for logs. */
export const PACKET_NAMES = Array.from(
  { length: PACKET_TYPE_MAX + 1 },
  (_, type) => PACKET_ROWS.find(([name]) => Packet[name] === type)?.[0],
);

function column(valueIn: (row: Request | Response) => number): Uint8Array {
  const values = new Uint8Array(PACKET_TYPE_MAX + 1);
  for (const [name, row] of PACKET_ROWS) values[Packet[name]] = valueIn(row);
  return values;
}

/** NUL-separated arguments. */
export const ARG_COUNT = column(({ argCount }) => argCount);
/** 1: data follows the arguments. */
export const HAS_DATA = column(({ hasData }) => Number(hasData));
/** What the first arguments name, and so which of them are hashed; values of `Names`. */
export const NAMES = column(({ names = 'nothing' }) => Names[names]);
/** 1: too few NULs are allowed. */
export const MAY_BE_SHORT = column((row) => Number(row.kind === 'work' && row.mayBeShort));
/** Values of `Kind`; 0: not a request. */
export const KIND = column(({ kind }) => (kind === undefined ? 0 : Kind[kind]));
/**
 * Bits of `Right`: a peer needs one of them, for the named function. 0: no right is needed. `ANY_RIGHT`: any right, for
 * any function.
 */
export const RIGHT = column(({ right = 'none' }) => RIGHT_BITS[right]);
export const ANY_RIGHT = RIGHT_BITS.any;
/** Of submits: values of `Priority`. */
export const PRIORITY = column((row) => (row.kind === 'submit' ? Priority[row.priority] : 0));
/** Of submits, 1: the sender does not wait for the job. */
export const BACKGROUND = column((row) => Number(row.kind === 'submit' && row.background));
/** Of submits: values of `Extra`, or 0. */
export const EXTRA = column((row) => {
  const extra = row.kind === 'submit' ? row.extra : null;
  return extra === null ? 0 : Extra[extra];
});
/** Of grabs: the type of the fullest answer. */
export const ASSIGN = column((row) => (row.kind === 'grab' ? Packet[row.assign] : 0));

const IS_FINAL = column((row) => Number(row.kind === 'work' && row.isFinal));
const IS_ASSIGN = new Uint8Array(PACKET_TYPE_MAX + 1);
for (const type of ASSIGN) if (type > 0) IS_ASSIGN[type] = 1;

/** Whether a WORK_* packet ends its job. */
export function isFinal(type: number): boolean {
  return IS_FINAL[type] === 1;
}

/** Whether a packet gives a job to a worker. */
export function isAssign(type: number): boolean {
  return IS_ASSIGN[type] === 1;
}
