/**
 * One server a state directory: the lock is a Unix socket in it on which the server listens. It goes with the process,
 * however that ends, so after a crash the next start finds nobody behind it and takes over.
 */
import { linkSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

const LOCK_NAME = 'lock.sock';
/** Longest path of a Unix socket. */
const PATH_BYTES_MAX = 107;

export interface StateLock {
  release(): Promise<void>;
}

/** Resolves when this process has the directory for itself; rejects when another server uses it. */
export async function lockState(folder: string): Promise<StateLock> {
  const path = join(folder, LOCK_NAME);
  const stale = join(folder, `${LOCK_NAME}.${process.pid}`);
  if (Buffer.byteLength(stale) > PATH_BYTES_MAX)
    throw new Error(
      `lock ${folder}: the path is ${Buffer.byteLength(folder)} bytes, too long for a socket in it`,
    );
  const server = createServer((socket) => socket.destroy());
  try {
    await listen(server, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE')
      throw new Error(`lock ${folder}: ${(error as Error).message}`, { cause: error });
    await takeOver(path, stale, folder);
    await listen(server, path);
  }
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Moved aside first, so that of two servers which start at once only one can take over. */
async function takeOver(path: string, stale: string, folder: string): Promise<void> {
  const used = new Error(`lock ${folder}: another server uses this state directory`);
  if (await isAlive(path)) throw used;
  renameSync(path, stale);
  const wasAlive = await isAlive(stale);
  if (wasAlive) linkSync(stale, path);
  rmSync(stale, { force: true });
  if (wasAlive) throw used;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
