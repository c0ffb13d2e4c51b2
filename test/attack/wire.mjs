/**
 * A raw peer of a job server for attacks: packets as bytes, a socket that can be read or not, waits for bytes.
 * Rule: nothing of the server's own code, so that a fault there cannot hide itself here.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Packet types by name, as the protocol numbers them. */
export const Type = {
  CAN_DO: 1,
  CANT_DO: 2,
  RESET_ABILITIES: 3,
  PRE_SLEEP: 4,
  SUBMIT_JOB: 7,
  GRAB_JOB: 9,
  WORK_STATUS: 12,
  WORK_COMPLETE: 13,
  WORK_FAIL: 14,
  GET_STATUS: 15,
  ECHO_REQ: 16,
  SUBMIT_JOB_BG: 18,
  SUBMIT_JOB_HIGH: 21,
  SET_CLIENT_ID: 22,
  CAN_DO_TIMEOUT: 23,
  ALL_YOURS: 24,
  WORK_EXCEPTION: 25,
  OPTION_REQ: 26,
  WORK_DATA: 28,
  WORK_WARNING: 29,
  GRAB_JOB_UNIQ: 30,
  SUBMIT_JOB_HIGH_BG: 32,
  SUBMIT_JOB_LOW: 33,
  SUBMIT_JOB_LOW_BG: 34,
  SUBMIT_JOB_EPOCH: 36,
  SUBMIT_REDUCE_JOB: 37,
  GRAB_JOB_ALL: 39,
  GET_STATUS_UNIQUE: 41,
};
const ASSIGN = Buffer.from('\0RES\0\0\0\x0b', 'latin1');
const NO_JOB = Buffer.from('\0RES\0\0\0\x0a', 'latin1');

const toBytes = (text) => (typeof text === 'string' ? Buffer.from(text, 'latin1') : text);

/** A request: the arguments joined by NUL. Strings are taken byte by byte (latin1). */
export function packet(type, ...args) {
  const parts = [];
  for (const [i, arg] of args.entries()) {
    if (i > 0) parts.push(Buffer.of(0));
    parts.push(toBytes(arg));
  }
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(12);
  head.write('\0REQ', 'latin1');
  head.writeUInt32BE(type >>> 0, 4);
  head.writeUInt32BE(body.length, 8);
  return Buffer.concat([head, body]);
}

/** The handle of a JOB_ASSIGN packet at the end of `bytes`. */
export function handleOf(bytes) {
  const at = bytes.lastIndexOf(ASSIGN);
  return bytes.subarray(at + 12, bytes.indexOf(0, at + 12)).toString('latin1');
}

let tokens = 0;

export class Peer {
  socket;
  /** Bytes received. */
  received = 0;
  isClosed = false;
  /** Resolves when the connection is gone, whoever ended it. */
  closed;
  /** The last bytes received, for `until`. */
  #tail = Buffer.alloc(0);
  #wakers = new Set();

  constructor(socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      this.received += bytes.length;
      this.#tail = Buffer.concat([this.#tail.subarray(-4096), bytes]);
      for (const wake of this.#wakers) wake();
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true;
        for (const wake of this.#wakers) wake();
        resolve();
      });
    });
  }

  /** Connects to a port of the loopback address; `tls` with TLS, without a look at the certificate. */
  static async connect(port, { tls = false } = {}) {
    const socket = tls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect(port, '127.0.0.1');
    const peer = new Peer(socket);
    await Promise.race([once(socket, tls ? 'secureConnect' : 'connect'), peer.closed]);
    return peer;
  }

  /** Sends bytes; resolves when they have left, or the connection is gone. */
  async send(...parts) {
    if (this.isClosed) return;
    const bytes = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    if (this.socket.write(bytes)) return;
    await Promise.race([once(this.socket, 'drain').catch(() => {}), this.closed]);
  }

  /** Sends what `make(i)` returns for i below `count`, about `chunkBytes` at a time. */
  async sendMany(count, make, chunkBytes = 65536) {
    let parts = [];
    let bytes = 0;
    for (let i = 0; i < count && !this.isClosed; i++) {
      const part = make(i);
      parts.push(part);
      bytes += part.length;
      if (bytes < chunkBytes) continue;
      await this.send(...parts);
      parts = [];
      bytes = 0;
    }
    if (parts.length > 0) await this.send(...parts);
  }

  /** Resolves with the last bytes once they contain one of `texts`; with null when the connection ends before. */
  until(...texts) {
    const wanted = texts.map(toBytes);
    return new Promise((resolve) => {
      const look = () => {
        const isThere = wanted.some((bytes) => this.#tail.includes(bytes));
        if (!isThere && !this.isClosed) return;
        this.#wakers.delete(look);
        const found = this.#tail;
        if (isThere) this.#tail = Buffer.alloc(0);
        resolve(isThere ? found : null);
      };
      this.#wakers.add(look);
      look();
    });
  }

  /** Resolves when everything sent so far has been handled: an ECHO has come back, or the connection has ended. */
  async barrier() {
    const token = `barrier ${++tokens};`;
    await this.send(packet(Type.ECHO_REQ, token));
    return (await this.until(token)) !== null;
  }

  /** Asks for a job and returns its handle; null when there is none, or the connection ends before. */
  async grab() {
    await this.send(packet(Type.GRAB_JOB));
    const found = await this.until(ASSIGN, NO_JOB);
    return found?.includes(ASSIGN) ? handleOf(found) : null;
  }

  pause() {
    this.socket.pause();
  }

  /** Reads again and throws away what comes. */
  resume() {
    this.socket.resume();
  }

  /** Ends it with a reset; a TLS connection, which cannot be reset from here, without its last messages. */
  reset() {
    if (this.socket.encrypted) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  end() {
    this.socket.end();
  }
}
