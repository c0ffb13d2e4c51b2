/**
 * Runs the built command `gearmand` for tests: what it prints, how it ends, what it answers.
 * Rule: every process started here is gone after the test, also those in the background.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type NetConnectOpts } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { daemonPath } from '../../support/servers.ts';
import { type WatchedProcess, watchOutput } from '../../support/watch-output.ts';

export interface Run extends WatchedProcess {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
}

export interface RunOptions {
  /** `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** A script of sh that ends with `exec "$@"`, the command. */
  readonly script?: string;
  /** Become this user, without groups. Only root can. */
  readonly uid?: number;
}

const runs = new Set<Run>();
const strangers = new Set<number>();
let folder = '';

/** A new empty folder for each test. */
export function scratch(...names: string[]): string {
  return join(folder, ...names);
}

/** Makes the folder before each test and ends everything after it. Call it once a file. */
export function useScratch(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'geartrain-daemon-'));
  });
  afterEach(async () => {
    for (const run of runs) run.kill('SIGKILL');
    for (const pid of strangers) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    strangers.clear();
    await Promise.all([...runs].map((run) => run.ended));
    rmSync(folder, { recursive: true, force: true });
  });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A process that the test did not start itself, to be ended with it. */
export function adopt(pid: number): number {
  strangers.add(pid);
  return pid;
}

function environment(extra: RunOptions['env']): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...extra };
  // Inside a container the default would be another one.
  env.GEARTRAIN_LOG_FORMAT ??= 'gearmand';
  if (extra?.GEARMAND_PORT === undefined) delete env.GEARMAND_PORT;
  return env;
}

/** Starts the command; returns at once. */
export function start(argv: readonly string[], options: RunOptions = {}): Run {
  const command = [process.execPath, daemonPath, ...argv];
  const { script, uid } = options;
  const words = script === undefined ? command : ['/bin/sh', '-c', script, 'sh', ...command];
  const child = spawn(words[0] as string, words.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd ?? folder,
    env: environment(options.env),
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const watched = watchOutput(child, 'utf8');
  const run: Run = {
    ...watched,
    pid: child.pid as number,
    kill: (signal) => void child.kill(signal),
  };
  void watched.ended.then(() => runs.delete(run));
  runs.add(run);
  return run;
}

/** Runs the command to its end. */
export async function runToEnd(
  argv: readonly string[],
  options: RunOptions = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const run = start(argv, options);
  const { code } = await run.ended;
  return { code, stdout: run.stdout(), stderr: run.stderr() };
}

export interface Daemon extends Run {
  readonly port: number;
  readonly startLine: string;
}

/** Starts the command on a free loopback port with `--threads 0`, not warmed up, and resolves when it listens. */
export async function startDaemon(
  argv: readonly string[] = [],
  options: RunOptions = {},
): Promise<Daemon> {
  const isPlaced = argv.some((word) => word === '-L' || word === '-p');
  const place = isPlaced ? [] : ['-p', '0', '-L', '127.0.0.1'];
  const threads = argv.includes('-t') ? [] : ['-t', '0'];
  const run = start([...place, ...threads, '--warm-up=0', ...argv], options);
  const [startLine] = await run.until(/^geartrain .*$/m);
  return { ...run, startLine, port: Number(/:(\d+)(,|$)/.exec(startLine)?.[1] ?? 0) };
}

/** The answer to one text command of one line or one list, on a connection of its own. */
export function ask(command: string, where: number | NetConnectOpts): Promise<string> {
  const options = typeof where === 'number' ? { port: where, host: '127.0.0.1' } : where;
  const end = command === 'version' ? '\n' : '.\n';
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(options, () => socket.write(`${command}\n`));
    socket.on('data', (chunk) => {
      answer += chunk;
      if (answer.endsWith(end)) socket.destroy();
    });
    socket.once('close', () => resolve(answer));
    socket.once('error', reject);
  });
}

/** Lines of a file without their line ends. */
export function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}
