/**
 * The command of a worker, run once for each job: workload on standard input, output in pieces, standard error
 * unchanged. Rule: when the worker ends, a running command is ended too, with all processes that it has started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** How a command ended: in words, and whether it succeeded. */
export interface CommandEnd {
  readonly isGood: boolean;
  /** Exit status; null after a signal. */
  readonly status: number | null;
  readonly words: string;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The path of the command, found as the system finds it. Throws Error when it cannot be run. */
export function findCommand(name: string, env: NodeJS.ProcessEnv): string {
  const places = name.includes('/')
    ? [name]
    : (env.PATH ?? '/usr/bin:/bin').split(delimiter).map((folder) => join(folder || '.', name));
  const found = places.find(isProgram);
  if (found === undefined) {
    throw new Error(
      `command ${JSON.stringify(name)}: there is no such program${name.includes('/') ? '' : ' in PATH'}`,
    );
  }
  return found;
}

/** Time for a command to clean up before it is killed. */
const PATIENCE_MS = 1000;

export class Commands {
  readonly #path: string;
  readonly #args: readonly string[];
  readonly #running = new Set<ChildProcess>();

  /** Throws Error when there is no such program. */
  constructor(words: readonly string[], env: NodeJS.ProcessEnv) {
    const [name = '', ...args] = words;
    this.#path = findCommand(name, env);
    this.#args = args;
  }

  /**
   * Runs it to its end, with the number of the attempt in its environment. `onOutput` is called in order and awaited, so that a slow reader slows the command down. When
   * `signal` aborts, the command is ended. Rejects when the command cannot be started.
   */
  async run(
    workload: Uint8Array,
    attempt: number,
    signal: AbortSignal,
    onOutput: (chunk: Buffer) => Promise<void> | void,
  ): Promise<CommandEnd> {
    // A process group of its own, so that its children end with it.
    const child = spawn(this.#path, this.#args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
      env: { ...process.env, GEARMAN_ATTEMPT: String(attempt) },
    });
    this.#running.add(child);
    const onAbort = (): void => end(child);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const closed = new Promise<CommandEnd>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code, by) =>
          resolve({
            isGood: code === 0,
            status: code,
            words: by === null ? `exit status ${code}` : `signal ${by}`,
          }),
        );
      });
      // A failure to start is reported below.
      closed.catch(() => {});
      // A command need not read its input.
      child.stdin.on('error', () => {});
      child.stdin.end(workload);
      for await (const chunk of child.stdout) await onOutput(chunk as Buffer);
      return await closed;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#running.delete(child);
    }
  }

  /** Ends all running commands; resolves when they have ended. */
  async endAll(): Promise<void> {
    const gone = [...this.#running].map(
      (child) => new Promise((resolve) => child.once('exit', resolve)),
    );
    for (const child of this.#running) end(child);
    await Promise.all(gone);
  }
}

/**
 * Ends the command and its children by SIGTERM. Children that still run get SIGKILL when the command has ended; after
 * PATIENCE_MS all get it.
 */
function end(child: ChildProcess): void {
  signalGroup(child, 'SIGTERM');
  const hard = setTimeout(() => signalGroup(child, 'SIGKILL'), PATIENCE_MS);
  child.once('exit', () => {
    clearTimeout(hard);
    signalGroup(child, 'SIGKILL');
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended already.
  }
}
