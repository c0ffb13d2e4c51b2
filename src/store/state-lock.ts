/**
 * One server a state directory: the lock is a Unix socket in it on which the server listens. It goes with the process,
 * however that ends, so after a crash the next start finds nobody behind it and takes over.
 *
 *   lock.own.ID    a server listens on it; then it is linked to the free name, so whoever finds that hears its server
 *   lock.sock      the lock
 *   lock.sock.ID   a lock that was moved aside, because nobody seemed to be behind it
 *
 * Rule: a dead socket is moved aside before it is removed, so that of several servers which start at once only one takes
 * it. Whoever moves a live one by mistake puts it back; until then whoever has got the free name meanwhile sees it
 * aside, hears that another one is behind it, and gives way.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileReason } from './file-reason.ts';

const LOCK_NAME = 'lock.sock';
const ASIDE_PREFIX = `${LOCK_NAME}.`;
const OWN_PREFIX = 'lock.own.';
const ID_BYTES = 4;
/** Longest path of a Unix socket. */
const PATH_BYTES_MAX = 107;
/** Each attempt ends with another server that has got further; more of them do not start at once. */
const ATTEMPTS_MAX = 100;
const RETURN_PAUSE_MS = 5;
/** A server that is stopped or busy is there, though it does not say who it is. */
const ANSWER_MS_MAX = 1_000;

export interface StateLock {
  release(): Promise<void>;
}

interface HeldLock extends StateLock {
  /** Whether the name leads here now. */
  isHeld(): boolean;
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

/** Listens, tells its id to whoever connects, and takes the name; null when somebody has it. */
async function take(folder: string, path: string, id: string): Promise<HeldLock | null> {
  const own = join(folder, `${OWN_PREFIX}${id}`);
  const server = createServer((socket) => {
    // Who asks may be gone before it is told.
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
  // Somebody may have taken the own name for a dead one before it was listened on.
  if (tryTo(() => linkSync(own, path), 'EEXIST', 'ENOENT')) {
    rmSync(own, { force: true });
    return { isHeld, release };
  }
  await release();
  return null;
}

/** Frees the name when nobody is behind it; false when somebody is. */
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

/** The name is free, or its new owner gives way soon, or who is behind `aside` does. */
async function putBack(aside: string, path: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const isBack = tryTo(() => linkSync(aside, path), 'EEXIST', 'ENOENT');
    if (isBack || fileOf(path) === fileOf(aside) || (await ownerOf(aside)) === null) {
      rmSync(aside, { force: true });
      return;
    }
    // One that gave way, and was put back by somebody else.
    if ((await ownerOf(path)) === null && tryTo(() => renameSync(aside, path), 'ENOENT')) return;
    await pause(RETURN_PAUSE_MS);
  }
}

/** Whether no other server is behind a socket that was moved aside; removes what has nobody behind it. */
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

/** False when it fails with one of `codes`. */
function tryTo(act: () => void, ...codes: readonly string[]): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** What tells one file from another behind a name; null without one. */
function fileOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}

/** Id of the server behind a socket, empty when it does not say; null when there is none. */
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
