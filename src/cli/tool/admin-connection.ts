/**
 * A connection of a tool that speaks the text protocol: one command at a time, replies as a stream, because a listing
 * may be larger than memory and its reader slow. src/link/text-link.ts is that of programs, with whole replies. Rule:
 * the end of a reply is never guessed. An ECHO_REQ follows each command, and its answer comes after the complete reply.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { handleText } from '../../link/arguments.ts';
import { PacketReader } from '../../link/packet-reader.ts';
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

/** The header of a request. */
function request(type: number, payloadBytes: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  writeHeader(header, 0, type, payloadBytes);
  header.write('\0REQ', 'latin1');
  return header;
}

const ECHO_REQ = request(Packet.ECHO_REQ, 0);

interface Received {
  readonly type: number;
  /** One character a byte. */
  readonly text: string;
}

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
  readonly #reader = new PacketReader(
    (type, bytes, start, end) => {
      this.#packet = { type, text: handleText(bytes, start, end) };
    },
    (bytes, start, end) => this.#parts.push(Buffer.from(bytes.subarray(start, end))),
  );
  /** Text that has come and was not yielded yet, and the packet after it. */
  readonly #parts: Buffer[] = [];
  #packet: Received | null = null;
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
      yield* this.#parts.splice(0);
      const packet = this.#takePacket();
      if (packet?.type === Packet.ECHO_RES) return;
      if (packet !== null) throw notGearman();
      await this.#read();
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
    this.#socket.write(Buffer.concat([request(Packet.OPTION_REQ, option.length), option]));
    let answer = this.#takePacket();
    for (; answer === null; answer = this.#takePacket()) await this.#read();
    if (answer.text.startsWith('NOT_ALLOWED\0'))
      throw new Error('the server does not know the token');
  }

  #takePacket(): Received | null {
    const packet = this.#packet;
    this.#packet = null;
    return packet;
  }

  /** Waits for bytes and cuts them into parts of the reply and the packet at its end. */
  async #read(): Promise<void> {
    const { done, value } = await this.#chunks.next().catch((error) => {
      throw this.#isAnswered || error.code !== 'ECONNRESET' ? error : this.#closed(error);
    });
    if (done === true) throw this.#closed();
    this.#isAnswered = true;
    try {
      this.#reader.push(value, value.length);
    } catch (error) {
      throw notGearman(error);
    }
  }

  #closed(cause?: Error): Error {
    const hint = this.#isAnswered ? '' : `; ${closedHint(this.#tls)}`;
    return new Error(`the server closed the connection before it answered${hint}`, { cause });
  }
}

function notGearman(cause?: unknown): Error {
  return new Error('the other side is not a Gearman job server', { cause });
}
