/**
 * Runs third-party programs against a server of ours. Rule: a worker program is killed with its group when its test
 * ends; a client program must end by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe } from 'vitest';
import { startServer, type TestServer } from '../../support/servers.ts';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The path of a script in `scripts/`. */
export const script = (name: string): string =>
  fileURLToPath(new URL(`scripts/${name}`, import.meta.url));

/** Shard counts and bindings with which every third-party program is tried. */
const FLAVOURS = [
  { threads: 0, native: true },
  { threads: 2, native: true },
  { threads: 0, native: false },
  { threads: 2, native: false },
].filter(({ native }) => !native || process.env.GEARTRAIN_NATIVE !== '0');

/** `describe` for each flavour of our server; `server()` is running inside tests. */
export function describeFlavours(title: string, body: (server: () => TestServer) => void): void {
  const rows = FLAVOURS.map((flavour) => ({
    ...flavour,
    label: `${flavour.threads} shards, ${flavour.native ? 'addon' : 'twin'}`,
  }));
  describe.each(rows)(`${title}: $label`, ({ threads, native }) => {
    let server: TestServer | null = null;
    beforeAll(async () => {
      server = await startServer('geartrain', { threads, native });
    });
    afterAll(async () => {
      await server?.stop();
    });
    body(() => server as TestServer);
  });
}

/** Runs a program to its end. Kills it after `patienceMs`; then `code` is null. */
export function run(
  command: string,
  args: readonly string[],
  { input = '', patienceMs = 20_000 }: { input?: string | Buffer; patienceMs?: number } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('latin1');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('latin1');
    });
    const patience = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(patience);
      resolve({ code, stdout, stderr });
    });
    // A program that does not read its input may be gone before it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

const started = new Set<ChildProcess>();
process.once('exit', stopWorkers);

/** Starts a worker program, in a process group of its own; what it writes to stderr is shown when it ends early. */
export function startWorker(
  command: string,
  args: readonly string[],
  stdout: 'ignore' | 'pipe' = 'ignore',
): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', stdout, 'pipe'], detached: true });
  child.unref();
  started.add(child);
  child.stderr?.on('data', (chunk: Buffer) => console.error(`${command}: ${chunk}`));
  child.once('exit', () => started.delete(child));
  return child;
}

/** Kills all worker programs of this test file. */
export function stopWorkers(): void {
  for (const child of started) {
    try {
      process.kill(-(child.pid as number), 'SIGKILL');
    } catch {
      child.kill('SIGKILL');
    }
  }
  started.clear();
}

/** Lines of a file that every Linux has, as the introduction of gearmand counts them. */
export function passwd(): { text: Buffer; lineCount: number } {
  const text = readFileSync('/etc/passwd');
  return { text, lineCount: text.toString('latin1').split('\n').length - 1 };
}
