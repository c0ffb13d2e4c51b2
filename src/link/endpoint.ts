/**
 * How a stream to a job server is opened: TCP, TLS, Unix socket or a server in the same process. Names are resolved
 * anew for every connection. Rule: the caller that opens a stream destroys it; failures are reported as events of the
 * stream.
 */
import { connect as connectSocket, isIP, type LookupFunction, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';
import { type ParsedAddress, parseAddress, type ServerAddress, showAddress } from './address.ts';

const READ_BYTES = 65_536;
const TCP_KEEPALIVE_MS = 60_000;

/** A job server in the same process, such as the result of `createServer`. */
export interface InProcessServer {
  /** Opens a connection in memory; the stream is ready at once. */
  connect(): Duplex;
}

/** Events of an open stream. */
export interface StreamEvents {
  /** The stream is open: bytes may be written. */
  onOpen(): void;
  /** `bytes[0, count)` have arrived; valid until the call returns. */
  onBytes(bytes: Uint8Array, count: number): void;
  /** Called once; `error` is null when the other side has ended the stream. */
  onClosed(error: Error | null): void;
}

/** One job server. */
export interface Endpoint {
  /** `host:port`, `unix:/path` or `in process`. */
  readonly label: string;
  /** If the server closes before its first answer, what it may have expected from us; empty when nothing is likely. */
  readonly expectation: string;
  open(events: StreamEvents): Duplex;
}

/**
 * `true` verifies the server with the certificate authorities of Node.js; `false` is no TLS; an object has options of
 * `tls.connect`.
 */
export type TlsSetting = boolean | TlsOptions;

/** Throws ArgumentError for an invalid address. */
export function endpointOf(
  address: ServerAddress,
  tls: TlsSetting,
  lookup: LookupFunction | undefined,
): Endpoint {
  const parsed = parseAddress(address);
  return {
    label: showAddress(parsed),
    expectation: expectationOf(tls),
    open: (events) =>
      tls === false
        ? openPlain(parsed, lookup, events)
        : openTls(parsed, tls === true ? {} : tls, lookup, events),
  };
}

function expectationOf(tls: TlsSetting): string {
  if (tls === false) return 'it may expect TLS';
  const hasCertificate = typeof tls === 'object' && (tls.cert ?? tls.pfx) !== undefined;
  return hasCertificate
    ? 'it may not accept the certificate of this client'
    : 'it may ask for a certificate of clients';
}

/** The endpoint of a server in the same process. */
export function endpointInProcess(server: InProcessServer): Endpoint {
  return {
    label: 'in process',
    expectation: '',
    open(events) {
      const stream = server.connect();
      watch(stream, events);
      stream.on('data', (bytes: Uint8Array) => events.onBytes(bytes, bytes.length));
      process.nextTick(() => {
        if (!stream.destroyed) events.onOpen();
      });
      return stream;
    },
  };
}

function openPlain(
  address: ParsedAddress,
  lookup: LookupFunction | undefined,
  events: StreamEvents,
): Socket {
  const socket = connectSocket({
    ...address,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
    ...(lookup !== undefined && { lookup }),
    // One piece of memory for all reads: data that the program keeps is copied.
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback(count, bytes) {
        events.onBytes(bytes as Uint8Array, count);
        return true;
      },
    },
  });
  socket.once('connect', () => events.onOpen());
  watch(socket, events);
  return socket;
}

function openTls(
  address: ParsedAddress,
  tls: TlsOptions,
  lookup: LookupFunction | undefined,
  events: StreamEvents,
): Socket {
  // Both names and addresses are checked against the certificate; only names may be sent as server name.
  const name = 'host' in address && isIP(address.host) === 0 ? { servername: address.host } : {};
  const socket = connectTls({
    ...name,
    ...(lookup !== undefined && { lookup }),
    ...tls,
    ...address,
  });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
  socket.once('secureConnect', () => events.onOpen());
  socket.on('data', (bytes: Uint8Array) => events.onBytes(bytes, bytes.length));
  watch(socket, events);
  return socket;
}

function watch(stream: Duplex, events: StreamEvents): void {
  let failure: Error | null = null;
  stream.once('error', (error) => {
    failure = error;
  });
  // Later errors are ignored.
  stream.on('error', () => undefined);
  stream.once('end', () => stream.destroy());
  stream.once('close', () => events.onClosed(failure));
}
