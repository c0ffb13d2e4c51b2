/**
 * The file system as the journal needs it, so that tests can replace it by a failing or simulated one. Rule: while the
 * server runs, only methods with a callback are used; they run on other threads. The other methods are for the start,
 * before peers are served. A callback is never called before its method has returned.
 */
import * as fs from 'node:fs';
import { makeFolder } from './make-folder.ts';

/** Called with the system's error, or null. */
export type Done = (error: Error | null) => void;

export interface FileSystem {
  /** Makes a folder and those above it; no effect when it exists. */
  makeFolder(path: string): void;
  /** Names of the files in a folder. */
  list(path: string): string[];
  byteCount(path: string): number;
  /** Reads the whole file to the start of `bytes`, which is long enough. */
  readAll(path: string, bytes: Uint8Array): void;
  /** Writes inside of a file and waits until it is durable. */
  mend(path: string, bytes: Uint8Array, at: number): void;

  /** Opens a file for reading and writing; with `isNew` it is created and must not exist. */
  open(path: string, isNew: boolean, done: (error: Error | null, file: number) => void): void;
  close(file: number, done: Done): void;
  read(
    file: number,
    bytes: Uint8Array,
    at: number,
    done: (error: Error | null, count: number) => void,
  ): void;
  /** Writes all pieces one after the other, the first one at offset `at`. They must not change meanwhile. */
  write(file: number, pieces: readonly Uint8Array[], at: number, done: Done): void;
  /** Makes the data of a file durable. */
  sync(file: number, done: Done): void;
  /** Writes as `write` does; the data is durable when `done` is called. */
  commit(file: number, pieces: readonly Uint8Array[], at: number, done: Done): void;
  /** Makes the names in a folder durable. */
  syncFolder(path: string, done: Done): void;
  rename(from: string, to: string, done: Done): void;
  remove(path: string, done: Done): void;
  /** Ends it; no call may be pending or follow. */
  end(): void;
}

/** The system's own file system. */
export const nodeFiles: FileSystem = {
  makeFolder: (path) => {
    makeFolder(path);
  },
  list: (path) => fs.readdirSync(path),
  byteCount: (path) => fs.statSync(path).size,
  readAll: (path, bytes) => {
    const file = fs.openSync(path, 'r');
    try {
      const end = fs.fstatSync(file).size;
      for (let at = 0; at < end; ) {
        const count = fs.readSync(file, bytes, at, end - at, at);
        if (count === 0) return;
        at += count;
      }
    } finally {
      fs.closeSync(file);
    }
  },
  mend: (path, bytes, at) => {
    const file = fs.openSync(path, 'r+');
    try {
      for (let done = 0; done < bytes.length; )
        done += fs.writeSync(file, bytes, done, bytes.length - done, at + done);
      fs.fdatasyncSync(file);
    } finally {
      fs.closeSync(file);
    }
  },
  open: (path, isNew, done) => fs.open(path, isNew ? 'wx+' : 'r+', 0o600, done),
  close: (file, done) => fs.close(file, (error) => done(error ?? null)),
  read: (file, bytes, at, done) => fs.read(file, bytes, 0, bytes.length, at, done),
  write: writePieces,
  sync: (file, done) => fs.fdatasync(file, done),
  commit: (file, pieces, at, done) =>
    writePieces(file, pieces, at, (error) => {
      if (error === null) fs.fdatasync(file, done);
      else done(error);
    }),
  syncFolder: (path, done) => {
    fs.open(path, 'r', (error, folder) => {
      if (error !== null) done(error);
      else fs.fsync(folder, (failure) => fs.close(folder, () => done(failure)));
    });
  },
  rename: (from, to, done) => fs.rename(from, to, done),
  remove: (path, done) => fs.unlink(path, done),
  end: () => {},
};

/** The system may write only a part. */
function writePieces(file: number, pieces: readonly Uint8Array[], at: number, done: Done): void {
  fs.writev(file, pieces as Uint8Array[], at, (error, count) => {
    const left = error === null ? piecesBehind(pieces, count) : [];
    if (left.length === 0) done(error);
    else if (count === 0) done(new Error('write: the system took nothing'));
    else writePieces(file, left, at + count, done);
  });
}

function piecesBehind(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
  const left: Uint8Array[] = [];
  let skip = count;
  for (const piece of pieces) {
    if (skip >= piece.length) skip -= piece.length;
    else {
      left.push(piece.subarray(skip));
      skip = 0;
    }
  }
  return left;
}
