/**
 * Records that threads send each other about connections and jobs. Fields a..d and payload by kind:
 *
 *   home -> owner                            owner -> home
 *   FRAME  a conn, b place, c type: payload  REPLY   a conn, b place: packet
 *   SLEEP  a conn, b sleep number            NOTIFY  a conn, b copies: packet
 *   AWAKE  a conn                            WAKE    a conn, b sleep number
 *   GONE   a conn                            REVOKE  a 1 = late, b and c serial (low, high), d conn
 *   ASK    a question number: JSON           CLOSE   a conn: reason
 *   MOVE   a descriptor: connection          ANSWER  a question number: JSON, \0, bytes
 *   HANDSHAKE a descriptor, b port: address     LEFT    address
 *
 * RELIEVE, between any two: memory is full, and the connection that holds most lives where this goes to (relief.ts).
 * MOVE: moving.ts. HANDSHAKE, from the acceptor: a peer that begins with a handshake (handshakes.ts).
 * LEFT, to the acceptor: a connection that it let in has ended (entrance.ts).
 *
 * Rule: all records of one connection to one owner go through one ring, so the owner sees request order.
 */
export const RecordKind = {
  FRAME: 1,
  SLEEP: 2,
  AWAKE: 3,
  GONE: 4,
  ASK: 5,
  MOVE: 6,
  REPLY: 7,
  NOTIFY: 8,
  WAKE: 9,
  REVOKE: 10,
  CLOSE: 11,
  ANSWER: 12,
  HANDSHAKE: 13,
  LEFT: 14,
  RELIEVE: 15,
} as const;
