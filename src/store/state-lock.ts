/**
 * One server for each state directory: the lock is a Unix socket in it on which the server listens. The listener ends
 * with the process, even at a crash. The next start then finds no listener and takes the lock.
 *
 *   lock.own.ID    a server listens on it; then it is linked to the lock's name, so that others reach its server there
 *   lock.sock      the lock
 *   lock.sock.ID   a lock that was moved aside, because it seemed to have no listener
 *
 * Rule: a dead socket is moved aside before it is removed, so that of several servers which start at once only one
 * takes the lock. A server that moves a live socket aside by mistake puts it back. If another server has taken the name
 * meanwhile, that server finds the socket that was moved aside, sees that it has a listener, and gives up the lock.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileReason } from './file-reason.ts';
import { makeFolder } from './make-folder.ts';

const LOCK_NAME = 'lock.sock';
const ASIDE_PREFIX = `${LOCK_NAME}.`;
const OWN_PREFIX = 'lock.own.';
const ID_BYTES = 4;
/** Longest path of a Unix socket. */
const PATH_BYTES_MAX = 107;
/**
 * At most so many attempts. An attempt fails only when another server has made progress, and fewer servers than this
 * start at once.
 */
const ATTEMPTS_MAX = 100;
const RETURN_PAUSE_MS = 5;
/** Time limit for an answer. A server that does not answer in time may be suspended or busy, and counts as running. */
const ANSWER_MS_MAX = 1_000;

export interface StateLock {
  release(): Promise<void>;
}

interface HeldLock extends StateLock {
  /** Whether the lock's name leads to this server now. */
  isHeld(): boolean;
}

/** Makes the directory if it is missing and takes it for this process. Rejects with a sentence about the option. */
export async function takeStateDir(folder: string): Promise<StateLock> {
  try {
    makeFolder(folder);
  } catch (error) {
    throw new Error(
      `option --state-dir: make ${folder}: ${fileReason(error)}; name a folder that can be written to`,
      { cause: error },
    );
  }
  return lockState(folder);
}

/** Resolves when this process has the directory for itself; rejects when another server uses it. */
export async function lockState(folder: string): Promise<StateLock> {
  const id = randomBytes(ID_BYTES).toString('hex');
  const path = join(folder, LOCK_NAME);
  const aside = join(folder, `${ASIDE_PREFIX}${id}`);
  if (Buffer.byteLength(aside) > PATH_BYTES_MAX)
    throw new Error(
      `option --state-dir: lock ${folder}: the path is ${Buffer.byteLength(folder)} bytes, too long for a socket in it`,
    );
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const lock = await take(folder, path, id);
      if (lock === null) {
        if (!(await clear(path, aside))) break;
        continue;
      }
      const isAlone = await hasNoRival(folder, id);
      if (isAlone && lock.isHeld()) return lock;
      await lock.release();
      if (!isAlone) break;
    }
  } catch (error) {
    throw new Error(`option --state-dir: lock ${folder}: ${fileReason(error)}`, { cause: error });
  }
  throw new Error(
    `option --state-dir: lock ${folder}: another server uses this state directory; name another folder`,
  );
}

/** Listens, sends its id to every peer, and takes the name; null when another server has it. */
async function take(folder: string, path: string, id: string): Promise<HeldLock | null> {
  const own = join(folder, `${OWN_PREFIX}${id}`);
  const server = createServer((socket) => {
    // The peer may have left before the answer.
    socket.on('error', () => {});
    socket.end(id);
  });
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(own, resolve);
  });
  const file = fileOf(own);
  const isHeld = (): boolean => file !== null && fileOf(path) === file;
  const release = (): Promise<void> => {
    if (isHeld()) rmSync(path, { force: true });
    return new Promise((resolve) => server.close(() => resolve()));
  };
  // Another server may have removed our own name as dead before we listened.
  if (tryTo(() => linkSync(own, path), 'EEXIST', 'ENOENT')) {
    rmSync(own, { force: true });
    return { isHeld, release };
  }
  await release();
  return null;
}

/** Frees the name when it has no listener; false when it has one. */
async function clear(path: string, aside: string): Promise<boolean> {
  if ((await ownerOf(path)) !== null) return false;
  // Another server that starts may have cleared it.
  if (!tryTo(() => renameSync(path, aside), 'ENOENT')) return true;
  if ((await ownerOf(aside)) === null) {
    rmSync(aside, { force: true });
    return true;
  }
  await putBack(aside, path);
  return false;
}

/**
 * Puts a live socket back. Afterwards the name is free, or one of two servers, its new owner or the server of `aside`,
 * will soon give up the lock.
 */
async function putBack(aside: string, path: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const isBack = tryTo(() => linkSync(aside, path), 'EEXIST', 'ENOENT');
    if (isBack || fileOf(path) === fileOf(aside) || (await ownerOf(aside)) === null) {
      rmSync(aside, { force: true });
      return;
    }
    // A server that gave way, and was put back by another one.
    if ((await ownerOf(path)) === null && tryTo(() => renameSync(aside, path), 'ENOENT')) return;
    await pause(RETURN_PAUSE_MS);
  }
}

/** Whether no other server listens on a socket that was moved aside; removes dead ones. */
async function hasNoRival(folder: string, id: string): Promise<boolean> {
  for (const name of readdirSync(folder)) {
    const isAside = name.startsWith(ASIDE_PREFIX);
    if (!isAside && !name.startsWith(OWN_PREFIX)) continue;
    const path = join(folder, name);
    const owner = await ownerOf(path);
    if (owner === null) rmSync(path, { force: true });
    else if (isAside && owner !== id) return false;
  }
  return true;
}

/** Calls `act`; false when it throws one of `codes`. */
function tryTo(act: () => void, ...codes: readonly string[]): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Identity of the file that a name leads to; null when there is none. */
function fileOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}

/** Id of the server that listens on a socket, empty when it does not answer; null when there is none. */
function ownerOf(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let isConnected = false;
    let id = '';
    socket.setEncoding('latin1');
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
    socket.on('connect', () => {
      isConnected = true;
    });
    socket.on('data', (text) => {
      id += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(isConnected ? id : null));
  });
}
