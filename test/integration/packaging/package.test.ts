/**
 * The package as users get it: one tarball with a native core for each platform, no install script, installed by
 * npm with and without a compiler, with the TypeScript core where no binary fits.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleFiles } from '../../support/examples.ts';
import { allowedLicences, licencesOf } from '../../support/licences.ts';
import { missing, requirePeer } from '../../support/peers.ts';
import {
  bareEnvironment,
  buildablePlatforms,
  bytesBelow,
  commitSource,
  type Environment,
  mainJob,
  newProject,
  npmScript,
  type Packed,
  pack,
  root,
  run,
  scratchPrefix,
} from './packed.ts';

const BUILD_MS = 400_000;
const INSTALL_MS = 200_000;
const MIB = 1024 * 1024;
const own = `${process.platform}-${process.arch}`;
const platforms = buildablePlatforms();
const isNative = platforms.includes(own) && process.env.GEARTRAIN_NATIVE !== '0';
const unbuildable = ['linux-x64', 'linux-arm64'].filter((name) => !platforms.includes(name));
if (unbuildable.length > 0) missing(`no compiler for ${unbuildable.join(' and ')}`);
const hasArm64 = platforms.includes('linux-arm64') && requirePeer('readelf');
const worked = { embedded: '!dlroW olleH', daemon: '!dlroW olleH', exitCode: 0 };

let scratch = '';
let packed: Packed;

// It lists the files of the project.
const hasGit = requirePeer('git');

function install(project: string, npm: readonly string[], env?: NodeJS.ProcessEnv) {
  const [program, ...args] = [...npm, 'install', packed.tarball, '--no-audit', '--no-fund'];
  const where: Environment = env === undefined ? { cwd: project } : { cwd: project, env };
  return run(program as string, [...args, '--prefer-offline'], where);
}

beforeAll(() => {
  scratch = mkdtempSync(scratchPrefix);
  packed = pack(scratch, platforms);
}, BUILD_MS);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.skipIf(!hasGit)('the tarball', () => {
  it('holds what runs, what builds the addon elsewhere, and documents', () => {
    const known = [
      /^dist\/[\w/-]+\.(c?js|d\.ts)$/,
      /^dist\/man\/[\w-]+\.[18]$/,
      /^dist\/dashboard\/(index\.html|icon\.svg|(app|style)-[0-9a-f]{10}\.(js|css))(\.(br|gz))?$/,
      /^native\/([\w-]+\.mjs|[\w-]+\/[\w-]+\.(cc|h))$/,
      /^prebuilds\/linux-(x64|arm64)\/geartrain\.glibc\.node$/,
      /^src\/packaging\/(Dockerfile|geartrain\.service|geartrain-secrets\.conf|grafana-dashboard\.json|prometheus-alerts\.yml)$/,
      /^docs\/([\w-]+\.md|images\/[\w-]+\.png)$/,
      /^examples\/([\w-]+\/)?([\w.-]+\.(mjs|mts|php|json|md)|Dockerfile)$/,
      /^(package\.json|binding\.gyp|LICENSE|(README|CHANGELOG|CONTRIBUTING|SECURITY|bench\/RESULTS|src\/DECISIONS)\.md)$/,
    ];
    const strangers = packed.files.filter((file) => !known.some((form) => form.test(file)));
    expect(strangers).toEqual([]);
    for (const needed of [
      'dist/cli/gearmand.js',
      'dist/shard/entry.js',
      'dist/shard/thread-start.cjs',
      'dist/dashboard/index.html',
      'LICENSE',
      'SECURITY.md',
      'docs/README.md',
      ...exampleFiles.map((file) => `examples/${file}`),
    ])
      expect(packed.files).toContain(needed);
  });

  it('holds every source that its binding.gyp names', () => {
    const sources = readFileSync(join(root, 'binding.gyp'), 'utf8').match(/native\/[\w/-]+\.cc/g);
    expect(packed.files).toEqual(expect.arrayContaining(sources as string[]));
  });

  it.skipIf(platforms.length === 0)('has a native core for every platform', () => {
    for (const name of platforms)
      expect(packed.files).toContain(`prebuilds/${name}/geartrain.glibc.node`);
  });

  it('has no script that npm would run at install', () => {
    const description = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(description.gypfile).toBe(false);
    for (const script of ['preinstall', 'install', 'postinstall'])
      expect(description.scripts).not.toHaveProperty(script);
  });

  it.skipIf(!hasArm64)(
    'has an arm64 core that asks for no newer system libraries than Node.js 20 does',
    () => {
      const file = join(scratch, 'source/prebuilds/linux-arm64/geartrain.glibc.node');
      const { stdout } = run('readelf', ['-hVW', file], { cwd: scratch });
      expect(stdout).toMatch(/Machine:\s+AArch64/);
      const needed = [...stdout.matchAll(/Name: (GLIBC|GLIBCXX)_(\d+)\.(\d+)(?:\.(\d+))?/g)];
      expect(needed.length).toBeGreaterThan(0);
      for (const [name, library, major, minor, patch] of needed) {
        const [majorMax, minorMax, patchMax] = library === 'GLIBC' ? [2, 28, 0] : [3, 4, 21];
        const asked = [Number(major), Number(minor), Number(patch ?? 0)];
        const isOld = asked[1] !== minorMax || (asked[2] as number) <= (patchMax as number);
        expect(asked[0] === majorMax && asked[1]! <= minorMax! && isOld, name).toBe(true);
      }
    },
  );

  it('satisfies publint and attw', () => {
    const bin = (name: string) => join(root, 'node_modules/.bin', name);
    const where = { cwd: scratch };
    const lint = run(bin('publint'), ['run', packed.tarball, '--strict'], where);
    expect(lint.code, lint.stdout + lint.stderr).toBe(0);
    const types = run(bin('attw'), [packed.tarball, '--profile', 'esm-only'], where);
    expect(types.code, types.stdout + types.stderr).toBe(0);
  }, 60_000);

  it('is made without compilers, too, but not published', () => {
    const copy = join(scratch, 'source');
    const prebuild = join(copy, 'native/prebuild.mjs');
    const { GEARTRAIN_PREBUILDS: _, ...others } = process.env;
    const env = { ...others, PATH: bareEnvironment(scratch).PATH };
    rmSync(join(copy, 'prebuilds'), { recursive: true, force: true });
    const lenient = run(process.execPath, [prebuild], { cwd: copy, env });
    expect(lenient.code).toBe(0);
    for (const name of ['linux-x64', 'linux-arm64'])
      expect(lenient.stderr).toMatch(new RegExp(`^prebuild ${name}: left out, there is no `, 'm'));
    const strict = run(process.execPath, [prebuild, 'linux-arm64'], { cwd: copy, env });
    expect(strict.code).toBe(1);
    expect(strict.stderr).toMatch(/^prebuild linux-arm64: there is no /m);
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(scripts.prepublishOnly).toContain('native/prebuild.mjs linux-x64 linux-arm64');
  });
});

describe.skipIf(!hasGit)('installed', () => {
  it(
    'by npm on a machine with a compiler: silently, and the main job runs',
    () => {
      const project = newProject(scratch);
      const installed = install(project, ['npm']);
      expect(installed.code, installed.stderr).toBe(0);
      expect(installed.stderr).toBe('');
      const job = mainJob([process.execPath], { cwd: project });
      expect(job).toMatchObject({ kind: isNative ? 'addon' : 'twin', ...worked });
      const modules = join(project, 'node_modules');
      expect(bytesBelow(modules)).toBeLessThan(20 * MIB);
      const licences = licencesOf(modules);
      expect(licences.filter(({ licence }) => !allowedLicences.has(licence))).toEqual([]);
    },
    INSTALL_MS,
  );

  it(
    'by npm on a machine without one: the same',
    () => {
      const project = newProject(scratch);
      const env = bareEnvironment(scratch);
      const installed = install(project, [process.execPath, npmScript()], env);
      expect(installed.code, installed.stderr).toBe(0);
      const job = mainJob([process.execPath], { cwd: project, env });
      expect(job).toMatchObject({ kind: isNative ? 'addon' : 'twin', ...worked });
      // A processor for which there is no binary, as node-gyp-build is told it.
      const elsewhere = { ...env, npm_config_arch: 'riscv64' };
      const other = mainJob([process.execPath], { cwd: project, env: elsewhere });
      expect(other).toMatchObject({ kind: 'twin', kindReason: 'addon is not built', ...worked });
    },
    INSTALL_MS,
  );

  it(
    'by npm from a git repository: it is built there, and the main job runs',
    () => {
      const repository = commitSource(scratch);
      const project = newProject(scratch);
      const installed = run('npm', ['install', `git+file://${repository}`, '--prefer-offline'], {
        cwd: project,
      });
      expect(installed.code, installed.stderr).toBe(0);
      const job = mainJob([process.execPath], { cwd: project });
      expect(job).toMatchObject({ kind: isNative ? 'addon' : 'twin', ...worked });
    },
    INSTALL_MS,
  );

  it(
    'by npm 12 on Node.js 24, which runs no install scripts: the same',
    ({ skip }) => {
      const project = newProject(scratch);
      const others = ['npx', '--yes', '-p', 'node@24', '-p', 'npm@12'];
      const version = run(others[0] as string, [...others.slice(1), 'npm', '--version'], {
        cwd: project,
      });
      skip(!version.stdout.startsWith('12.') && !missing(`no npm 12: ${version.stderr}`));
      const installed = install(project, [...others, 'npm']);
      expect(installed.code, installed.stderr).toBe(0);
      // It lists packages whose scripts it has not run.
      expect(installed.stderr + installed.stdout).not.toMatch(/geartrain|install script/i);
      const job = mainJob([...others, 'node'], { cwd: project });
      expect(job).toMatchObject({ kind: isNative ? 'addon' : 'twin', ...worked });
    },
    INSTALL_MS,
  );
});
