/** Runs one invocation, by the C tool or by ours, in a world of its own, and tells everything that can be seen of it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Invocation } from './invocation.ts';
import { World, type WorldKind } from './world.ts';

export interface Outcome {
  readonly code: number | null;
  /** Bytes as Latin-1; pids, ports and handles evened out. */
  readonly stdout: string;
  readonly stderr: string;
  /** What the peers of the tool heard. */
  readonly heard: readonly string[];
  /** What the server holds afterwards. */
  readonly left: readonly string[];
}

export type Make = 'c' | 'ours';

const PATIENCE_MS = 20_000;

/** The built entry of our tool. */
export function toolPath(tool: string): string {
  const path = fileURLToPath(new URL(`../../../dist/cli/${tool}.js`, import.meta.url));
  if (!existsSync(path)) throw new Error(`dist/cli/${tool}.js is missing: npm run build`);
  return path;
}

/** Replaces what differs from run to run and says nothing about the tools. */
function evened(text: string, world: World, pid: number): string {
  return text
    .replaceAll(/^gearman: no job server has answered yet, .*\n/gm, '') // of ours, when the machine is slow
    .replaceAll(new RegExp(`\\b${world.port}\\b`, 'g'), 'PORT')
    .replaceAll(`pid(${pid})`, 'pid(PID)')
    .replaceAll(`"${pid}\\n"`, '"PID\\n"')
    .replaceAll(new RegExp(`^${world.serverPid}$`, 'gm'), 'SERVER_PID')
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'UUID')
    .replaceAll(/H:[\w.-]+:[\w.]+/g, 'HANDLE');
}

function filled(word: string, world: World, folder: string): string {
  return word
    .replaceAll('{port}', String(world.port))
    .replaceAll('{folder}', folder)
    .replaceAll(/\{handle(\d)\}/g, (_, n) => world.handles[Number(n) - 1] ?? '');
}

/** Between peers there is no order: lines by peer, each one's in their order. */
function byPeer(heard: readonly string[]): string[] {
  const peer = (line: string): string => line.replace(/ got .*/s, '');
  return heard.toSorted((a, b) => (peer(a) < peer(b) ? -1 : peer(a) > peer(b) ? 1 : 0));
}

/** The pieces in the row's order, when the text consists of them; else the text as it is. */
function inOrder(text: string, pieces: readonly string[] = []): string {
  let rest = text;
  for (const piece of pieces) rest = rest.replace(piece, '');
  return rest === '' ? pieces.join('') || text : text;
}

function inRowOrder(heard: string[], { pieces }: Invocation): string[] {
  return pieces === undefined ? heard : heard.toSorted();
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly pid: number;
}

function run(
  command: string,
  argv: readonly string[],
  invocation: Invocation,
  env: NodeJS.ProcessEnv,
) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(command, argv, { stdio: 'pipe', env });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('latin1').on('data', (chunk: string) => {
        texts[name] += chunk;
      });
    }
    const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(patience);
      resolve({ code, ...texts, pid: child.pid as number });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(Buffer.from(invocation.stdin ?? '', 'latin1'));
  });
}

/** Runs it in a new world; `extra` words come first. */
export async function invoke(
  invocation: Invocation,
  make: Make,
  kind: WorldKind,
  extra: readonly string[] = [],
): Promise<Outcome> {
  const world = await World.make(kind);
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-tools-'));
  try {
    await invocation.setup?.(world);
    const place = invocation.isPlaced === false ? [] : ['-h', '127.0.0.1', '-p', '{port}'];
    const words = [...extra, ...place, ...invocation.words];
    const argv = words.map((word) => filled(word, world, folder));
    const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1' };
    for (const name of ['GEARMAN_SERVER', 'GEARMAN_SERVERS']) delete env[name];
    for (const [name, word] of Object.entries(invocation.env ?? {})) {
      env[name] = filled(word, world, folder);
    }
    const { tool } = invocation;
    const ended =
      make === 'c'
        ? await run(tool, argv, invocation, env)
        : await run(process.execPath, [toolPath(tool), ...argv], invocation, env);
    await world.settled();
    const even = (text: string): string => evened(text, world, ended.pid);
    return {
      code: ended.code,
      stdout: inOrder(even(ended.stdout), invocation.pieces),
      stderr: even(ended.stderr),
      heard: inRowOrder(byPeer(world.heard).map(even), invocation),
      left: (await world.left()).map(even),
    };
  } finally {
    await world.end();
    rmSync(folder, { recursive: true, force: true });
  }
}
