/**
 * Starts job servers for tests on free loopback ports: ours (`dist/cli/gearmand.js`) and the C gearmand.
 * Rule: a server counts as started when it answers an ECHO; every server is gone when the test process ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from './find-program.ts';
import { freePort } from './free-port.mjs';
import type { Transcript } from './transcript.ts';
import { WireConnection } from './wire.ts';

export type ServerKind = 'geartrain' | 'gearmand';

export interface ServerOptions {
  /** `--threads`: shards of ours (default 0), I/O threads of gearmand (default 1: one thread does all). */
  readonly threads?: number;
  /** Ours only: false sets GEARTRAIN_NATIVE=0; the default is that of the environment. */
  readonly native?: boolean;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface TestServer {
  readonly kind: ServerKind;
  /** `geartrain --threads 2, TypeScript core` */
  readonly label: string;
  readonly port: number;
  readonly pid: number;
  /** What it wrote to stdout and stderr so far. */
  readonly output: () => string;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly isRunning: () => boolean;
  connect(name?: string, transcript?: Transcript | null): Promise<WireConnection>;
  /** Ends it (SIGTERM, after 5 s SIGKILL) and waits until it is gone. */
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Entry of our daemon, there only after a build; GEARTRAIN_DAEMON names another build. */
export const daemonPath = process.env.GEARTRAIN_DAEMON ?? join(root, 'dist/cli/gearmand.js');

/** Servers that run, with their scratch folders. */
const running = new Map<ChildProcess, string>();
process.once('exit', () => {
  for (const [child, scratch] of running) {
    child.kill('SIGKILL');
    rmSync(scratch, { recursive: true, force: true });
  }
});

/** Resolves when connections to `port` are refused. The end of a listener cannot be awaited from outside. */
export async function untilRefused(port: number): Promise<void> {
  for (;;) {
    const isRefused = await new Promise<boolean>((resolve) => {
      const probe = connect(port, '127.0.0.1', () => probe.destroy());
      probe.once('error', () => resolve(true));
      probe.once('close', () => resolve(false));
    });
    if (isRefused) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Starts a server by kind. Rejects with its output when it ends before it answers. */
export async function startServer(
  kind: ServerKind,
  options: ServerOptions = {},
): Promise<TestServer> {
  // The port may be taken between the probe and the server's bind, so a failed start is tried twice more.
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(kind, options);
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

/** Label of a server, before it is started. */
export function labelOf(kind: ServerKind, options: ServerOptions = {}): string {
  const extra = options.args === undefined ? '' : ` ${options.args.join(' ')}`;
  if (kind === 'gearmand') return `gearmand --threads ${options.threads ?? 1}${extra}`;
  const flavour = options.native === false ? ', TypeScript core' : '';
  return `geartrain --threads ${options.threads ?? 0}${extra}${flavour}`;
}

async function startOnce(kind: ServerKind, options: ServerOptions): Promise<TestServer> {
  const port = await freePort();
  const scratch = mkdtempSync(join(tmpdir(), 'geartrain-test-'));
  // For a server that switches to another user.
  chmodSync(scratch, 0o777);
  const args = [
    '--listen=127.0.0.1',
    `--port=${port}`,
    `--threads=${options.threads ?? (kind === 'gearmand' ? 1 : 0)}`,
    '--log-file=stderr',
    `--pid-file=${join(scratch, 'pid')}`,
    ...(options.args ?? []),
  ];
  const child = launch(kind, args, options);
  running.set(child, scratch);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output = `${output}${chunk}`.slice(-100_000);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    output = `${output}${chunk}`.slice(-100_000);
  });
  let isRunning = true;
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    const gone = (code: number | null, signal: NodeJS.Signals | null): void => {
      isRunning = false;
      running.delete(child);
      rmSync(scratch, { recursive: true, force: true });
      resolve({ code, signal });
    };
    child.once('exit', () => {
      isRunning = false;
    });
    // After `exit`, when all it wrote has been read.
    child.once('close', gone);
    child.once('error', (error) => {
      output += error.message;
      gone(null, null);
    });
  });
  const connect = (name = 'peer', transcript: Transcript | null = null): Promise<WireConnection> =>
    WireConnection.connect({ port, name, transcript });
  const stop = async (): Promise<void> => {
    if (!isRunning) return;
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
    await exited;
    clearTimeout(hard);
  };
  const server: TestServer = {
    kind,
    label: labelOf(kind, options),
    port,
    pid: child.pid ?? 0,
    output: () => output,
    exited,
    isRunning: () => isRunning,
    connect,
    stop,
  };
  try {
    await untilEcho(server);
  } catch (error) {
    await stop();
    throw new Error(`start ${server.label}: ${String(error)}\n${output}`);
  }
  return server;
}

function launch(kind: ServerKind, args: string[], options: ServerOptions): ChildProcess {
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  // Both servers read these; tests decide the port and the binding themselves.
  delete env.GEARMAND_PORT;
  if (kind === 'geartrain' && options.native !== undefined) {
    if (options.native) delete env.GEARTRAIN_NATIVE;
    else env.GEARTRAIN_NATIVE = '0';
  }
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  if (kind === 'gearmand') return spawn(gearmandPath(), args, { env, stdio });
  if (!existsSync(daemonPath)) throw new Error('dist/cli/gearmand.js is missing: npm run build');
  return spawn(process.execPath, [daemonPath, ...args], { env, stdio });
}

/** Where the C gearmand is, or the bare name where there is none. */
export function gearmandPath(): string {
  return findProgram('gearmand') ?? 'gearmand';
}

async function untilEcho(server: TestServer): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    if (!server.isRunning()) throw new Error('it ended at once');
    try {
      const connection = await server.connect('probe');
      await connection.barrier();
      await connection.close();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      // A refused connection is not an event that can be awaited from outside.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
