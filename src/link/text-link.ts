/**
 * The library's link to the text protocol of one job server. Rule: the end of a reply is never guessed. An ECHO_REQ
 * without data follows each command, and its answer comes after the complete reply. Source: Gearman PROTOCOL, text and
 * binary share a connection, replies keep the order of requests.
 */
import { LINE_BYTES_MAX } from '../protocol/limits.ts';
import { Packet } from '../protocol/packets.ts';
import { splitText } from './arguments.ts';
import type { Endpoint } from './endpoint.ts';
import { ArgumentError, type ConnectionError } from './errors.ts';
import { Fifo } from './fifo.ts';
import { Link } from './link.ts';
import { writeClientId } from './request-writer.ts';
import type { ConnectionSettings } from './settings.ts';
import { Watchers } from './watchers.ts';

/** A command that was sent and not answered yet. */
interface Pending {
  resolve(reply: Buffer): void;
  reject(error: ConnectionError): void;
}

export class TextLink {
  readonly #link: Link;
  readonly #watchers = new Watchers();
  readonly #pending = new Fifo<Pending>();
  /** The reply to the oldest pending command, as far as it has come. */
  #parts: Buffer[] = [];
  #closed: ConnectionError | null = null;

  constructor(endpoint: Endpoint, settings: ConnectionSettings) {
    const look = (): void => this.#watchers.look();
    this.#link = new Link(endpoint, settings, {
      greet: (writer) => writeClientId(writer, settings.id),
      onReady: look,
      onPacket: (type, bytes, start, end) => this.#onPacket(type, bytes, start, end),
      onText: (bytes, start, end) => this.#onText(bytes, start, end),
      onDrained: () => undefined,
      onLost: (error) => {
        this.#fail(error);
        look();
      },
      onFailed: look,
      onChange: () => undefined,
    });
  }

  /** The job server: `host:port`, `unix:/path` or `in process`. */
  get label(): string {
    return this.#link.label;
  }

  /** Why the last connection ended or failed; null when it is ready or has never failed. */
  get lastError(): ConnectionError | null {
    return this.#link.lastError;
  }

  /**
   * Gives a command, a line without its end, one character a byte, and resolves with the whole reply. Connects when
   * needed. Rejects with ConnectionError, and with ArgumentError when the line is too long.
   */
  async ask(command: string): Promise<Buffer> {
    if (command.length >= LINE_BYTES_MAX)
      throw new ArgumentError(`command: is ${command.length} bytes, limit ${LINE_BYTES_MAX - 1}`);
    this.#link.start();
    await this.#watchers.until(() => {
      if (this.#closed !== null) throw this.#closed;
      if (this.#link.state === 'ready') return true;
      if (this.#link.lastError !== null) throw this.#link.lastError;
      return false;
    });
    return this.#send(command);
  }

  /** Ends the connection; pending commands end with `error`. */
  async close(error: ConnectionError): Promise<void> {
    this.#closed = error;
    const gone = this.#link.close();
    this.#fail(error);
    this.#watchers.look();
    await gone;
  }

  #send(command: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const { writer } = this.#link;
      if (writer === null) {
        // The connection ended between the check and now.
        reject(this.#closed ?? this.#link.lastError);
        return;
      }
      this.#pending.push({ resolve, reject });
      writer.line(Buffer.from(`${command}\r\n`, 'latin1'));
      writer.bare(Packet.ECHO_REQ);
      this.#link.flushSoon();
    });
  }

  #onText(bytes: Uint8Array, start: number, end: number): void {
    if (this.#pending.size > 0) this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    else this.#link.drop('ERR_GEARMAN_PROTOCOL', 'sent text to no command');
  }

  #onPacket(type: number, bytes: Uint8Array, start: number, end: number): void {
    const isEnd = type === Packet.ECHO_RES && start === end;
    const pending = isEnd ? this.#pending.shift() : undefined;
    if (pending === undefined) {
      const what =
        type === Packet.ERROR ? splitText(bytes, start, end, 2).join(' ') : `type ${type}`;
      this.#link.drop('ERR_GEARMAN_PROTOCOL', `sent a packet to no request: ${what}`);
      return;
    }
    const reply = Buffer.concat(this.#parts);
    this.#parts = [];
    pending.resolve(reply);
  }

  #fail(error: ConnectionError): void {
    this.#parts = [];
    for (const pending of this.#pending.takeAll()) pending.reject(error);
  }
}
