/**
 * A folder of a user after `npm install geartrain`: the package under its name, the tools in `.bin`. Programs and
 * commands of documents run in it unchanged. Rule: only ports are replaced, and every program ends with the folder.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.mjs';
import { WireConnection } from './wire.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** npm makes the programs of a package executable, the compiler does not. */
const RUNS = { mode: 0o755 };

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Program {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves with all of stdout as soon as `isEnough` says so of it; rejects when the program has ended before. */
  until(isEnough: (stdout: string) => boolean): Promise<string>;
  kill(signal: NodeJS.Signals): void;
}

export class PackageFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'geartrain-user-'));
  readonly port: number;
  /** Ports as documents have them, and those that stand in for them. */
  readonly #ports: ReadonlyMap<string, string>;
  readonly #running = new Set<ChildProcess>();

  private constructor(ports: ReadonlyMap<string, string>) {
    this.#ports = ports;
    this.port = Number(ports.get('4730'));
    writeFileIn(this.path, 'package.json', '{"type":"module"}');
    const bin = join(this.path, 'node_modules/.bin');
    mkdirSync(bin, { recursive: true });
    this.link('geartrain', root);
    const description = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const [name, file] of Object.entries<string>(description.bin))
      writeFileSync(join(bin, name), `#!/bin/sh\nexec node '${join(root, file)}' "$@"\n`, RUNS);
  }

  /** `others`: ports besides 4730 that documents name. */
  static async make(...others: readonly number[]): Promise<PackageFolder> {
    const ports = new Map<string, string>();
    for (const port of [4730, ...others]) ports.set(String(port), String(await freePort()));
    return new PackageFolder(ports);
  }

  /** Installs a package that the checkout has, or a folder, under `name`. */
  link(name: string, from = join(root, 'node_modules', name)): void {
    const place = join(this.path, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(from, place);
  }

  /** Text with the ports of this folder. */
  ported(text: string): string {
    let ported = text;
    for (const [port, own] of this.#ports) ported = ported.replaceAll(port, own);
    return ported;
  }

  write(name: string, text: string): void {
    writeFileIn(this.path, name, this.ported(text));
  }

  /** Copies a folder of the checkout; `to` is its name here. */
  async copy(from: string, to = from): Promise<void> {
    const target = join(this.path, to);
    cpSync(join(root, from), target, { recursive: true });
    const entries = await readdir(target, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const file = join(entry.parentPath, entry.name);
      await writeFile(file, this.ported(readFileSync(file, 'utf8')));
    }
  }

  /** Starts a command of a document through a shell, in a process group of its own. */
  start(command: string, env: NodeJS.ProcessEnv = {}): Program {
    // A program that stands alone takes the shell's place, so that signals and its exit code are its own.
    const lead = /&&|[|;]/.test(command) ? '' : 'exec env ';
    const child = spawn('sh', ['-c', lead + this.ported(command)], {
      cwd: this.path,
      detached: true,
      env: { ...process.env, GEARMAND_PORT: String(this.port), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#running.add(child);
    return programOf(child, () => this.#running.delete(child));
  }

  /** Runs a command to its end. */
  run(command: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return this.start(command, env).ended;
  }

  /** Starts the job server as in the documents; resolves when it answers. */
  async serve(command = 'npx --no -- gearmand --listen 127.0.0.1'): Promise<Program> {
    const program = this.start(command);
    let end: Ended | null = null;
    void program.ended.then((ended) => {
      end = ended;
    });
    while (end === null) {
      try {
        const probe = await WireConnection.connect({ port: this.port });
        await probe.barrier();
        await probe.close();
        return program;
      } catch {
        // A refused connection is not an event that can be awaited from outside.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    throw new Error(`${command}: ${(end as Ended).stderr}`);
  }

  remove(): void {
    for (const child of this.#running) killGroup(child, 'SIGKILL');
    rmSync(this.path, { recursive: true, force: true });
  }
}

function programOf(child: ChildProcess, onEnded: () => void): Program {
  let [stdout, stderr] = ['', ''];
  const lookers = new Set<() => void>();
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const look of lookers) look();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      onEnded();
      resolve({ code, stdout, stderr });
    });
  });
  const until = (isEnough: (text: string) => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!isEnough(stdout)) return;
        lookers.delete(look);
        resolve(stdout);
      };
      lookers.add(look);
      look();
      void ended.then(() => reject(new Error(`ended before: ${stdout}${stderr}`)));
    });
  return { pid: child.pid ?? 0, ended, until, kill: (signal) => killGroup(child, signal) };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-(child.pid as number), signal);
  } catch {
    // It has ended meanwhile.
  }
}

function writeFileIn(folder: string, name: string, text: string): void {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
