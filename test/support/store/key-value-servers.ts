/**
 * Redis and memcached of the tests' own: on a free loopback port, with data in a temporary folder. Rule: a server counts
 * as started when it answers; each can be killed and started again on the same port and data; all are gone when the test
 * process ends; no other server is ever touched.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.mjs';
import { requirePeer } from '../peers.ts';

interface Kind {
  readonly program: string;
  args(folder: string, port: number): readonly string[];
  /** A question, and how the answer begins when the server can be used. */
  readonly question: string;
  readonly answer: string;
}

const KINDS = {
  redis: {
    program: 'redis-server',
    // Every write is the system's before it is answered: it outlives the server, which is all that the tests end.
    args: (folder, port) => [
      ...['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder, '--save', ''],
      ...['--appendonly', 'yes', '--appendfsync', 'no'],
    ],
    question: 'PING\r\n',
    answer: '+PONG',
  },
  memcached: {
    program: 'memcached',
    args: (_folder, port) => [
      ...['-l', '127.0.0.1', '-p', `${port}`, '-U', '0'],
      ...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []),
    ],
    question: 'version\r\n',
    answer: 'VERSION',
  },
} as const satisfies Record<string, Kind>;

export type KeyValueName = keyof typeof KINDS;

const START_MS = 30_000;

/** As `requirePeer`: prints why tests are skipped, or throws when nothing may be missing. */
export function requireKeyValue(name: KeyValueName): boolean {
  return requirePeer(name);
}

const running = new Map<ChildProcess, string>();
process.once('exit', () => {
  for (const [child, folder] of running) {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});

export class KeyValueServer {
  readonly #kind: Kind;
  readonly #folder: string;
  readonly #extra: readonly string[];
  #child: ChildProcess | null = null;
  port = 0;

  private constructor(kind: Kind, extra: readonly string[]) {
    this.#kind = kind;
    this.#extra = extra;
    this.#folder = mkdtempSync(join(tmpdir(), `geartrain-${kind.program}-`));
  }

  static async start(name: KeyValueName, extra: readonly string[] = []): Promise<KeyValueServer> {
    const server = new KeyValueServer(KINDS[name], extra);
    server.port = await freePort();
    await server.start();
    return server;
  }

  /** Begins again; resolves when it answers. */
  async start(): Promise<void> {
    const { program, args } = this.#kind;
    const child = spawn(program, [...args(this.#folder, this.port), ...this.#extra], {
      stdio: 'ignore',
    });
    this.#child = child;
    running.set(child, this.#folder);
    const deadline = performance.now() + START_MS;
    while (!(await this.says(this.#kind.question)).startsWith(this.#kind.answer)) {
      if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
      if (performance.now() > deadline) throw new Error(`${program} does not answer`);
      // An unreachable server gives no event that can be awaited from outside.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Its data stay, if it keeps any. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    const exited = child.exitCode === null ? once(child, 'exit') : null;
    child.kill('SIGKILL');
    await exited;
    running.delete(child);
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The first bytes of the answer to a command; empty when there is none. */
  says(command: string): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect(this.port, '127.0.0.1', () => socket.write(command));
      socket.setTimeout(5_000, () => socket.destroy());
      socket.on('data', (chunk) => {
        answer += chunk;
        socket.destroy();
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(answer));
    });
  }
}
