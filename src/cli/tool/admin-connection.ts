/**
 * A connection that speaks the text protocol. Rule: the end of a reply is never guessed. An ECHO_REQ follows each
 * command. Its answer comes after the complete reply and begins with a NUL, which no text of a job server contains.
 * Source: Gearman PROTOCOL, text and binary share a connection, replies keep the order of requests.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { writeHeader } from '../../protocol/encode.ts';
import { HEADER_BYTES } from '../../protocol/limits.ts';
import { Packet } from '../../protocol/packets.ts';
import { closedHint, type TlsSettings } from './tls.ts';

export type AdminAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

export interface AdminOptions {
  readonly tls: TlsSettings | null;
  /** Sent before the first command. */
  readonly token: string | null;
  /** Longest silence while a reply is due; 0 = no limit. */
  readonly timeoutMs: number;
}

function echo(type: number, magic: string): Buffer {
  const packet = Buffer.alloc(HEADER_BYTES);
  writeHeader(packet, 0, type, 0);
  packet.write(magic, 'latin1');
  return packet;
}

const ECHO_REQ = echo(Packet.ECHO_REQ, '\0REQ');
const ECHO_RES = echo(Packet.ECHO_RES, '\0RES');
const NUL = 0;

function open(address: AdminAddress, tls: TlsSettings | null): Socket {
  if (tls === null) return connect(address);
  const name = 'host' in address ? { servername: serverName(address.host) } : {};
  return connectTls({ ...address, ...tls, ...name });
}

/** TLS sends names only, not addresses. */
function serverName(host: string): string {
  return /^[\d.]+$|:/.test(host) ? '' : host;
}

export class AdminConnection {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #tls: TlsSettings | null;
  #unread: Buffer = Buffer.alloc(0);
  #isAnswered = false;

  private constructor(socket: Socket, tls: TlsSettings | null) {
    this.#socket = socket;
    this.#tls = tls;
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  /** Connects; rejects with the system's error, a TLS error, or an error about an unknown token. */
  static async open(address: AdminAddress, options: AdminOptions): Promise<AdminConnection> {
    const connection = await AdminConnection.#connect(address, options);
    if (options.token === null) return connection;
    try {
      await connection.#showToken(options.token);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  static #connect(address: AdminAddress, options: AdminOptions): Promise<AdminConnection> {
    const { tls, timeoutMs } = options;
    return new Promise((resolve, reject) => {
      const socket = open(address, tls);
      socket.setTimeout(timeoutMs, () => {
        socket.destroy(new Error(`no answer within ${timeoutMs} ms`));
      });
      socket.once('error', reject);
      socket.once(tls === null ? 'connect' : 'secureConnect', () => {
        socket.off('error', reject);
        resolve(new AdminConnection(socket, tls));
      });
    });
  }

  /**
   * Sends a command and yields its reply in parts. Read it to its end before the next command. Throws when the
   * connection ends before.
   */
  async *ask(command: string): AsyncGenerator<Buffer> {
    this.#socket.write(Buffer.concat([Buffer.from(`${command}\r\n`), ECHO_REQ]));
    for (;;) {
      const chunk = await this.#next();
      const nul = chunk.indexOf(NUL);
      if (nul !== 0) yield nul < 0 ? chunk : chunk.subarray(0, nul);
      if (nul < 0) continue;
      await this.#takeEcho(chunk.subarray(nul));
      return;
    }
  }

  /** The whole reply; only for short ones. */
  async askText(command: string): Promise<string> {
    const parts: Buffer[] = [];
    for await (const part of this.ask(command)) parts.push(part);
    return Buffer.concat(parts).toString();
  }

  close(): void {
    this.#socket.destroy();
  }

  /**
   * Sends the token. A server without tokens answers that it does not know the option; then it has no rules that need
   * one.
   */
  async #showToken(token: string): Promise<void> {
    const option = Buffer.from(`token:${token}`);
    const head = Buffer.alloc(HEADER_BYTES);
    writeHeader(head, 0, Packet.OPTION_REQ, option.length);
    head.write('\0REQ', 'latin1');
    this.#socket.write(Buffer.concat([head, option]));
    let answer = await this.#next();
    const isShort = () =>
      answer.length < HEADER_BYTES || answer.length < HEADER_BYTES + answer.readUInt32BE(8);
    while (isShort()) answer = Buffer.concat([answer, await this.#next()]);
    const end = HEADER_BYTES + answer.readUInt32BE(8);
    const text = answer.toString('latin1', HEADER_BYTES, end);
    if (text.startsWith('NOT_ALLOWED\0')) throw new Error('the server does not know the token');
    this.#unread = answer.subarray(end);
  }

  async #next(): Promise<Buffer> {
    const unread = this.#unread;
    this.#unread = Buffer.alloc(0);
    if (unread.length > 0) return unread;
    const { done, value } = await this.#chunks.next().catch((error) => {
      throw this.#isAnswered || error.code !== 'ECONNRESET' ? error : this.#closed(error);
    });
    if (done === true) throw this.#closed();
    this.#isAnswered = true;
    return value;
  }

  #closed(cause?: Error): Error {
    const hint = this.#isAnswered ? '' : `; ${closedHint(this.#tls)}`;
    return new Error(`the server closed the connection before it answered${hint}`, { cause });
  }

  async #takeEcho(start: Buffer): Promise<void> {
    let packet = start;
    while (packet.length < HEADER_BYTES) packet = Buffer.concat([packet, await this.#next()]);
    if (!packet.subarray(0, HEADER_BYTES).equals(ECHO_RES)) {
      throw new Error('the other side is not a Gearman job server');
    }
    this.#unread = packet.subarray(HEADER_BYTES);
  }
}
