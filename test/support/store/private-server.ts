/**
 * Database servers of the tests' own: on a free loopback port, with data in a temporary folder, as `nobody` when the
 * tests run as root, because these servers insist. Rule: a server counts as started when it answers; each can be killed
 * and started again on the same data; all are gone, with their data, when the test process ends; no other server is
 * ever touched. To add one, add a row to KINDS.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { findPostgresProgram, findProgram } from '../find-program.ts';
import { freePort } from '../free-port.mjs';
import { requirePeer } from '../peers.ts';

/**
 * What these servers have written outlives their own end without waiting for the disk, and the tests end no machine.
 * MariaDB has a switch for each of its parts.
 */
const MARIADB_UNSYNCED = [
  ...['--innodb-flush-method=nosync', '--innodb-doublewrite=0', '--debug-no-sync'],
  ...['--sync-frm=0', '--innodb-log-file-size=16M'],
];

interface Kind {
  /** Path of a program; null when it is not installed. */
  program(): string | null;
  /** Makes the data, once. */
  readonly prepare?: (folder: string) => readonly string[];
  args(folder: string, port: number): readonly string[];
  /** Rejects while the server does not answer. */
  ask(port: number): Promise<void>;
}

const START_MS = 60_000;
const NOBODY = 65_534;

const KINDS = {
  postgres: {
    program: () => findPostgresProgram('postgres'),
    prepare: (folder) => [
      findPostgresProgram('initdb') as string,
      ...['-D', join(folder, 'data'), '-A', 'trust', '-U', 'postgres', '-E', 'UTF8'],
      ...['--no-sync', '--locale=C.UTF-8'],
    ],
    args: (folder, port) => [
      ...['-D', join(folder, 'data'), '-p', `${port}`, '-h', '127.0.0.1', '-k', folder],
      ...['-c', 'shared_buffers=16MB', '-c', 'max_connections=60', '-c', 'fsync=off'],
    ],
    async ask(port) {
      const client = new pg.Client(postgresUrl(port));
      client.on('error', () => {});
      await client.connect();
      await client.end();
    },
  },
  mariadb: {
    program: () => findProgram('mariadbd'),
    prepare: (folder) => [
      findProgram('mariadb-install-db') as string,
      ...['--no-defaults', `--datadir=${join(folder, 'data')}`, '--skip-test-db'],
      ...['--auth-root-authentication-method=normal', ...MARIADB_UNSYNCED],
    ],
    args: (folder, port) => [
      ...['--no-defaults', `--datadir=${join(folder, 'data')}`, `--port=${port}`],
      ...['--bind-address=127.0.0.1', `--socket=${join(folder, 's')}`],
      ...['--innodb-buffer-pool-size=32M', ...MARIADB_UNSYNCED],
    ],
    async ask(port) {
      const connection = await mysql.createConnection({ host: '127.0.0.1', port, user: 'root' });
      await connection.query('CREATE DATABASE IF NOT EXISTS jobs');
      await connection.end();
    },
  },
} as const satisfies Record<string, Kind>;

export type PrivateServerName = keyof typeof KINDS;

export interface PrivateServer {
  readonly port: number;
  /** Runs, with this signal; resolves when it is gone. Its data stay. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Begins again on the same port and data; resolves when it answers. */
  start(): Promise<void>;
  /** Resolves when none of its threads runs any more: a signal alone lets them finish their current work. */
  freeze(): Promise<void>;
  /** Goes on. */
  thaw(): void;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/** A PostgreSQL server of ours, as a URI. */
export function postgresUrl(port: number): string {
  return `postgresql://postgres@127.0.0.1:${port}/postgres`;
}

/** As `requirePeer`: prints why tests are skipped, or throws when nothing may be missing. */
export function requireServer(name: PrivateServerName): boolean {
  return requirePeer(name);
}

const folders = new Map<string, ChildProcess | null>();
process.once('exit', () => {
  for (const [folder, child] of folders) {
    if (child !== null) signalAll(processesOf(child), 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Starts a new one. */
export async function startPrivateServer(name: PrivateServerName): Promise<PrivateServer> {
  const server = new Running(KINDS[name], name);
  await server.start();
  return server;
}

class Running implements PrivateServer {
  readonly #kind: Kind;
  readonly #folder: string;
  #child: ChildProcess | null = null;
  port = 0;

  constructor(kind: Kind, name: string) {
    this.#kind = kind;
    this.#folder = mkdtempSync(join(tmpdir(), `geartrain-${name}-`));
    folders.set(this.#folder, null);
    if (isRoot()) chownSync(this.#folder, NOBODY, NOBODY);
    chmodSync(this.#folder, 0o700);
    const command = kind.prepare?.(this.#folder);
    if (command === undefined) return;
    const [program = '', ...args] = command;
    const done = spawnSync(program, args, { ...asNobody(), encoding: 'utf8', cwd: this.#folder });
    if (done.status !== 0) throw new Error(`${program}: ${done.stderr || done.error?.message}`);
  }

  async start(): Promise<void> {
    const deadline = performance.now() + START_MS;
    for (;;) {
      if (this.port === 0) this.port = await freePort();
      const child = this.#spawn();
      let output = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        output = `${output}${chunk}`.slice(-10_000);
      });
      while (child.exitCode === null && child.signalCode === null) {
        if (await this.#answers()) return;
        if (performance.now() > deadline) throw new Error(`it does not answer: ${output}`);
        // An unreachable server gives no event that can be awaited from outside.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      // What a killed one has left behind may need a moment.
      if (performance.now() > deadline) throw new Error(`it does not start: ${output}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    if (signal === 'SIGKILL') signalAll(processesOf(child), signal);
    else child.kill(signal);
    await exited;
  }

  async freeze(): Promise<void> {
    const pids = processesOf(this.#child);
    signalAll(pids, 'SIGSTOP');
    while (!pids.every(isStopped)) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  thaw(): void {
    signalAll(processesOf(this.#child), 'SIGCONT');
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    folders.delete(this.#folder);
  }

  #spawn(): ChildProcess {
    const child = spawn(
      this.#kind.program() as string,
      [...this.#kind.args(this.#folder, this.port)],
      // Not ended by the signals of a terminal: the tests end it.
      { ...asNobody(), cwd: this.#folder, detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#child = child;
    folders.set(this.#folder, child);
    return child;
  }

  async #answers(): Promise<boolean> {
    try {
      await this.#kind.ask(this.port);
      return true;
    } catch {
      return false;
    }
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function asNobody(): { uid?: number; gid?: number } {
  return isRoot() ? { uid: NOBODY, gid: NOBODY } : {};
}

/** A process and its children, which may have made groups of their own. */
function processesOf(child: ChildProcess | null): number[] {
  if (child?.pid === undefined) return [];
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', `${child.pid}`], {
    encoding: 'utf8',
  });
  const children = stdout.split('\n').map(Number);
  return [child.pid, ...children.filter((pid) => pid > 0)];
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, signal);
    } catch {
      // It is gone already.
    }
}

/** Whether every thread of a process is stopped, or the process gone. */
function isStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((task) => {
      const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
    });
  } catch {
    return true;
  }
}
