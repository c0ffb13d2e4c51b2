/**
 * Starts a built tool, with pipes or on a terminal of its own, and tells what it writes as it comes.
 * Rule: every process started here is gone after its test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import { type WatchedProcess, watchOutput } from '../../support/watch-output.ts';
import { toolPath } from './invoke.ts';

/** Bytes as Latin-1; of a terminal, both streams together. */
export interface Program extends WatchedProcess {
  /** Writes to its standard input, or presses keys on its terminal. */
  type(text: string | Uint8Array): void;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Closes standard input behind `stdin` at once; left open when it is undefined. */
  readonly stdin?: string | Uint8Array;
}

const running = new Set<ChildProcess>();

/** Ends what a test has started. Call it once a file. */
export function endPrograms(): void {
  afterEach(async () => {
    const children = [...running];
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(
      children.map((child) => new Promise((resolve) => child.once('close', resolve))),
    );
  });
}

/** Starts any command. */
export function launch(
  command: string,
  argv: readonly string[],
  options: ProgramOptions = {},
): Program {
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  for (const name of ['GEARMAN_SERVER', 'GEARMAN_SERVERS']) {
    if (options.env?.[name] === undefined) delete env[name];
  }
  const child = spawn(command, argv, { stdio: 'pipe', env });
  running.add(child);
  const watched = watchOutput(child, 'latin1');
  child.stdin.on('error', () => undefined);
  if (options.stdin !== undefined) child.stdin.end(options.stdin);
  void watched.ended.then(() => running.delete(child));
  return { ...watched, type: (text) => void child.stdin.write(text) };
}

/** Starts our `gearman` or `gearadmin`. */
export function startTool(
  tool: 'gearman' | 'gearadmin',
  argv: readonly string[],
  options: ProgramOptions = {},
): Program {
  return launch(process.execPath, [toolPath(tool), ...argv], options);
}

/** Runs our tool to its end. */
export async function runTool(
  tool: 'gearman' | 'gearadmin',
  argv: readonly string[],
  options: ProgramOptions = {},
): Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }> {
  const program = startTool(tool, argv, { stdin: '', ...options });
  const end = await program.ended;
  return { ...end, stdout: program.stdout(), stderr: program.stderr() };
}

/** A word for a shell. */
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The words of a shell that start our tool. */
export function shellWords(tool: 'gearman' | 'gearadmin', argv: readonly string[]): string {
  return [process.execPath, toolPath(tool), ...argv].map(quoted).join(' ');
}

/** Whether terminals can be had here; says why not. */
export const hasTerminals = requirePeer('script');

/** Runs a line of a shell on a terminal of 80 columns and 24 rows; its exit status is the line's. */
export function onTerminal(line: string, options: ProgramOptions = {}): Program {
  const env = { TERM: 'xterm', ...options.env };
  const sized = `stty cols 80 rows 24; ${line}`;
  return launch('script', ['-qefc', sized, '/dev/null'], { ...options, env });
}

/** A server that accepts and does what `onSocket` says; the port, and how to end it. */
export async function oddServer(
  onSocket: (socket: Socket) => void,
): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
