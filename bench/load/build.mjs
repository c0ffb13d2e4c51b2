// Compiles the load generator and the yardstick when their sources changed.
// Rule: binaries live under bench/results (never committed), named by a hash of sources and compiler.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './servers.mjs';

const here = new URL('./generator/', import.meta.url).pathname;

/** A program cannot be compiled here; the message says why and what to install. */
export class CompilerError extends Error {}

function compile(folder, compilers, flags, main, sources) {
  const compiler = compilers.map((name) => name && findProgram(name)).find(Boolean);
  if (!compiler) {
    const names = compilers.filter(Boolean).join(', ');
    throw new CompilerError(`no compiler for ${main} (looked for ${names}): apt-get install g++`);
  }
  const hash = createHash('sha256').update(`${compiler} ${flags.join(' ')} ${process.arch}`);
  for (const source of sources) hash.update(readFileSync(join(here, source)));
  const path = join(folder, `${main.replace(/\.\w+$/, '')}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(path)) return path;
  const built = `${path}.${process.pid}`;
  const result = spawnSync(compiler, [...flags, '-o', built, join(here, main)], {
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    throw new CompilerError(`compile ${main} with ${compiler}: ${result.stderr || result.error}`);
  }
  renameSync(built, path);
  return path;
}

/** Paths of both programs, compiled when needed (a few seconds). Throws CompilerError. */
export function buildPrograms(folder) {
  mkdirSync(folder, { recursive: true });
  const headers = readdirSync(here).filter((name) => name.endsWith('.h'));
  const load = compile(
    folder,
    [process.env.CXX, 'g++', 'clang++', 'c++'],
    ['-O2', '-std=c++17'],
    'load.cc',
    ['load.cc', ...headers.sort()],
  );
  const yardstick = compile(
    folder,
    [process.env.CC, 'gcc', 'clang', 'cc'],
    ['-O2', '-std=gnu11'],
    'yardstick.c',
    ['yardstick.c'],
  );
  return { load, yardstick };
}
