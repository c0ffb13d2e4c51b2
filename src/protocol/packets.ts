/**
 * THE packet table: every type of the binary protocol with its shape. Codec, encoder and handlers derive from it.
 * Rule: a type number is written nowhere else.
 * Source: Gearman PROTOCOL and observation of gearmand 1.1.20 and 2.0.
 */

/** Packet types, spelled as the protocol spells them. */
export const Packet = {
  CAN_DO: 1,
  CANT_DO: 2,
  RESET_ABILITIES: 3,
  PRE_SLEEP: 4,
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
export type PacketType = (typeof Packet)[keyof typeof Packet];

/** Greatest known type; a greater one (or 0) closes the connection. */
export const PACKET_TYPE_MAX = 42;

/** What `arg 0` (and `arg 1`) of a packet name; the decoder hashes those that the router or the index needs. */
export const Names = { nothing: 0, function: 1, functionAndUnique: 2 } as const;

/** One row of the table. `argCount` NUL-separated arguments; with `hasData`, opaque bytes follow the last NUL. */
export interface PacketShape {
  readonly name: string;
  readonly argCount: number;
  readonly hasData: boolean;
  readonly names: 0 | 1 | 2;
  /** A payload with too few NULs is "handle with empty data" instead of a fault (what real Perl workers send). */
  readonly mayBeShort: boolean;
}

const shape = (
  name: string,
  argCount: number,
  hasData = false,
  names: PacketShape['names'] = Names.nothing,
  mayBeShort = false,
): PacketShape => ({ name, argCount, hasData, names, mayBeShort });

/** Shape by type number; index 0 and 5 exist so that the table is dense (both are never valid requests). */
export const PACKETS: readonly PacketShape[] = [
  shape('TEXT', 0),
  shape('CAN_DO', 1, false, Names.function),
  shape('CANT_DO', 1, false, Names.function),
  shape('RESET_ABILITIES', 0),
  shape('PRE_SLEEP', 0),
  shape('UNUSED', 0),
  shape('NOOP', 0),
  shape('SUBMIT_JOB', 2, true, Names.functionAndUnique),
  shape('JOB_CREATED', 1),
  shape('GRAB_JOB', 0),
  shape('NO_JOB', 0),
  shape('JOB_ASSIGN', 2, true),
  shape('WORK_STATUS', 3, false, Names.nothing, true),
  shape('WORK_COMPLETE', 1, true, Names.nothing, true),
  shape('WORK_FAIL', 1),
  shape('GET_STATUS', 1),
  shape('ECHO_REQ', 0, true),
  shape('ECHO_RES', 0, true),
  shape('SUBMIT_JOB_BG', 2, true, Names.functionAndUnique),
  shape('ERROR', 2),
  shape('STATUS_RES', 5),
  shape('SUBMIT_JOB_HIGH', 2, true, Names.functionAndUnique),
  shape('SET_CLIENT_ID', 1),
  shape('CAN_DO_TIMEOUT', 2, false, Names.function),
  shape('ALL_YOURS', 0),
  shape('WORK_EXCEPTION', 1, true, Names.nothing, true),
  shape('OPTION_REQ', 1),
  shape('OPTION_RES', 1),
  shape('WORK_DATA', 1, true, Names.nothing, true),
  shape('WORK_WARNING', 1, true, Names.nothing, true),
  shape('GRAB_JOB_UNIQ', 0),
  shape('JOB_ASSIGN_UNIQ', 3, true),
  shape('SUBMIT_JOB_HIGH_BG', 2, true, Names.functionAndUnique),
  shape('SUBMIT_JOB_LOW', 2, true, Names.functionAndUnique),
  shape('SUBMIT_JOB_LOW_BG', 2, true, Names.functionAndUnique),
  shape('SUBMIT_JOB_SCHED', 7, true),
  shape('SUBMIT_JOB_EPOCH', 3, true, Names.functionAndUnique),
  shape('SUBMIT_REDUCE_JOB', 4, true, Names.functionAndUnique),
  shape('SUBMIT_REDUCE_JOB_BACKGROUND', 4, true, Names.functionAndUnique),
  shape('GRAB_JOB_ALL', 0),
  shape('JOB_ASSIGN_ALL', 4, true),
  shape('GET_STATUS_UNIQUE', 1),
  shape('STATUS_RES_UNIQUE', 6),
];

/** Whether a WORK_* packet ends its job. */
export function isFinal(type: number): boolean {
  return (
    type === Packet.WORK_COMPLETE || type === Packet.WORK_FAIL || type === Packet.WORK_EXCEPTION
  );
}
