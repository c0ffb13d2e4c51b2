/**
 * `--export FILE` and `--import FILE`: files, standard streams and progress around the server's functions. Rule: an
 * export file is complete or absent; standard input is copied to a temporary file first, because it is read twice.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, LogLevel } from '../base/logger.ts';
import { resolveOptions } from '../server/options.ts';
import { stateDirOf } from '../server/state-dir.ts';
import { exportJobs } from '../server/transfer/export-jobs.ts';
import { importJobs, RefusedLines } from '../server/transfer/import-jobs.ts';
import { fileReason } from '../store/file-reason.ts';
import { giveBack } from './hand-over.ts';
import { prepareServer } from './prepare-server.ts';
import { readLines } from './read-lines.ts';
import type { Settings } from './settings.ts';
import { TransferProgress } from './transfer-progress.ts';

const STREAM = '-';
const STDIN = 0;
const STDOUT = 1;
const WRITE_BYTES = 256 * 1024;
const COPY_BYTES = 1024 * 1024;
/** Pause before writing again to a full pipe. */
const FULL_PAUSE_MS = 2;

/** Resolves to the exit code. */
export async function runTransfer(
  given: Settings,
  complain: (text: string) => void,
): Promise<number> {
  const { values } = given;
  try {
    const { options } = prepareServer(given);
    const settings = { ...given, server: options };
    const log: Logger = {
      level: LogLevel.NOTICE,
      log: (level, text) => {
        if (level <= LogLevel.NOTICE) complain(text);
      },
    };
    const path = (values.export ?? values.import) as string;
    try {
      if (values.export !== null) await exportTo(path, settings, log);
      else await importFrom(path, settings, log);
    } finally {
      if (values.queueType === 'journal') giveBack(stateDirOf(options));
    }
    return 0;
  } catch (error) {
    if (error instanceof RefusedLines) for (const problem of error.problems) complain(problem);
    complain((error as Error).message);
    return 1;
  }
}

async function exportTo(path: string, settings: Settings, log: Logger): Promise<void> {
  if (path !== STREAM && existsSync(path))
    throw new Error(`option --export: ${path}: it exists already`);
  const making = `${path}.new`;
  const file = path === STREAM ? STDOUT : opened('export', making, 'w');
  const progress = new TransferProgress('exported');
  const pending: string[] = [];
  let pendingBytes = 0;
  const flush = (): void => {
    writeAll(file, Buffer.from(pending.join('')));
    pending.length = 0;
    pendingBytes = 0;
  };
  try {
    const count = await exportJobs({
      options: resolveOptions(settings.server),
      log,
      take: (line, total) => {
        pending.push(line, '\n');
        pendingBytes += line.length + 1;
        if (pendingBytes >= WRITE_BYTES) flush();
        progress.add(1, total);
      },
    });
    flush();
    if (path !== STREAM) {
      fsyncSync(file);
      renameSync(making, path);
    }
    progress.end(count);
  } catch (error) {
    if (path !== STREAM) rmSync(making, { force: true });
    throw error;
  } finally {
    if (path !== STREAM) closeSync(file);
  }
}

function opened(option: 'export' | 'import', path: string, flags: 'r' | 'w'): number {
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    throw new Error(`option --${option}: open ${path}: ${fileReason(error)}`, { cause: error });
  }
}

async function importFrom(path: string, settings: Settings, log: Logger): Promise<void> {
  const folder = path === STREAM ? mkdtempSync(join(tmpdir(), 'geartrain-import-')) : null;
  try {
    const file = folder === null ? opened('import', path, 'r') : copyOfInput(join(folder, 'lines'));
    try {
      const options = resolveOptions(settings.server);
      const total = fstatSync(file).size;
      const progress = new TransferProgress('imported');
      const count = await importJobs({
        options,
        log,
        lines: function* (step) {
          for (const line of readLines(file, options.maxPacketSize)) {
            if (step === 'add') progress.addOf(1, line.end, total);
            yield line;
          }
        },
      });
      progress.end(count);
    } finally {
      closeSync(file);
    }
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}

function copyOfInput(path: string): number {
  const copy = openSync(path, 'wx+', 0o600);
  const bytes = Buffer.alloc(COPY_BYTES);
  for (;;) {
    const count = patiently(() => readSync(STDIN, bytes, 0, bytes.length, null));
    if (count === 0) return copy;
    writeAll(copy, bytes.subarray(0, count));
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += patiently(() => writeSync(file, bytes, at));
}

/** Repeats a call until the stream is ready: a standard stream may be non-blocking. */
function patiently(act: () => number): number {
  for (;;) {
    try {
      return act();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PAUSE_MS);
    }
  }
}
