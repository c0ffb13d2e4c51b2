/**
 * Makes the package as a release does, in a copy of the source tree, and installs it elsewhere.
 * Rule: nothing here touches the checkout's own dist, build or prebuilds.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
const mainJobFile = fileURLToPath(new URL('main-job.mjs', import.meta.url));
const PATIENCE_MS = 240_000;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Environment {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end; what it wrote shows when it fails. */
export function run(command: string, args: readonly string[], where: Environment): Ran {
  const { cwd, env = process.env } = where;
  const options = { cwd, env, encoding: 'utf8', timeout: PATIENCE_MS } as const;
  const { status, stdout, stderr } = spawnSync(command, args, options);
  return { code: status, stdout, stderr };
}

/** True where a program can be started by its bare name. */
export function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Platforms whose binary this machine can build. */
export function buildablePlatforms(): string[] {
  const own = `${process.platform}-${process.arch}`;
  const crossCompilers = {
    'linux-x64': 'x86_64-linux-gnu-g++',
    'linux-arm64': 'aarch64-linux-gnu-g++',
  };
  return Object.entries(crossCompilers)
    .filter(([name, cross]) => hasProgram(name === own ? 'g++' : cross))
    .map(([name]) => name);
}

/** Files that belong to the project, whether committed yet or not. */
function sourceFiles(): string[] {
  const options = { cwd: root, encoding: 'utf8' } as const;
  const list = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], options);
  return list.split('\0').filter((name) => name !== '' && existsSync(join(root, name)));
}

export interface Packed {
  readonly tarball: string;
  /** Paths inside the package. */
  readonly files: readonly string[];
}

/** `npm pack` in a copy of the source tree below `scratch`, with binaries for `platforms`. */
export function pack(scratch: string, platforms: readonly string[]): Packed {
  const copy = join(scratch, 'source');
  for (const name of sourceFiles()) {
    mkdirSync(dirname(join(copy, name)), { recursive: true });
    cpSync(join(root, name), join(copy, name), { preserveTimestamps: true });
  }
  // Binaries that are there already and fresh are not built again.
  for (const platform of platforms) {
    const built = join('prebuilds', platform);
    if (!existsSync(join(root, built))) continue;
    cpSync(join(root, built), join(copy, built), { recursive: true, preserveTimestamps: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const env = {
    ...process.env,
    GEARTRAIN_NATIVE: '0',
    GEARTRAIN_PREBUILDS: platforms.join(' ') || 'none',
  };
  const { code, stdout, stderr } = run('npm', ['pack', '--json'], { cwd: copy, env });
  if (code !== 0) throw new Error(`npm pack: ${stdout}${stderr}`);
  const [made] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [
    { filename: string; files: { path: string }[] },
  ];
  return { tarball: join(copy, made.filename), files: made.files.map((file) => file.path) };
}

/** Makes a git repository of the copy that `pack` made, without what was built there; returns its folder. */
export function commitSource(scratch: string): string {
  const copy = join(scratch, 'source');
  const git = (...args: string[]): void => {
    const { code, stderr } = run('git', args, { cwd: copy });
    if (code !== 0) throw new Error(`git ${args[0]}: ${stderr}`);
  };
  git('init', '--quiet');
  // A link is no folder to .gitignore.
  writeFileSync(join(copy, '.git/info/exclude'), 'node_modules\n');
  git('add', '.');
  const author = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
  git(...author, '-c', 'commit.gpgsign=false', 'commit', '--quiet', '--message', 'as it is');
  return copy;
}

/** A folder with nothing but node on its PATH: no compiler, no make, no python. */
export function bareEnvironment(scratch: string): NodeJS.ProcessEnv {
  const bin = join(scratch, 'bin');
  mkdirSync(bin, { recursive: true });
  if (!existsSync(join(bin, 'node'))) symlinkSync(process.execPath, join(bin, 'node'));
  const { CC: _cc, CXX: _cxx, ...env } = process.env;
  return { ...env, PATH: bin };
}

/** The npm that came with this Node.js, as a script that needs no PATH. */
export function npmScript(): string {
  return join(dirname(dirname(process.execPath)), 'lib/node_modules/npm/bin/npm-cli.js');
}

/** A new project below `scratch` that can install the package and run the main job. */
export function newProject(scratch: string): string {
  const folder = mkdtempSync(join(scratch, 'project-'));
  const description = { name: 'project', private: true, version: '1.0.0', type: 'module' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(description));
  cpSync(mainJobFile, join(folder, 'main-job.mjs'));
  return folder;
}

export interface MainJob {
  readonly kind: string;
  readonly kindReason: string;
  readonly embedded: string;
  readonly daemon: string;
  readonly exitCode: number;
}

/** Runs the main job of an installed package with `command` (a Node.js and its own arguments). */
export function mainJob(command: readonly string[], where: Environment): MainJob {
  const [program, ...args] = [...command, 'main-job.mjs'];
  const { code, stdout, stderr } = run(program as string, args, where);
  if (code !== 0) throw new Error(`main job: ${code}: ${stdout}${stderr}`);
  return JSON.parse(stdout.split('\n').at(-2) as string) as MainJob;
}

/** Bytes of all files below a folder. */
export function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

export const scratchPrefix = join(tmpdir(), 'geartrain-package-');
