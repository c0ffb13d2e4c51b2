/** Peers of TLS ports for tests: openssl, node:tls, and sockets that speak no TLS. */
import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';

/** What a peer got until its connection ended, and how that was. */
export interface Ending {
  readonly text: string;
  /** Code of the error, such as ECONNRESET; null for an orderly end. */
  readonly error: string | null;
}

export function endingOf(socket: Socket): Promise<Ending> {
  return new Promise((resolve) => {
    let text = '';
    let error: string | null = null;
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
    });
    socket.on('error', (failure: NodeJS.ErrnoException) => {
      error = failure.code ?? failure.message;
    });
    socket.on('close', () => resolve({ text, error }));
  });
}

/** Sends bytes without TLS and waits for the end. */
export function sayPlain(port: number, bytes: string | Uint8Array): Promise<Ending> {
  const socket = connect(port, '127.0.0.1');
  const ending = endingOf(socket);
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  return ending;
}

/** Connects by TLS; rejects when the handshake fails. */
export function connectSecurely(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ...options });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      socket.removeListener('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** Sends a line and resolves with the first answer. */
export function ask(socket: Socket, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (bytes) => resolve(bytes.toString('latin1')));
    socket.once('close', () => reject(new Error(`closed before the answer to ${line}`)));
    socket.write(`${line}\n`);
  });
}

/** `openssl s_client` with `words`; sends `input`, ends after the first bytes of the answer. */
export function sClient(
  port: number,
  words: readonly string[],
  input: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const argv = ['s_client', '-connect', `127.0.0.1:${port}`, '-quiet', '-no_ign_eof', ...words];
    const child = spawn('openssl', argv);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes) => {
      stdout += bytes;
      child.stdin.end();
    });
    child.stderr.on('data', (bytes) => {
      stderr += bytes;
    });
    child.stdin.on('error', () => {});
    child.stdin.write(input);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
