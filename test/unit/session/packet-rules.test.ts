/**
 * What the server makes of each packet type, written out by hand: shape, right, kind, and what a submit is. It is
 * compared with what a thread does, so that a slip in the packet table shows. `args` counts arguments, `+` is data;
 * `named` is what is hashed; `right` is what a peer needs where there are rules of access.
 */
import { describe, expect, it } from 'vitest';
import { Flag } from '../../../src/broker/jobs.ts';
import {
  ARG_COUNT,
  HAS_DATA,
  MAY_BE_SHORT,
  NAMES,
  PACKET_NAMES,
} from '../../../src/protocol/packet-columns.ts';
import { type AccessRule, parseRule } from '../../../src/session/access.ts';
import { OwnThread } from '../../support/own-thread.ts';
import { itemLength, itemOf, rawPacket, type WirePacket } from '../../support/packet-text.ts';

const TABLE = `
  type name                         args named           short right  kind     submits
  1    CAN_DO                       1    function        -     work   offer    -
  2    CANT_DO                      1    function        -     none   withdraw -
  3    RESET_ABILITIES              0    -               -     none   reset    -
  4    PRE_SLEEP                    0    -               -     none   sleep    -
  5    UNUSED                       0    -               -     none   refused  -
  6    NOOP                         0    -               -     none   refused  -
  7    SUBMIT_JOB                   2+   function,unique -     submit submit   normal
  8    JOB_CREATED                  1    -               -     none   refused  -
  9    GRAB_JOB                     0    -               -     none   grab     -
  10   NO_JOB                       0    -               -     none   refused  -
  11   JOB_ASSIGN                   2+   -               -     none   refused  -
  12   WORK_STATUS                  3    -               short none   work     -
  13   WORK_COMPLETE                1+   -               short none   work     -
  14   WORK_FAIL                    1    -               -     none   work     -
  15   GET_STATUS                   1    -               -     any    status   -
  16   ECHO_REQ                     0+   -               -     none   echo     -
  17   ECHO_RES                     0+   -               -     none   refused  -
  18   SUBMIT_JOB_BG                2+   function,unique -     submit submit   normal,background
  19   ERROR                        2    -               -     none   refused  -
  20   STATUS_RES                   5    -               -     none   refused  -
  21   SUBMIT_JOB_HIGH              2+   function,unique -     submit submit   high
  22   SET_CLIENT_ID                1    -               -     none   clientId -
  23   CAN_DO_TIMEOUT               2    function        -     work   offer    -
  24   ALL_YOURS                    0    -               -     none   ignored  -
  25   WORK_EXCEPTION               1+   -               short none   work     -
  26   OPTION_REQ                   1    -               -     none   option   -
  27   OPTION_RES                   1    -               -     none   refused  -
  28   WORK_DATA                    1+   -               short none   work     -
  29   WORK_WARNING                 1+   -               short none   work     -
  30   GRAB_JOB_UNIQ                0    -               -     none   grab     -
  31   JOB_ASSIGN_UNIQ              3+   -               -     none   refused  -
  32   SUBMIT_JOB_HIGH_BG           2+   function,unique -     submit submit   high,background
  33   SUBMIT_JOB_LOW               2+   function,unique -     submit submit   low
  34   SUBMIT_JOB_LOW_BG            2+   function,unique -     submit submit   low,background
  35   SUBMIT_JOB_SCHED             7+   -               -     none   refused  -
  36   SUBMIT_JOB_EPOCH             3+   function,unique -     submit submit   normal,background,epoch
  37   SUBMIT_REDUCE_JOB            4+   function,unique -     submit submit   normal,reducer
  38   SUBMIT_REDUCE_JOB_BACKGROUND 4+   function,unique -     submit submit   normal,background,reducer
  39   GRAB_JOB_ALL                 0    -               -     none   grab     -
  40   JOB_ASSIGN_ALL               4+   -               -     none   refused  -
  41   GET_STATUS_UNIQUE            1    -               -     any    statusByUnique -
  42   STATUS_RES_UNIQUE            6    -               -     none   refused  -
`;
const LINES = TABLE.trim()
  .split('\n')
  .slice(1)
  .map((line) => line.trim().split(/ +/));
const TYPES = LINES.map(([type]) => Number(type));

/** Function, unique (or timeout), start time (or reducer) and what else a type may have. */
const ARGUMENTS = ['offered', '7', '2000000000', 'x', 'x', 'x', 'x'];

/** A peer of a thread that offers two functions. */
function start(access?: readonly AccessRule[]) {
  const thread = new OwnThread(access === undefined ? {} : { access });
  const conn = thread.reactor.connect({});
  const send = (type: number, args: readonly string[]): WirePacket | null => {
    const isJoined = HAS_DATA[type] === 1 ? [...args, ''] : args;
    thread.reactor.push(conn, rawPacket(type, isJoined.join('\0')));
    thread.run();
    const heard = Buffer.from(thread.reactor.take(conn));
    if (heard.length === 0) return null;
    expect(itemLength(heard)).toBe(heard.length);
    return itemOf(heard) as WirePacket;
  };
  return { thread, conn, send };
}

const argumentsOf = (type: number): string[] => ARGUMENTS.slice(0, ARG_COUNT[type]);

const codeOf = (reply: WirePacket | null): string =>
  reply?.name === 'ERROR' ? String(reply.args[0]) : '';

/** The right that alone lets a peer send `type`. */
function rightOf(type: number): string {
  const allows = (...texts: string[]): boolean => {
    const { send } = start(texts.map((text) => parseRule(text) as AccessRule));
    return codeOf(send(type, argumentsOf(type))) !== 'NOT_ALLOWED';
  };
  if (allows()) return 'none';
  const found = ['submit', 'work', 'admin'].filter((right) => allows(`any=${right}`));
  expect(allows('any=submit,work,admin:another')).toBe(found.length === 3);
  return found.length === 3 ? 'any' : found.join();
}

/** What becomes of a packet, by what is heard and by what has changed. */
function kindOf(type: number): string {
  const { thread, conn, send } = start();
  for (const name of ['offered', 'another']) send(1, [name]);
  const reply = send(type, argumentsOf(type));
  const known = KIND_BY_REPLY[reply?.name ?? ''] ?? KIND_BY_ERROR[codeOf(reply)];
  if (reply !== null) return known ?? `reply ${reply.name} ${codeOf(reply)}`;
  const session = thread.table.live(conn);
  if (session === null) return 'closed';
  if (session.isAsleep) return 'sleep';
  if (session.clientId !== null) return 'clientId';
  const { functions } = thread.broker;
  return (
    KIND_BY_REGISTRATIONS[`${functions.at(1)?.registrations},${functions.at(2)?.registrations}`] ??
    '?'
  );
}

const KIND_BY_REPLY: Readonly<Record<string, string>> = {
  JOB_CREATED: 'submit',
  NO_JOB: 'grab',
  ECHO_RES: 'echo',
  STATUS_RES: 'status',
  STATUS_RES_UNIQUE: 'statusByUnique',
};
const KIND_BY_ERROR: Readonly<Record<string, string>> = {
  JOB_NOT_FOUND: 'work',
  UNKNOWN_OPTION: 'option',
  INVALID_COMMAND: 'refused',
};
/** Of the function that is named and of another one. */
const KIND_BY_REGISTRATIONS: Readonly<Record<string, string>> = {
  '2,1': 'offer',
  '0,1': 'withdraw',
  '0,0': 'reset',
  '1,1': 'ignored',
};

/** Priority, background and extra of the job that a submit makes. */
function submitsOf(type: number): string {
  const { thread, send } = start();
  send(type, argumentsOf(type));
  const { jobs } = thread.broker;
  const job = jobs.table.next(0);
  if (job === 0) return '-';
  const facts = [['high', 'normal', 'low'][jobs.priority(job)]];
  if (jobs.has(job, Flag.BACKGROUND)) facts.push('background');
  if (jobs.state(job) === Flag.SCHEDULED) facts.push('epoch');
  if (jobs.has(job, Flag.HAS_REDUCER)) facts.push('reducer');
  return facts.join();
}

describe('a packet type', () => {
  it('has a line here, whatever its number', () => {
    expect(TYPES).toEqual(PACKET_NAMES.slice(1).map((_, index) => index + 1));
  });

  it.each(LINES)('%s %s is %s, %s, %s, %s, %s, %s', (...line) => {
    const type = Number(line[0]);
    const args = `${ARG_COUNT[type]}${HAS_DATA[type] === 1 ? '+' : ''}`;
    const named = ['-', 'function', 'function,unique'][NAMES[type] as number];
    const short = MAY_BE_SHORT[type] === 1 ? 'short' : '-';
    const found = [line[0], PACKET_NAMES[type], args, named, short];
    expect([...found, rightOf(type), kindOf(type), submitsOf(type)]).toEqual(line);
  });

  it('that names a reducer needs the right for it too', () => {
    const access = [parseRule('any=submit:offered') as AccessRule];
    for (const type of [37, 38]) {
      const [fn, unique, reducer, more] = argumentsOf(type) as [string, string, string, string];
      expect(codeOf(start(access).send(type, [fn, unique, reducer, more]))).toBe('NOT_ALLOWED');
      expect(codeOf(start(access).send(type, [fn, unique, '', more]))).toBe('');
    }
  });

  it.each(TYPES)('%s with the magic of replies is refused', (type) => {
    const { thread, conn } = start();
    const args = HAS_DATA[type] === 1 ? [...argumentsOf(type), ''] : argumentsOf(type);
    thread.reactor.push(conn, rawPacket(type, args.join('\0'), { magic: '\0RES' }));
    thread.run();
    const heard = itemOf(Buffer.from(thread.reactor.take(conn))) as WirePacket;
    expect(codeOf(heard)).toBe('INVALID_MAGIC');
  });
});
