/**
 * THE packet table: every type of the binary protocol with its shape, and for requests everything that the server
 * decides by the type. Everything else that depends on a type is derived from it (packet-columns.ts, submit-types.ts).
 * Rules: no other place has a type number; a type that is not a request here is refused. Source: Gearman PROTOCOL and
 * observation of gearmand 1.1.20 and 2.0.
 */

/** Packet types, spelled as the protocol spells them. */
export const Packet = {
  CAN_DO: 1,
  CANT_DO: 2,
  RESET_ABILITIES: 3,
  PRE_SLEEP: 4,
  UNUSED: 5,
  NOOP: 6,
  SUBMIT_JOB: 7,
  JOB_CREATED: 8,
  GRAB_JOB: 9,
  NO_JOB: 10,
  JOB_ASSIGN: 11,
  WORK_STATUS: 12,
  WORK_COMPLETE: 13,
  WORK_FAIL: 14,
  GET_STATUS: 15,
  ECHO_REQ: 16,
  ECHO_RES: 17,
  SUBMIT_JOB_BG: 18,
  ERROR: 19,
  STATUS_RES: 20,
  SUBMIT_JOB_HIGH: 21,
  SET_CLIENT_ID: 22,
  CAN_DO_TIMEOUT: 23,
  ALL_YOURS: 24,
  WORK_EXCEPTION: 25,
  OPTION_REQ: 26,
  OPTION_RES: 27,
  WORK_DATA: 28,
  WORK_WARNING: 29,
  GRAB_JOB_UNIQ: 30,
  JOB_ASSIGN_UNIQ: 31,
  SUBMIT_JOB_HIGH_BG: 32,
  SUBMIT_JOB_LOW: 33,
  SUBMIT_JOB_LOW_BG: 34,
  SUBMIT_JOB_SCHED: 35,
  SUBMIT_JOB_EPOCH: 36,
  SUBMIT_REDUCE_JOB: 37,
  SUBMIT_REDUCE_JOB_BACKGROUND: 38,
  GRAB_JOB_ALL: 39,
  JOB_ASSIGN_ALL: 40,
  GET_STATUS_UNIQUE: 41,
  STATUS_RES_UNIQUE: 42,
} as const;
export type PacketName = keyof typeof Packet;
export type PacketType = (typeof Packet)[PacketName];

/** Greatest known type; a greater one (or 0) closes the connection. */
export const PACKET_TYPE_MAX: number = Math.max(...Object.values(Packet));

/** The kind of a request; each has one handler (session/handlers/frames.ts). 0 means no request. */
export const Kind = {
  submit: 1,
  grab: 2,
  work: 3,
  offer: 4,
  withdraw: 5,
  reset: 6,
  sleep: 7,
  echo: 8,
  status: 9,
  statusByUnique: 10,
  option: 11,
  clientId: 12,
  ignored: 13,
} as const;
export type KindName = keyof typeof Kind;

/** What arguments 0 and 1 of a packet name; the decoder hashes those that routing or the unique index needs. */
export const Names = { nothing: 0, function: 1, functionAndUnique: 2 } as const;

/** Rights that an access rule may grant; bits. The last three are of the control port; `admin` implies them there. */
export const Right = { submit: 1, work: 2, admin: 4, view: 8, inspect: 16, operate: 32 } as const;

/** Priorities of jobs, the highest first. */
export const Priority = { high: 0, normal: 1, low: 2 } as const;
export type PriorityName = keyof typeof Priority;

/** Meaning of argument 2 of a submit: the start time, or the function that merges the results. */
export const Extra = { epoch: 1, reducer: 2 } as const;
export type ExtraName = keyof typeof Extra;

interface Shape {
  /** NUL-separated arguments. */
  readonly argCount: number;
  /** Whether opaque bytes follow the last NUL. */
  readonly hasData: boolean;
}

/** A packet that no peer may send: packets of the server, and those that gearmand does not support. */
export interface Response extends Shape {
  readonly kind?: never;
  readonly right?: never;
  readonly names?: never;
}

interface AnyRequest extends Shape {
  readonly names: keyof typeof Names;
  /** The right that a peer needs under access rules, for the named function; `any`: any right for any function. */
  readonly right: 'submit' | 'work' | 'any' | 'none';
}

export interface SubmitRequest extends AnyRequest {
  readonly kind: 'submit';
  readonly priority: PriorityName;
  readonly background: boolean;
  readonly extra: ExtraName | null;
}

export interface GrabRequest extends AnyRequest {
  readonly kind: 'grab';
  /** The type of the fullest answer. */
  readonly assign: PacketName;
}

export interface WorkRequest extends AnyRequest {
  readonly kind: 'work';
  /** A payload with too few NULs is a handle with empty data, not a fault: some Perl workers send it. */
  readonly mayBeShort: boolean;
  /** The packet ends its job. */
  readonly isFinal: boolean;
}

export interface OtherRequest extends AnyRequest {
  readonly kind: Exclude<KindName, 'submit' | 'grab' | 'work'>;
}

export type Request = SubmitRequest | GrabRequest | WorkRequest | OtherRequest;

const SUBMIT = {
  hasData: true,
  names: 'functionAndUnique',
  kind: 'submit',
  right: 'submit',
} as const;
const GRAB = {
  argCount: 0,
  hasData: false,
  names: 'nothing',
  kind: 'grab',
  right: 'none',
} as const;
const WORK = { names: 'nothing', kind: 'work', right: 'none' } as const;

export const PACKETS = {
  CAN_DO: { argCount: 1, hasData: false, names: 'function', kind: 'offer', right: 'work' },
  CANT_DO: { argCount: 1, hasData: false, names: 'function', kind: 'withdraw', right: 'none' },
  RESET_ABILITIES: { argCount: 0, hasData: false, names: 'nothing', kind: 'reset', right: 'none' },
  PRE_SLEEP: { argCount: 0, hasData: false, names: 'nothing', kind: 'sleep', right: 'none' },
  UNUSED: { argCount: 0, hasData: false },
  NOOP: { argCount: 0, hasData: false },
  SUBMIT_JOB: { ...SUBMIT, argCount: 2, priority: 'normal', background: false, extra: null },
  JOB_CREATED: { argCount: 1, hasData: false },
  GRAB_JOB: { ...GRAB, assign: 'JOB_ASSIGN' },
  NO_JOB: { argCount: 0, hasData: false },
  JOB_ASSIGN: { argCount: 2, hasData: true },
  WORK_STATUS: { ...WORK, argCount: 3, hasData: false, mayBeShort: true, isFinal: false },
  WORK_COMPLETE: { ...WORK, argCount: 1, hasData: true, mayBeShort: true, isFinal: true },
  WORK_FAIL: { ...WORK, argCount: 1, hasData: false, mayBeShort: false, isFinal: true },
  GET_STATUS: { argCount: 1, hasData: false, names: 'nothing', kind: 'status', right: 'any' },
  ECHO_REQ: { argCount: 0, hasData: true, names: 'nothing', kind: 'echo', right: 'none' },
  ECHO_RES: { argCount: 0, hasData: true },
  SUBMIT_JOB_BG: { ...SUBMIT, argCount: 2, priority: 'normal', background: true, extra: null },
  ERROR: { argCount: 2, hasData: false },
  STATUS_RES: { argCount: 5, hasData: false },
  SUBMIT_JOB_HIGH: { ...SUBMIT, argCount: 2, priority: 'high', background: false, extra: null },
  SET_CLIENT_ID: { argCount: 1, hasData: false, names: 'nothing', kind: 'clientId', right: 'none' },
  CAN_DO_TIMEOUT: { argCount: 2, hasData: false, names: 'function', kind: 'offer', right: 'work' },
  ALL_YOURS: { argCount: 0, hasData: false, names: 'nothing', kind: 'ignored', right: 'none' },
  WORK_EXCEPTION: { ...WORK, argCount: 1, hasData: true, mayBeShort: true, isFinal: true },
  OPTION_REQ: { argCount: 1, hasData: false, names: 'nothing', kind: 'option', right: 'none' },
  OPTION_RES: { argCount: 1, hasData: false },
  WORK_DATA: { ...WORK, argCount: 1, hasData: true, mayBeShort: true, isFinal: false },
  WORK_WARNING: { ...WORK, argCount: 1, hasData: true, mayBeShort: true, isFinal: false },
  GRAB_JOB_UNIQ: { ...GRAB, assign: 'JOB_ASSIGN_UNIQ' },
  JOB_ASSIGN_UNIQ: { argCount: 3, hasData: true },
  SUBMIT_JOB_HIGH_BG: { ...SUBMIT, argCount: 2, priority: 'high', background: true, extra: null },
  SUBMIT_JOB_LOW: { ...SUBMIT, argCount: 2, priority: 'low', background: false, extra: null },
  SUBMIT_JOB_LOW_BG: { ...SUBMIT, argCount: 2, priority: 'low', background: true, extra: null },
  SUBMIT_JOB_SCHED: { argCount: 7, hasData: true },
  SUBMIT_JOB_EPOCH: {
    ...SUBMIT,
    argCount: 3,
    priority: 'normal',
    background: true,
    extra: 'epoch',
  },
  SUBMIT_REDUCE_JOB: {
    ...SUBMIT,
    argCount: 4,
    priority: 'normal',
    background: false,
    extra: 'reducer',
  },
  SUBMIT_REDUCE_JOB_BACKGROUND: {
    ...SUBMIT,
    argCount: 4,
    priority: 'normal',
    background: true,
    extra: 'reducer',
  },
  GRAB_JOB_ALL: { ...GRAB, assign: 'JOB_ASSIGN_ALL' },
  JOB_ASSIGN_ALL: { argCount: 4, hasData: true },
  GET_STATUS_UNIQUE: {
    argCount: 1,
    hasData: false,
    names: 'nothing',
    kind: 'statusByUnique',
    right: 'any',
  },
  STATUS_RES_UNIQUE: { argCount: 6, hasData: false },
} as const satisfies Record<PacketName, Request | Response>;

/** Name and row of every type. */
export const PACKET_ROWS = Object.entries(PACKETS) as readonly [PacketName, Request | Response][];
